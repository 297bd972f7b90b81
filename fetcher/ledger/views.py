"""Read the ledger for people and programs. Nothing here holds a link, and nothing is loaded whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select

from fetcher.domain.status import Status
from fetcher.ledger.paging import page_after, row_pages, row_pages_of
from fetcher.ledger.schema import events, has_status, runs, task_items, tasks, videos

_PAGE: Final = 500
_PAGE_OF_VIDS: Final = 5000
_SHOWN: Final = (
    "id", "vid", "status", "reason", "detail", "path", "size", "sha256", "md5", "crc64", "evidence",
    "attempts", "deadline", "window_ends_at", "postponed", "held_until", "lease_owner", "title", "category",
    "created_at", "added_at", "done_at", "verified_at", "container", "agreed", "size_expected", "md5_expected",
)  # fmt: skip
_ALL: Final = [videos.c[name] for name in _SHOWN]
_NAMES: Final = [videos.c.id, videos.c.vid]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The ledger in numbers."""

    counts: dict[str, int]
    """Videos by status."""
    tasks: dict[str, int]
    """Tasks by status."""
    bytes_done: int
    nearest_deadline: int | None
    """Of a ready video, ms UTC."""
    nearest_window_end: int | None
    """When the first thawed file that is still to be fetched goes cold, ms UTC."""
    at_risk: int
    """Ready videos that may be lost before they are fetched."""
    reasons: dict[str, int]
    """Failed videos by reason."""
    next_poll_at: int | None
    last_run: dict[str, Any] | None
    last_success_at: int | None
    """When the last run ended with code 0, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which videos to list."""

    statuses: Sequence[Status] = ()
    task_id: str | None = None
    video_ids: Sequence[int] | None = None
    """These alone, in this order."""


def totals(connection: Connection, *, at_risk: int = 0) -> Totals:
    """Count: done is what the live statuses leave of all, so that no index on status is needed.

    Args:
        connection: On a snapshot.
        at_risk: How many videos are at risk, as the outlook has them.
    """
    counts = {
        status.value: _count(connection, has_status(status)) for status in Status if status is not Status.DONE
    }
    everything = connection.scalar(select(func.count()).select_from(videos)) or 0
    counts[Status.DONE.value] = everything - sum(counts.values())
    last = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
    return Totals(
        counts={status.value: counts[status.value] for status in Status},
        tasks=_by(connection, select(tasks.c.status, func.count()).group_by(tasks.c.status)),
        bytes_done=connection.scalar(select(func.sum(videos.c.size)).where(videos.c.done_at.is_not(None))) or 0,
        nearest_deadline=connection.scalar(
            select(func.min(videos.c.deadline)).where(has_status(Status.READY), videos.c.deadline.is_not(None))
        ),
        nearest_window_end=_nearest_window_end(connection),
        at_risk=at_risk,
        reasons=_by(
            connection,
            select(videos.c.reason, func.count()).where(has_status(Status.FAILED)).group_by(videos.c.reason),
        ),
        next_poll_at=connection.scalar(
            select(func.min(tasks.c.next_poll_at)).where(tasks.c.next_poll_at.is_not(None))
        ),
        last_run=None if last is None else dict(last._mapping),  # noqa: SLF001 - SQLAlchemy's public name for it
        last_success_at=connection.scalar(select(func.max(runs.c.ended_at)).where(runs.c.exit_code == 0)),
    )


def _nearest_window_end(connection: Connection) -> int | None:
    """Return when the first file behind a link goes cold, by the index that has both clocks.

    Asked of all that is ready at once, SQLite would take a smaller index and look up each row.
    """
    ends = select(func.min(videos.c.window_ends_at)).where(has_status(Status.READY))
    found = [
        connection.scalar(ends.where(which)) for which in (videos.c.deadline.is_(None), videos.c.deadline > -1)
    ]
    return min((end for end in found if end is not None), default=None)


def listed(connection: Connection, chosen: Selection) -> Iterator[dict[str, Any]]:
    """Yield the videos that were chosen, in the order they came to be known or were named in, page by page."""
    for page in _pages(connection, chosen, _ALL, size=_PAGE):
        yield from _with_tasks(connection, page)


def listed_after(connection: Connection, chosen: Selection, last_id: int) -> list[dict[str, Any]]:
    """Return the next page of the videos that were chosen, in the order they came to be known."""
    page = page_after(_chosen(chosen, _ALL), last_id, size=_PAGE)
    return list(_with_tasks(connection, connection.execute(page).all()))


def listed_vids(connection: Connection, chosen: Selection) -> Iterator[str]:
    """Yield what the videos that were chosen are called, in the same order, and read no more of them."""
    for page in _pages(connection, chosen, _NAMES, size=_PAGE_OF_VIDS):
        yield from (row.vid for row in page)


def vids_of(connection: Connection, video_ids: Sequence[int]) -> list[str]:
    """Return what some videos are called, in their order."""
    return list(listed_vids(connection, Selection(video_ids=video_ids)))


def shown(connection: Connection, video_ids: Sequence[int]) -> list[dict[str, Any]]:
    """Return some videos as they are listed, in their order."""
    return list(listed(connection, Selection(video_ids=video_ids)))


def one_video(connection: Connection, vid: str) -> dict[str, Any] | None:
    """Return everything about one video: its row, its tasks, its history; None where it is unknown."""
    row = connection.execute(select(*_ALL).where(videos.c.vid == vid)).first()
    if row is None:
        return None
    told = connection.execute(
        select(
            tasks.c.task_id,
            tasks.c.request_key,
            tasks.c.status,
            task_items.c.said,
            task_items.c.created_at,
            task_items.c.success_at,
        )
        .join(task_items, task_items.c.task == tasks.c.id)
        .where(task_items.c.video == row.id)
        .order_by(tasks.c.id)
    ).all()
    columns = (events.c.at, events.c.kind, events.c.from_status, events.c.to_status, events.c.detail)
    history = connection.execute(select(*columns).where(events.c.video == row.id).order_by(events.c.id)).all()
    return {
        **row._mapping,  # noqa: SLF001
        "task_ids": [one.task_id for one in told if one.task_id is not None],
        "tasks": [dict(one._mapping) for one in told],  # noqa: SLF001
        "history": [dict(one._mapping) for one in history],  # noqa: SLF001
    }


def one_task(connection: Connection, task_id: str) -> dict[str, Any] | None:
    """Return everything about one task and what Polyv said of each of its videos; None where it is unknown.

    One that is lost is known by our own key alone.
    """
    named = (tasks.c.task_id == task_id) | (tasks.c.request_key == task_id)
    row = connection.execute(select(tasks).where(named)).first()
    if row is None:
        return None
    items = connection.execute(
        select(
            videos.c.vid,
            videos.c.status,
            videos.c.reason,
            videos.c.path,
            task_items.c.said,
            task_items.c.success_at,
        )
        .join(videos, videos.c.id == task_items.c.video)
        .where(task_items.c.task == row.id)
        .order_by(videos.c.id)
    ).all()
    return {**row._mapping, "videos": [dict(one._mapping) for one in items]}  # noqa: SLF001


def _pages(
    connection: Connection, chosen: Selection, columns: Sequence[ColumnElement[Any]], *, size: int
) -> Iterator[Sequence[Any]]:
    wanted = _chosen(chosen, columns)
    if chosen.video_ids is not None:
        return row_pages_of(connection, wanted, chosen.video_ids, size=size)
    return row_pages(connection, wanted, size=size)


def _with_tasks(connection: Connection, page: Sequence[Any]) -> Iterator[dict[str, Any]]:
    named = _task_ids(connection, [row.id for row in page])
    for row in page:
        yield {**dict(zip(_SHOWN, row, strict=True)), "task_ids": named.get(row.id, [])}


def _chosen(chosen: Selection, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    found = select(*columns)
    if len(chosen.statuses) == 1:
        found = found.where(has_status(chosen.statuses[0]))
    elif chosen.statuses:
        found = found.where(videos.c.status.in_([status.value for status in chosen.statuses]))
    if chosen.task_id is not None:
        inside = select(task_items.c.video).join(tasks, tasks.c.id == task_items.c.task)
        found = found.where(videos.c.id.in_(inside.where(tasks.c.task_id == chosen.task_id)))
    return found


def _task_ids(connection: Connection, video_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    rows = connection.execute(
        select(task_items.c.video, tasks.c.task_id)
        .join(tasks, tasks.c.id == task_items.c.task)
        .where(task_items.c.video.in_(video_ids), tasks.c.task_id.is_not(None))
        .order_by(tasks.c.id)
    )
    for row in rows:
        found.setdefault(row.video, []).append(row.task_id)
    return found


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(videos).where(condition)) or 0


def _by(connection: Connection, counted: Select[Any]) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(counted)}
