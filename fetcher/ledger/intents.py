"""Tasks that are asked for: written down before the call, so that none is paid for and forgotten.

An intent is a row of ``tasks`` without Polyv's id, and what was asked for are its ``task_items``. Which videos may
be asked for says ``requests.py``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from fetcher.domain.events import GivenUp, TaskNamed
from fetcher.domain.identifiers import printable
from fetcher.domain.status import Reason, Status, TaskStatus
from fetcher.domain.waves import MOST_VIDS
from fetcher.ledger.bulk import insert_rows
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.requests import ASKED, DAY_MS, IN_QUESTION, LATER_MS, askable
from fetcher.ledger.schema import has_status, task_items, tasks, videos

PUT_BACK: Final = "(put back)"
"""What stands in ``said`` of a lost task's video that a person wants to be asked for again at once."""
_LONGEST_ERROR: Final = 1000


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
        return self.written_at + self.expire_days * DAY_MS + LATER_MS


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
    chosen = askable(now).where(videos.c.id.in_(video_ids)).limit(MOST_VIDS)
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
        withdraw(connection, intent)
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
    row_id = connection.scalar(select(tasks.c.id).where(*_is_open(intent)))
    connection.execute(delete(task_items).where(task_items.c.task == row_id))
    connection.execute(delete(tasks).where(tasks.c.id == row_id))


def keep_refused(connection: Connection, intent: Intent, detail: str, *, now: int) -> None:
    """Keep that Polyv refuses the only video of *intent*: a person has to look at it.

    Args:
        connection: A write transaction.
        intent: With that one video.
        detail: Why, in Polyv's words.
        now: ms UTC.
    """
    withdraw(connection, intent)
    refused = GivenUp(at=now, reason=Reason.REFUSED_BY_POLYV, detail=detail)
    for number in _standing_at(connection, intent.video_ids, Status.WANTED):
        apply(connection, Change(video_id=number, event=refused))


def unanswered(connection: Connection, *, now: int) -> list[Intent]:
    """Return the intents of which no answer is known. Those from the future come back: the clock was wrong then."""
    ahead = tasks.c.added_at > now + LATER_MS
    connection.execute(update(tasks).where(tasks.c.status.in_(IN_QUESTION), ahead).values(added_at=now))
    left = select(tasks).where(tasks.c.status == TaskStatus.SUBMITTING.value)
    return [_intent(connection, row) for row in connection.execute(left).all()]


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


def _is_open(intent: Intent) -> tuple[ColumnElement[bool], ...]:
    return tasks.c.request_key == intent.key, tasks.c.status.in_(IN_QUESTION)


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


def _standing_at(connection: Connection, video_ids: Sequence[int], status: Status) -> list[int]:
    which = select(videos.c.id).where(videos.c.id.in_(video_ids), has_status(status)).order_by(videos.c.id)
    return list(connection.scalars(which))
