"""Tasks that are asked for: written down before the call, so that none is paid for and forgotten.

An intent is a row of ``tasks`` without Polyv's id, and what was asked for are its ``task_items``. While the answer
may still come, and for the thaw window after it was lost, nobody asks for those videos again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from fetcher.domain.events import GivenUp, TaskNamed
from fetcher.domain.identifiers import printable
from fetcher.domain.status import Reason, Status, TaskStatus
from fetcher.domain.waves import DAY_S, MOST_VIDS, USUAL_SIZE, Wanted
from fetcher.ledger.bulk import insert_rows
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.schema import has_status, runs, task_items, tasks, videos

ASKED: Final = "(asked)"
"""What stands in ``said`` until Polyv says something: no word of its own has brackets."""
PUT_BACK: Final = "(put back)"
"""The same of a lost task's video that a person wants to be asked for again at once."""
_DAY_MS: Final = DAY_S * 1000
_LATER_MS: Final = 3_600_000
"""A call is sent so much later than its intent was written at the most, and clocks differ by less."""
_IN_QUESTION: Final = (TaskStatus.SUBMITTING.value, TaskStatus.LOST.value)
_LONGEST_ERROR: Final = 1000
_SAMPLE: Final = 1000
"""Videos, the latest done, whose mean size stands for those of unknown size."""
_RUNS: Final = 20
"""The latest runs that fetched, the best of which says what the line can."""
LEAST_BYTES: Final = 1 << 20
"""What a run fetched below says nothing of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A task that is about to be asked for."""

    key: str
    """Ours; the only name it has until Polyv gives one."""
    vids: Sequence[str]
    video_ids: Sequence[int]
    expire_days: int
    written_at: int
    """ms UTC."""

    @property
    def asked_again_at(self) -> int:
        """From when on its videos may be asked for again if the answer is lost, ms UTC."""
        return self.written_at + self.expire_days * _DAY_MS + _LATER_MS


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
    for row in connection.execute(_askable(now).limit(limit)).yield_per(MOST_VIDS):
        size = usual if row.size_expected is None else row.size_expected
        missing = max(0, size - have.get(row.id, 0))
        yield Wanted(video_id=row.id, missing=missing, expire_days=row.expire_days)


def unsized(connection: Connection, *, now: int) -> int:
    """Return how many of the videos that may be asked for now are of a size that nobody knows."""
    unknown = _askable(now).where(videos.c.size_expected.is_(None)).subquery()
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


def write_intent(
    connection: Connection, video_ids: Sequence[int], *, key: str, expire_days: int, now: int
) -> Intent | None:
    """Write down that a task is about to be asked for; None where none of the videos may be asked for any more.

    A task has one number of days for all of its videos: those that are to have another than the first are left to
    the next one.

    Args:
        connection: A write transaction.
        video_ids: What to ask for.
        key: Of the intent.
        expire_days: For videos that were wanted without a number of their own.
        now: ms UTC.
    """
    chosen = _askable(now).where(videos.c.id.in_(video_ids)).limit(MOST_VIDS)
    rows = connection.execute(chosen).all()
    if not rows:
        return None
    days = rows[0].expire_days or expire_days
    rows = [one for one in rows if (one.expire_days or expire_days) == days]
    row = insert(tasks).values(request_key=key, status=TaskStatus.SUBMITTING.value, expire_days=days, added_at=now)
    task = connection.execute(row.returning(tasks.c.id)).scalar_one()
    insert_rows(connection, task_items, [_item(task, one.id, now) for one in rows])
    return Intent(
        key=key,
        vids=[one.vid for one in rows],
        video_ids=[one.id for one in rows],
        expire_days=days,
        written_at=now,
    )


def keep_created(connection: Connection, intent: Intent, task_id: str, *, now: int, next_poll_at: int) -> None:
    """Keep the id that Polyv gave: the task is open, and its videos wait.

    Where the ledger has that task already (Polyv may answer a second asking with the first one's id), it is one.

    Args:
        connection: A write transaction.
        intent: What was asked for.
        task_id: What Polyv calls it.
        now: ms UTC.
        next_poll_at: When to ask about it first, ms UTC.
    """
    row_id = connection.scalar(select(tasks.c.id).where(tasks.c.task_id == task_id))
    if row_id is not None:
        _withdraw(connection, intent)
        named = set(connection.scalars(select(task_items.c.video).where(task_items.c.task == row_id)))
        new = [number for number in intent.video_ids if number not in named]
        insert_rows(connection, task_items, [_item(row_id, number, now) for number in new])
    opened = {"task_id": task_id, "status": TaskStatus.OPEN.value, "next_poll_at": next_poll_at, "last_error": None}
    which = tasks.c.request_key == intent.key if row_id is None else tasks.c.id == row_id
    connection.execute(update(tasks).where(which).values(**opened))
    waits = TaskNamed(at=now, task_id=task_id)
    # Another task may have given one of them meanwhile: it stays where it is.
    still = _standing_at(connection, intent.video_ids, Status.WANTED)
    apply_all(connection, [Change(video_id=number, event=waits) for number in still])


def keep_lost(connection: Connection, intent: Intent, detail: str, *, note: str) -> None:
    """Keep that nobody knows whether there is a task; *note* says so in the rows of its videos, for a person."""
    told = {"status": TaskStatus.LOST.value, "last_error": printable(detail, limit=_LONGEST_ERROR)}
    connection.execute(update(tasks).where(*_is_open(intent)).values(**told))
    which = videos.c.id.in_(intent.video_ids) & has_status(Status.WANTED)
    connection.execute(update(videos).where(which).values(detail=note))


def withdraw(connection: Connection, intent: Intent) -> None:
    """Forget an intent of which no task came: its videos may be asked for again at once."""
    _withdraw(connection, intent)


def keep_refused(connection: Connection, intent: Intent, detail: str, *, now: int) -> None:
    """Keep that Polyv refuses the only video of *intent*: a person has to look at it.

    Args:
        connection: A write transaction.
        intent: With that one video.
        detail: Why, in Polyv's words.
        now: ms UTC.
    """
    _withdraw(connection, intent)
    refused = GivenUp(at=now, reason=Reason.REFUSED_BY_POLYV, detail=detail)
    for number in _standing_at(connection, intent.video_ids, Status.WANTED):
        apply(connection, Change(video_id=number, event=refused))


def unanswered(connection: Connection, *, now: int) -> list[Intent]:
    """Return the intents of which no answer is known. Those from the future come back: the clock was wrong then."""
    ahead = tasks.c.added_at > now + _LATER_MS
    connection.execute(update(tasks).where(tasks.c.status.in_(_IN_QUESTION), ahead).values(added_at=now))
    left = select(tasks).where(tasks.c.status == TaskStatus.SUBMITTING.value)
    return [_intent(connection, row) for row in connection.execute(left).all()]


def held_until(connection: Connection, *, now: int) -> int | None:
    """Return when the first lost task's videos may be asked for again, ms UTC; None where none are held."""
    held = (
        select(func.min(_window_ends()))
        .join(task_items, task_items.c.task == tasks.c.id)
        .join(videos, videos.c.id == task_items.c.video)
        .where(task_items.c.said == ASKED, tasks.c.status.in_(_IN_QUESTION), has_status(Status.WANTED))
        .where(_window_ends() > now)
    )
    until: int | None = connection.scalar(held)
    return until


def put_back(connection: Connection, video_id: int, *, known_at: int | None) -> bool:
    """Have a video of a lost task asked for at once; tell whether it is one.

    Args:
        connection: A write transaction.
        video_id: Which.
        known_at: When the person who says so has come to know of all losses, ms UTC; None where nobody need have.
            Nobody can poll a lost task, so that ``polled_at`` is free to say so.
    """
    lost = select(tasks.c.id).where(tasks.c.status == TaskStatus.LOST.value)
    asked = (task_items.c.video == video_id, task_items.c.said == ASKED, task_items.c.task.in_(lost))
    is_lost = connection.execute(update(task_items).where(*asked).values(said=PUT_BACK)).rowcount > 0
    if is_lost:
        connection.execute(update(videos).where(videos.c.id == video_id).values(detail=None))
        if known_at is not None:
            is_it = tasks.c.status == TaskStatus.LOST.value
            connection.execute(update(tasks).where(is_it).values(polled_at=known_at))
    return is_lost


def _askable(now: int) -> Select[Any]:
    columns = (videos.c.id, videos.c.vid, videos.c.size_expected, videos.c.expire_days)
    # Those whose age Polyv has not told come last.
    order = (videos.c.created_at.is_(None), videos.c.created_at, videos.c.id)
    return select(*columns).where(has_status(Status.WANTED), ~_is_held(now)).order_by(*order)


def _is_held(now: int) -> ColumnElement[bool]:
    """Tell of a video whether a task that may exist thaws it; the few such are found once, not row by row."""
    return videos.c.id.in_(
        select(task_items.c.video)
        .join(tasks, tasks.c.id == task_items.c.task)
        .where(task_items.c.said == ASKED, tasks.c.status.in_(_IN_QUESTION), _window_ends() > now)
    )


def _window_ends() -> ColumnElement[int]:
    return tasks.c.added_at + tasks.c.expire_days * _DAY_MS + _LATER_MS


def _is_open(intent: Intent) -> tuple[ColumnElement[bool], ...]:
    return tasks.c.request_key == intent.key, tasks.c.status.in_(_IN_QUESTION)


def _item(task: int, video: int, now: int) -> dict[str, Any]:
    return {"task": task, "video": video, "said": ASKED, "seen_at": now}


def _intent(connection: Connection, row: Any) -> Intent:
    named = (
        select(videos.c.id, videos.c.vid)
        .join(task_items, task_items.c.video == videos.c.id)
        .where(task_items.c.task == row.id)
        .order_by(videos.c.id)
    )
    found = connection.execute(named).all()
    return Intent(
        key=row.request_key,
        vids=[one.vid for one in found],
        video_ids=[one.id for one in found],
        expire_days=row.expire_days,
        written_at=row.added_at,
    )


def _withdraw(connection: Connection, intent: Intent) -> None:
    row_id = connection.scalar(select(tasks.c.id).where(*_is_open(intent)))
    connection.execute(delete(task_items).where(task_items.c.task == row_id))
    connection.execute(delete(tasks).where(tasks.c.id == row_id))


def _standing_at(connection: Connection, video_ids: Sequence[int], status: Status) -> list[int]:
    which = select(videos.c.id).where(videos.c.id.in_(video_ids), has_status(status)).order_by(videos.c.id)
    return list(connection.scalars(which))


def _under_way(connection: Connection, video_ids: Sequence[int]) -> Iterator[int]:
    """Yield those of *video_ids* that are waited for or can be fetched."""
    live = has_status(Status.WAITING) | has_status(Status.READY)
    for start in range(0, len(video_ids), 500):
        batch = video_ids[start : start + 500]
        yield from connection.scalars(select(videos.c.id).where(videos.c.id.in_(batch), live))
