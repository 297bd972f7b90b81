"""What a new run looks at before it begins: what an earlier one left behind."""

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, select, update

from fetcher.domain.status import Status
from fetcher.ledger.bulk import one_of, packed
from fetcher.ledger.schema import has_status, tasks, videos

_IN_LIST: Final = 500
"""Values in one statement, bound one by one."""


def still_wanted(connection: Connection, video_ids: Sequence[int]) -> set[int]:
    """Return which of *video_ids* are not done. Failed ones count: a new task may go on with their part."""
    found: set[int] = set()
    for start in range(0, len(video_ids), _IN_LIST):
        batch = video_ids[start : start + _IN_LIST]
        found |= set(
            connection.scalars(select(videos.c.id).where(videos.c.id.in_(batch), ~has_status(Status.DONE)))
        )
    return found


def owners(connection: Connection, vids: Collection[str]) -> dict[str, int | None]:
    """Return the number of each of *vids* that is known, None where it is done and nothing more comes of it."""
    columns = (videos.c.id, videos.c.vid, videos.c.status)
    rows = connection.execute(select(*columns).where(videos.c.vid.in_(one_of())), packed(vids))
    return {row.vid: None if row.status == Status.DONE else row.id for row in rows}


def latest_done(connection: Connection, *, limit: int) -> list[tuple[int, str, str, int]]:
    """Return id, vid, path and size of the videos that were done last."""
    latest = (
        select(videos.c.id, videos.c.vid, videos.c.path, videos.c.size)
        .where(videos.c.done_at.is_not(None))
        .order_by(videos.c.done_at.desc())
        .limit(limit)
    )
    return [(row.id, row.vid, row.path, row.size) for row in connection.execute(latest)]


def pull_back(
    connection: Connection, *, now: int, longest_poll_ms: int, retry_ms: int, longest_hold_ms: int
) -> None:
    """Let a new run begin at once with what an earlier one has put off.

    Pauses between tries are over; what an origin asked for (Retry-After) is longer than they are, and kept. Moments
    that lie impossibly far ahead come back: the clock was wrong when they were written.

    Args:
        connection: A write transaction.
        now: ms UTC.
        longest_poll_ms: A task is due no later than this from now.
        retry_ms: A pause that ends within this time is one between tries.
        longest_hold_ms: Nothing is put off for longer.
    """
    connection.execute(update(tasks).where(tasks.c.next_poll_at > now + longest_poll_ms).values(next_poll_at=now))
    is_pause = (videos.c.held_until <= now + retry_ms) | (videos.c.held_until > now + longest_hold_ms)
    connection.execute(
        update(videos)
        .where(videos.c.held_until.is_not(None), videos.c.lease_owner.is_(None), is_pause)
        .values(held_until=None)
    )


def bring_forward(connection: Connection, *, by_ms: int) -> None:
    """Have all tasks asked about so much sooner: the clock by which they are due was set back.

    Args:
        connection: A write transaction.
        by_ms: How far it was set back.
    """
    is_due = tasks.c.next_poll_at.is_not(None)
    connection.execute(update(tasks).where(is_due).values(next_poll_at=tasks.c.next_poll_at - by_ms))
