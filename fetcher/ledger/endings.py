"""When waiting ends without a file: nothing that waits may wait for a task that nobody asks about any more."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, false, func, select, update

from fetcher.domain.errors import FetcherError
from fetcher.domain.events import Event, GivenUp, TaskNamed, WindowClosed
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation, Reason, Status, TaskStatus
from fetcher.domain.window import after_window
from fetcher.ledger.answers import LONGEST_WINDOW_DAYS, PollRecord
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.schema import events, has_status, task_items, tasks, videos


def waiting_for(connection: Connection, task: int) -> list[Any]:
    """Return id, vid, resubmits, size and link_success_at of the videos of a task that wait."""
    waiting = (
        select(videos.c.id, videos.c.vid, videos.c.resubmits, videos.c.size, videos.c.link_success_at)
        .join(task_items, videos.c.id == task_items.c.video)
        .where(task_items.c.task == task, has_status(Status.WAITING))
    )
    return list(connection.execute(waiting).all())


def give_up(
    connection: Connection, record: PollRecord, answer: Mapping[str, Observation], waiting: Sequence[Any]
) -> dict[int, Event]:
    """Give up videos that wait for what this task will not give any more, those it no longer names included.

    Args:
        connection: A write transaction.
        record: The answer, and when it came.
        answer: What it says, by vid.
        waiting: Videos that wait for this task, by ``waiting_for``.

    Returns:
        What happened to those that were given up, by their id.
    """
    given_up: dict[int, Event] = {}
    for video in waiting:
        seen = answer.get(video.vid)
        verdict = _verdict(record, seen, closed_success_at=video.link_success_at)
        if verdict is None or seek_other_hope(connection, record.task.row_id, video.id, now=record.now):
            continue
        event = _ended(record, video, seen, *verdict)
        apply(connection, Change(video_id=video.id, event=event))
        given_up[video.id] = event
    return given_up


def _ended(record: PollRecord, video: Any, seen: Observation | None, reason: Reason, why: str) -> Event:
    detail = f"task {record.task.task_id}: {why}"
    if reason is not Reason.WINDOW_CLOSED:
        return GivenUp(at=record.now, reason=reason, detail=detail)
    return after_window(
        WindowClosed(at=record.now, detail=detail, success_at=seen.link.success_at if seen and seen.link else None),
        vid=video.vid,
        resubmits=video.resubmits,
        was_done=video.size is not None,
        resubmit_expired=record.resubmit_expired,
    )


def _verdict(
    record: PollRecord, seen: Observation | None, *, closed_success_at: int | None
) -> tuple[Reason, str] | None:
    """Return why a waiting video need not be waited for, None where it may still come."""
    if seen is not None and seen.link is not None:
        ends_at = seen.link.window_ends_at(expire_days=record.task.expire_days or LONGEST_WINDOW_DAYS)
        is_cold = ends_at is not None and ends_at < (record.polyv_now or record.now)
        is_too_late = is_cold or seen.is_of_cold_file(closed_success_at)
        return (Reason.WINDOW_CLOSED, "no other link, and its thaw window is over") if is_too_late else None
    if not record.is_given_up or (seen is not None and seen.is_final):
        return None
    return Reason.NEVER_PREPARED, "no longer named" if seen is None else seen.raw


def is_over(
    record: PollRecord, answer: Mapping[str, Observation], waiting: Sequence[Any], *, is_finished: bool
) -> bool:
    """Tell whether there is nothing left to ask: Polyv's last word, and no video that waits for a fresh link."""
    if not record.is_given_up:
        return is_finished and not waiting
    return not any(video.vid in answer and answer[video.vid].link is not None for video in waiting)


def wait_for_newer(connection: Connection, closed: Change) -> bool:
    """Have a video whose window has closed wait for a task that still prepares it; tell whether there is one.

    Nobody has to ask for it again, and pay, while it is being thawed: what has gone cold was an older task's.

    Raises:
        StaleLeaseError: The claim ended.
    """
    preparing = (
        select(tasks.c.task_id)
        .join(task_items, task_items.c.task == tasks.c.id)
        .where(task_items.c.video == closed.video_id, tasks.c.next_poll_at.is_not(None))
        .where(task_items.c.said.not_in((Preparation.SUCCESS.value, Preparation.FAIL.value)))
    )
    task_id = connection.scalar(preparing.limit(1))
    if task_id is None:
        return False
    waits = Change(video_id=closed.video_id, event=TaskNamed(at=closed.event.at, task_id=task_id))
    for result in apply_all(connection, [closed, waits]):
        if isinstance(result, FetcherError):
            raise result
    return True


def seek_other_hope(connection: Connection, task: int, video_id: int, *, now: int) -> bool:
    """Tell whether another task than this one may still give a video that waits.

    A finished one that gave a link before is left alone while a newer task prepares the video. Where that comes to
    nothing, the finished one may still have a link that works: it is asked at once, unless it was since the video
    waits.
    """
    return _is_asked_elsewhere(connection, task, video_id) or _asked_once_more(connection, task, video_id, now) > 0


def _is_asked_elsewhere(connection: Connection, task: int, video_id: int) -> bool:
    """Tell whether another task that is asked about may give it; not where all that it gives was found cold."""
    is_cold = and_(
        task_items.c.said == Preparation.SUCCESS.value,
        task_items.c.success_at <= videos.c.link_success_at,
        func.coalesce(task_items.c.created_at, 0) <= videos.c.link_success_at,
    )
    other = (
        select(task_items.c.video)
        .join(tasks, tasks.c.id == task_items.c.task)
        .join(videos, videos.c.id == task_items.c.video)
        .where(task_items.c.video == video_id, task_items.c.task != task)
        .where(task_items.c.said != Preparation.FAIL.value, tasks.c.next_poll_at.is_not(None))
        .where(func.coalesce(is_cold, false()).is_(false()))
    )
    return connection.execute(other.limit(1)).first() is not None


def _asked_once_more(connection: Connection, task: int, video_id: int, now: int) -> int:
    """Have the finished tasks that gave the video once asked at *now*; return how many they are."""
    waits_since = (
        select(events.c.at)
        .where(events.c.video == video_id, events.c.to_status == Status.WAITING.value)
        .order_by(events.c.id.desc())
        .limit(1)
    )
    gave_it = select(task_items.c.task).where(
        task_items.c.video == video_id,
        task_items.c.task != task,
        task_items.c.said == Preparation.SUCCESS.value,
    )
    asked = connection.execute(
        update(tasks)
        .where(tasks.c.id.in_(gave_it), tasks.c.status == TaskStatus.FINISHED.value)
        .where(tasks.c.next_poll_at.is_(None), tasks.c.polled_at < waits_since.scalar_subquery())
        .values(next_poll_at=now)
    )
    return asked.rowcount
