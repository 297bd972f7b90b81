"""Which tasks to ask about: those that are due, those that may have a link of a video, those whose links die."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, literal_column, select, true, update

from fetcher.domain.link import Link
from fetcher.domain.status import Preparation, Status
from fetcher.ledger.answers import DueTask
from fetcher.ledger.schema import has_status, task_items, tasks, videos

_UNHELD: Final = literal_column("+videos.held_until").is_(None)
"""The sign keeps SQLite from the index of what can be claimed, which would sort all that is ready by deadline."""

_NEWS: Final = task_items.alias("news")
_TASKS: Final = select(
    tasks, select(func.max(_NEWS.c.seen_at)).where(_NEWS.c.task == tasks.c.id).scalar_subquery().label("news_at")
)


def due_tasks(connection: Connection, *, now: int, limit: int, skip: Sequence[int] = ()) -> list[DueTask]:
    """Return tasks to ask about now, the longest due first.

    Args:
        connection: Any transaction.
        now: ms UTC.
        limit: How many at the most.
        skip: Tasks to leave out, by their row.
    """
    rows = connection.execute(
        _TASKS.where(tasks.c.next_poll_at <= now, tasks.c.id.not_in(skip))
        .order_by(tasks.c.next_poll_at)
        .limit(limit)
    ).all()
    return [_due(row) for row in rows]


def next_poll_at(connection: Connection, *, skip: Sequence[int] = ()) -> int | None:
    """Return when the next task is due, those in *skip* left out, ms UTC; None where there is nothing to ask."""
    open_ones = select(tasks.c.next_poll_at).where(tasks.c.next_poll_at.is_not(None), tasks.c.id.not_in(skip))
    return connection.scalar(open_ones.order_by(tasks.c.next_poll_at).limit(1))


def tasks_naming(connection: Connection, video_id: int) -> list[DueTask]:
    """Return the tasks that may have a link of a video, the latest success first."""
    rows = connection.execute(
        _TASKS.join(task_items, task_items.c.task == tasks.c.id)
        .where(task_items.c.video == video_id, tasks.c.task_id.is_not(None))
        .order_by((task_items.c.said == Preparation.SUCCESS.value).desc(), task_items.c.success_at.desc())
    ).all()
    return [_due(row) for row in rows]


def dying_tasks(
    connection: Connection, *, before: int, obtained_before: int, limit: int, skip: Sequence[int] = ()
) -> list[DueTask]:
    """Return tasks that may sign anew the links that die before *before* and that nobody fetches yet.

    Those whose death costs no more than a question are asked for when it is their turn, and not here.

    Args:
        connection: Any transaction.
        before: ms UTC.
        obtained_before: Links that are younger than this are left alone, ms UTC: a fresh one lives no longer.
        limit: Videos to look at, the first to die first.
        skip: Tasks that were asked just now, by their row: what they do not sign anew stands first for ever.
    """
    asked = select(task_items.c.video).where(task_items.c.task.in_(skip))
    dying = (
        select(videos.c.id)
        .where(has_status(Status.READY), _UNHELD, videos.c.start_by <= before, videos.c.deadline <= before)
        .where(videos.c.link_obtained_at <= obtained_before, videos.c.id.not_in(asked) if skip else true())
        .order_by(videos.c.start_by)
        .limit(limit)
    )
    naming = (
        select(task_items.c.task)
        .where(task_items.c.video.in_(dying), task_items.c.said == Preparation.SUCCESS.value)
        .distinct()
    )
    found = connection.execute(_TASKS.where(tasks.c.id.in_(naming), tasks.c.task_id.is_not(None)))
    return [_due(row) for row in found]


def current_link(connection: Connection, video_id: int) -> tuple[Link, int | None] | None:
    """Return the link that a video has now and its deadline, None where it has none."""
    row = connection.execute(
        select(videos.c.link, videos.c.link_obtained_at, videos.c.link_success_at, videos.c.deadline).where(
            videos.c.id == video_id, has_status(Status.READY)
        )
    ).first()
    if row is None:
        return None
    return Link(url=row.link, obtained_at=row.link_obtained_at, success_at=row.link_success_at), row.deadline


def ask_again(connection: Connection, *video_ids: int, at: int) -> None:
    """Have the tasks that name one of some videos asked about at *at*, or sooner where they are due before."""
    naming = select(task_items.c.task).where(task_items.c.video.in_(video_ids))
    connection.execute(
        update(tasks)
        .where(tasks.c.id.in_(naming), tasks.c.task_id.is_not(None))
        .where(tasks.c.next_poll_at.is_(None) | (tasks.c.next_poll_at > at))
        .values(next_poll_at=at)
    )


def _due(row: Any) -> DueTask:
    return DueTask(
        row_id=row.id,
        task_id=row.task_id,
        added_at=row.added_at,
        quiet_polls=row.quiet_polls,
        expire_days=row.expire_days,
        due_at=row.next_poll_at,
        news_at=row.news_at,
    )
