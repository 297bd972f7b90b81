"""When no task may be asked for yet, whatever is wanted: a task is paid for, and none can be taken back."""

from typing import Final

from sqlalchemy import Connection, func, select

from fetcher.domain.delay import pause_after_losses
from fetcher.domain.events import GivenUp
from fetcher.domain.status import Reason, Status, TaskStatus
from fetcher.ledger.changes import Change, apply_all
from fetcher.ledger.intents import PUT_BACK, Intent
from fetcher.ledger.requests import ASKED
from fetcher.ledger.schema import has_status, task_items, tasks, videos

MOST_LOST: Final = 3
"""So many lost tasks may name a video without anybody being asked; each of them may have been paid for."""
MOST_LOST_IN_BULK: Final = 2 * MOST_LOST
"""After so many in all a video is asked for only where somebody names it, or insists."""
_FEW_QUESTIONS: Final = 3
"""About a task that brought no answer, after which the others are not held up for it."""
_LOOKED_AT: Final = 16
"""Tasks, the latest: a pause after more losses is no longer."""


def is_any_unasked(connection: Connection) -> bool:
    """Tell whether there are recorded tasks of which nobody knows yet what they name.

    It may be what is wanted, and would be paid for a second time. After a few questions that brought no answer the
    others are not held up any longer.
    """
    is_unknown = (tasks.c.quiet_polls == 0) | (tasks.c.last_error.is_not(None) & (tasks.c.polls < _FEW_QUESTIONS))
    unasked = select(tasks.c.id).where(tasks.c.next_poll_at.is_not(None), tasks.c.request_key.is_(None), is_unknown)
    return connection.execute(unasked.limit(1)).first() is not None


def resumes_at(connection: Connection) -> int | None:
    """Return from when on a task may be asked for after losses in a row, ms UTC; None where nothing is in its way.

    A person who has had a lost task's video put back knows of the losses before it.
    """
    latest = (
        select(tasks.c.status, tasks.c.added_at, tasks.c.polled_at)
        .where(tasks.c.request_key.is_not(None), tasks.c.status != TaskStatus.SUBMITTING.value)
        .order_by(tasks.c.id.desc())
        .limit(_LOOKED_AT)
    )
    lost_at: list[int] = []
    for row in connection.execute(latest):
        if row.status != TaskStatus.LOST.value or row.polled_at is not None:
            break
        lost_at.append(row.added_at)
    pause = pause_after_losses(len(lost_at))
    return None if pause is None else lost_at[0] + pause


def lost_too_often(connection: Connection) -> set[int]:
    """Return the failed videos that so many lost tasks name that nobody puts them back with all others.

    Each of those tasks may have been paid for, those before the last time that they were put back included.
    """
    often = (
        select(task_items.c.video)
        .join(tasks, tasks.c.id == task_items.c.task)
        .join(videos, videos.c.id == task_items.c.video)
        .where(has_status(Status.FAILED), task_items.c.said.in_((ASKED, PUT_BACK)))
        .where(tasks.c.status == TaskStatus.LOST.value)
        .group_by(task_items.c.video)
        .having(func.count() >= MOST_LOST_IN_BULK)
    )
    return set(connection.scalars(often))


def give_up_lost(connection: Connection, intent: Intent, *, detail: str, now: int) -> list[str]:
    """Give up those videos of *intent*, just lost, that too many lost tasks name; return them by vid.

    Args:
        connection: A write transaction.
        intent: Whose answer was lost.
        detail: How, for a person.
        now: ms UTC.
    """
    often = (
        select(task_items.c.video)
        .join(tasks, tasks.c.id == task_items.c.task)
        .where(task_items.c.video.in_(intent.video_ids), task_items.c.said == ASKED)
        .where(tasks.c.status == TaskStatus.LOST.value)
        .group_by(task_items.c.video)
        .having(func.count() >= MOST_LOST)
    )
    which = select(videos.c.id, videos.c.vid).where(videos.c.id.in_(often), has_status(Status.WANTED))
    found = connection.execute(which.order_by(videos.c.id)).all()
    text = f"asked for {MOST_LOST} times, and each time nobody knows whether Polyv made a task: {detail}"
    lost = GivenUp(at=now, reason=Reason.NEVER_PREPARED, detail=text)
    apply_all(connection, [Change(video_id=row.id, event=lost) for row in found])
    return [row.vid for row in found]
