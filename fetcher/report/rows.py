"""The stable rows of ``list --format jsonl``, ``show --json`` and ``status --json``: instants in ISO 8601, UTC."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from fetcher.ledger.views import Totals

COLUMNS: Final = (
    "vid", "status", "reason", "detail", "path", "size", "sha256", "md5", "crc64", "evidence", "task_ids",
    "attempts", "deadline", "window_ends_at", "due_at", "title", "category", "created_at", "added_at", "done_at",
    "verified_at", "container",
)  # fmt: skip
"""The columns of a video's row, in their order."""

_INSTANTS: Final = frozenset(
    {"deadline", "window_ends_at", "due_at", "created_at", "added_at", "done_at", "verified_at"}
)


def instant(ms: int | None) -> str | None:
    """Return ms UTC as ISO 8601 with seconds, None for None."""
    if ms is None:
        return None
    try:
        return datetime.fromtimestamp(ms // 1000, UTC).isoformat()[:-6] + "Z"  # strftime takes thrice as long.
    except (OverflowError, ValueError, OSError):
        return None


def video_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a video as it is shown to programs."""
    waits = row["held_until"] if row["lease_owner"] is None else None
    values = {**row, "due_at": waits}
    return {name: instant(values[name]) if name in _INSTANTS else values[name] for name in COLUMNS}


def history_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one line of a video's history."""
    return {
        "at": instant(row["at"]),
        "event": row["kind"],
        "from": row["from_status"],
        "to": row["to_status"],
        "detail": row["detail"],
    }


def shown_video(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything about one video."""
    tasks = [
        {
            "task_id": task["task_id"],
            "request_key": task["request_key"],
            "status": task["status"],
            "said": task["said"],
            "success_at": instant(task["success_at"]),
        }
        for task in row["tasks"]
    ]
    said = {
        "agreed": (row["agreed"] or "").split(),
        "polyv_size": row["size_expected"],
        "polyv_md5": row["md5_expected"],
    }
    history = [history_row(one) for one in row["history"]]
    return {**video_row(row), **said, "tasks": tasks, "history": history}


def shown_task(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return everything about one task."""
    videos = [{**one, "success_at": instant(one["success_at"])} for one in row["videos"]]
    return {
        "task_id": row["task_id"],
        "request_key": row["request_key"],
        "status": row["status"],
        "expire_days": row["expire_days"],
        "added_at": instant(row["added_at"]),
        "polls": row["polls"],
        "polled_at": instant(row["polled_at"]),
        "next_poll_at": instant(row["next_poll_at"]),
        "last_error": row["last_error"],
        "videos": videos,
    }


def status_row(totals: Totals) -> dict[str, Any]:
    """Return the ledger in numbers."""
    last = totals.last_run
    return {
        "counts": totals.counts,
        "reasons": totals.reasons,
        "bytes_done": totals.bytes_done,
        "at_risk": totals.at_risk,
        "nearest_deadline": instant(totals.nearest_deadline),
        "nearest_window_end": instant(totals.nearest_window_end),
        "tasks": totals.tasks,
        "next_poll_at": instant(totals.next_poll_at),
        "last_run": None
        if last is None
        else {
            "started_at": instant(last["started_at"]),
            "ended_at": instant(last["ended_at"]),
            "exit_code": last["exit_code"],
            "done": last["done"],
            "failed": last["failed"],
            "bytes": last["bytes"],
            "calls": last["calls"],
        },
        "last_success_at": instant(totals.last_success_at),
    }
