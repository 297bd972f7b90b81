"""What a person asks of the ledger: record tasks, have another go, notice missing files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from fetcher.domain.errors import FetcherError
from fetcher.domain.events import Chosen, FileMissing, RetryAsked
from fetcher.domain.status import Reason, Status, TaskStatus
from fetcher.ledger.caution import lost_too_often
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.due import ask_again
from fetcher.ledger.intents import put_back
from fetcher.ledger.schema import has_status, runs, tasks, videos

_IN_LIST: Final = 500
"""Values in one statement, bound one by one."""
_STANDING: Final = (videos.c.id, videos.c.vid, videos.c.status, videos.c.reason)


def add_tasks(connection: Connection, task_ids: Sequence[str], *, now: int) -> int:
    """Record tasks that were submitted elsewhere, return how many are new. Known ones stay as they are.

    One that was rejected before is asked about again.

    Args:
        connection: A write transaction.
        task_ids: Polyv's; one may come twice.
        now: ms UTC.
    """
    added = 0
    for start in range(0, len(task_ids), _IN_LIST):
        batch = list(dict.fromkeys(task_ids[start : start + _IN_LIST]))
        known = {row.task_id: row.status for row in connection.execute(_known(batch))}
        rejected = [one for one in batch if known.get(one) == TaskStatus.REJECTED.value]
        if new := [one for one in batch if one not in known]:
            rows = [
                {"task_id": one, "status": TaskStatus.OPEN.value, "added_at": now, "next_poll_at": now}
                for one in new
            ]
            connection.execute(insert(tasks), rows)
        if rejected:
            connection.execute(
                update(tasks)
                .where(tasks.c.task_id.in_(rejected))
                .values(status=TaskStatus.OPEN.value, added_at=now, next_poll_at=now, quiet_polls=0)
            )
        added += len(new) + len(rejected)
    return added


def _known(batch: Sequence[str]):  # type: ignore[no-untyped-def]  # noqa: ANN202 - SQLAlchemy's own, unspeakable type
    return select(tasks.c.task_id, tasks.c.status).where(tasks.c.task_id.in_(batch))


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What came of putting videos back to work, by vid."""

    back: Sequence[str]
    unknown: Sequence[str]
    """Those that the ledger does not know."""
    spared: Sequence[str]
    """Those that stay as they are because too many tasks for them were lost."""


def retry(connection: Connection, vids: Iterable[str] | None, *, now: int, is_forced: bool = False) -> Retried:
    """Put videos back to work: failed ones, ready ones that wait for their next try, and those of a lost task.

    All that failed may be put back by a program, again and again: so no video is asked for without end then, and
    the pause after tasks that were lost goes on. Who names videos, or insists, knows of the losses.

    Args:
        connection: A write transaction.
        vids: Which; None for all that failed.
        now: ms UTC.
        is_forced: Whether somebody insists.
    """
    if vids is None:
        rows = connection.execute(select(*_STANDING).where(has_status(Status.FAILED)))
        found = {row.vid: row for row in rows.all()}
        wanted = list(found)
    else:
        wanted = list(dict.fromkeys(vids))
        found = {row.vid: row for start in range(0, len(wanted), _IN_LIST)
                 for row in connection.execute(select(*_STANDING).where(
                     videos.c.vid.in_(wanted[start : start + _IN_LIST])))}  # fmt: skip
    is_known = vids is not None or is_forced
    often = set() if is_known else lost_too_often(connection)
    spared = [row.vid for row in found.values() if row.id in often]
    chosen = [row for row in found.values() if row.id not in often]
    easy = [row for row in chosen if _is_easy(row)]
    for start in range(0, len(easy), _IN_LIST):
        _put_back_together(connection, easy[start : start + _IN_LIST], now=now)
    known_at = now if is_known else None
    back = [row.vid for row in chosen if _is_easy(row) or _put_back(connection, row, now=now, known_at=known_at)]
    return Retried(back=back, unknown=[vid for vid in wanted if vid not in found], spared=spared)


def _is_easy(row: Any) -> bool:
    """Tell whether nothing but its row says what becomes of a video: most of a hundred thousand failed ones."""
    return bool(row.status == Status.FAILED.value and row.reason != Reason.NEVER_PREPARED.value)


def _put_back_together(connection: Connection, rows: Sequence[Any], *, now: int) -> None:
    # Where no task gives a video, there is none to ask about.
    refused = {row.id for row in rows if row.reason == Reason.REFUSED_BY_POLYV.value}
    changes = [
        Change(video_id=row.id, event=Chosen(at=now) if row.id in refused else RetryAsked(at=now)) for row in rows
    ]
    for result in apply_all(connection, changes):
        if isinstance(result, FetcherError):
            raise result
    ask_again(connection, *(row.id for row in rows if row.id not in refused), at=now)


def _put_back(connection: Connection, row: Any, *, now: int, known_at: int | None) -> bool:
    video_id, status = row.id, Status(row.status)
    if status is Status.WANTED:
        return put_back(connection, video_id, known_at=known_at)
    is_lost = row.reason == Reason.NEVER_PREPARED.value and put_back(connection, video_id, known_at=known_at)
    if is_lost:
        apply(connection, Change(video_id=video_id, event=Chosen(at=now)))
    elif status is Status.FAILED:
        apply(connection, Change(video_id=video_id, event=RetryAsked(at=now)))
        ask_again(connection, video_id, at=now)
    elif status is Status.WAITING:
        connection.execute(update(videos).where(videos.c.id == video_id).values(refused_link=None))
        ask_again(connection, video_id, at=now)
    elif status is Status.READY:
        waits = (videos.c.id == video_id, videos.c.lease_owner.is_(None))
        connection.execute(update(videos).where(*waits).values(held_until=None))
    return status in (Status.FAILED, Status.WAITING, Status.READY)


def file_missing(connection: Connection, video_id: int, *, detail: str, now: int) -> None:
    """Put a done video whose file is gone back to work.

    Args:
        connection: A write transaction.
        video_id: Which.
        detail: What was found, for a person.
        now: ms UTC.
    """
    apply(connection, Change(video_id=video_id, event=FileMissing(at=now, detail=detail)))
    ask_again(connection, video_id, at=now)


def forget_refusals(connection: Connection) -> None:
    """Let links that an earlier run saw refused be tried once more."""
    connection.execute(update(videos).where(videos.c.refused_link.is_not(None)).values(refused_link=None))


def begin_run(connection: Connection, *, owner: str, now: int) -> int:
    """Note that a run begins, return its id.

    Args:
        connection: A write transaction.
        owner: What its claims are held by.
        now: ms UTC.
    """
    added = connection.execute(insert(runs).values(owner=owner, started_at=now).returning(runs.c.id))
    return int(added.scalar_one())


def note_run(connection: Connection, run_id: int, *, counts: Mapping[str, int | None]) -> None:
    """Note what a run has found, by column of ``runs``, before it ends: what is at risk is told by that."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(**counts))


def end_run(
    connection: Connection, run_id: int, *, now: int, exit_code: int, counts: Mapping[str, int | None]
) -> None:
    """Note how a run ended.

    Args:
        connection: A write transaction.
        run_id: By ``begin_run``.
        now: ms UTC.
        exit_code: Its own.
        counts: What it came to, by column of ``runs``; None where something was not measured.
    """
    connection.execute(update(runs).where(runs.c.id == run_id).values(ended_at=now, exit_code=exit_code, **counts))
