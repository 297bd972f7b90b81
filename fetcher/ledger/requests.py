"""What may be asked of Polyv now, and how much is under way: what waves are made of.

While a task that was asked for may still come, and for the thaw window after its answer was lost, nobody asks for
its videos again; ``intents.py`` keeps those tasks.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, select

from fetcher.domain.status import Status, TaskStatus
from fetcher.domain.waves import DAY_S, MOST_VIDS, USUAL_SIZE, Wanted
from fetcher.ledger.schema import has_status, runs, task_items, tasks, videos

ASKED: Final = "(asked)"
"""What stands in ``said`` until Polyv says something: no word of its own has brackets."""
IN_QUESTION: Final = (TaskStatus.SUBMITTING.value, TaskStatus.LOST.value)
"""Tasks that may exist although Polyv has not said so."""
DAY_MS: Final = DAY_S * 1000
LATER_MS: Final = 3_600_000
"""A call is sent so much later than its intent was written at the most, and clocks differ by less."""
_SAMPLE: Final = 1000
"""Videos, the latest done, whose mean size stands for those of unknown size."""
_RUNS: Final = 20
"""The latest runs that fetched, the best of which says what the line can."""
LEAST_BYTES: Final = 1 << 20
"""What a run fetched below says nothing of the line."""


def usual_size(connection: Connection) -> int:
    """Return what a video is taken for whose size is not known: the mean of those that were done last, in bytes."""
    latest = select(videos.c.size).where(videos.c.done_at.is_not(None)).order_by(videos.c.done_at.desc())
    mean = connection.scalar(select(func.avg(latest.limit(_SAMPLE).subquery().c.size)))
    return USUAL_SIZE if mean is None else max(1, round(mean))


def measured_rate(connection: Connection) -> float | None:
    """Return what the line has shown that it can, in bytes a second: the best of the latest runs that fetched.

    A run's time holds its waiting too, so that most of them say less than the line can. It is the wall clock's,
    which may have stepped back meanwhile: none can have been faster than while anything was under way.
    """
    lasted = runs.c.ended_at - runs.c.started_at
    latest = (
        select((runs.c.bytes * 1000.0 / lasted).label("bytes_per_s"), runs.c.bytes_per_s.label("under_way"))
        .where(runs.c.ended_at.is_not(None), runs.c.bytes >= LEAST_BYTES, lasted > 0)
        .order_by(runs.c.id.desc())
        .limit(_RUNS)
        .subquery()
    )
    rate = func.min(latest.c.bytes_per_s, func.coalesce(latest.c.under_way, latest.c.bytes_per_s))
    best: float | None = connection.scalar(select(func.max(rate)))
    return best


def is_any_wanted(connection: Connection) -> bool:
    """Tell whether there is anything to ask Polyv for, now or later."""
    return connection.execute(select(videos.c.id).where(has_status(Status.WANTED)).limit(1)).first() is not None


def wanted(
    connection: Connection, *, now: int, usual: int, have: Mapping[int, int], limit: int | None = None
) -> Iterator[Wanted]:
    """Yield the videos that may be asked for now, the oldest first.

    Args:
        connection: In a transaction.
        now: ms UTC.
        usual: Bytes of one whose size is not known.
        have: Bytes that are here already, by the video's id.
        limit: How many at the most; None for all.
    """
    for row in connection.execute(askable(now).limit(limit)).yield_per(MOST_VIDS):
        size = usual if row.size_expected is None else row.size_expected
        missing = max(0, size - have.get(row.id, 0))
        yield Wanted(video_id=row.id, missing=missing, expire_days=row.expire_days)


def unsized(connection: Connection, *, now: int) -> int:
    """Return how many of the videos that may be asked for now are of a size that nobody knows."""
    unknown = askable(now).where(videos.c.size_expected.is_(None)).subquery()
    return connection.scalar(select(func.count()).select_from(unknown)) or 0


def outstanding(connection: Connection, *, now: int, usual: int, have: Mapping[int, int]) -> int:
    """Return how many bytes are thawed or being thawed, and not fetched.

    What was asked for in a task that is lost counts as long as it may be thawed: it is paid for.

    Args:
        connection: In a transaction.
        now: ms UTC.
        usual: Bytes of a video whose size is not known.
        have: Bytes that are here already, by the video's id.
    """
    conditions = (has_status(Status.WAITING), has_status(Status.READY), has_status(Status.WANTED) & _is_held(now))
    total = 0
    for condition in conditions:
        size = func.coalesce(videos.c.size_expected, videos.c.size)
        known = select(func.coalesce(func.sum(size), 0), func.count() - func.count(size)).where(condition)
        row = connection.execute(known).one()
        total += row[0] + row[1] * usual
    here = sum(have[number] for number in _under_way(connection, list(have)))
    return int(max(0, total - here))


def held_until(connection: Connection, *, now: int) -> int | None:
    """Return when the first lost task's videos may be asked for again, ms UTC; None where none are held."""
    held = (
        select(func.min(_window_ends()))
        .join(task_items, task_items.c.task == tasks.c.id)
        .join(videos, videos.c.id == task_items.c.video)
        .where(task_items.c.said == ASKED, tasks.c.status.in_(IN_QUESTION), has_status(Status.WANTED))
        .where(_window_ends() > now)
    )
    until: int | None = connection.scalar(held)
    return until


def askable(now: int) -> Select[Any]:
    """Return the query of the videos that may be asked for at *now*, ms UTC, the oldest first."""
    columns = (videos.c.id, videos.c.vid, videos.c.size_expected, videos.c.expire_days)
    # Those whose age Polyv has not told come last.
    order = (videos.c.created_at.is_(None), videos.c.created_at, videos.c.id)
    return select(*columns).where(has_status(Status.WANTED), ~_is_held(now)).order_by(*order)


def _is_held(now: int) -> ColumnElement[bool]:
    """Tell of a video whether a task that may exist thaws it; the few such are found once, not row by row."""
    return videos.c.id.in_(
        select(task_items.c.video)
        .join(tasks, tasks.c.id == task_items.c.task)
        .where(task_items.c.said == ASKED, tasks.c.status.in_(IN_QUESTION), _window_ends() > now)
    )


def _window_ends() -> ColumnElement[int]:
    return tasks.c.added_at + tasks.c.expire_days * DAY_MS + LATER_MS


def _under_way(connection: Connection, video_ids: Sequence[int]) -> Iterator[int]:
    """Yield those of *video_ids* that are waited for or can be fetched."""
    live = has_status(Status.WAITING) | has_status(Status.READY)
    for start in range(0, len(video_ids), 500):
        batch = video_ids[start : start + 500]
        yield from connection.scalars(select(videos.c.id).where(videos.c.id.in_(batch), live))
