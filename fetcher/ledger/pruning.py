"""History that nobody needs any more, removed some videos at a time, so that no write waits for long."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, delete, func, or_, select

from fetcher.domain.status import Status
from fetcher.ledger.prospects import TELLS_OF_OUTAGES
from fetcher.ledger.requests import LEAST_BYTES
from fetcher.ledger.schema import events, has_status, runs, videos

SPAN: Final = 5000
"""Videos in one transaction."""
_LATEST_RUNS: Final = 100
"""So many of the last runs stay whatever their age, and so many of each kind that plans are made of."""


def spans(connection: Connection) -> Iterator[tuple[int, int]]:
    """Yield the ranges of video ids to go through: behind the first one, up to the second."""
    last = connection.scalar(select(func.max(videos.c.id))) or 0
    for start in range(0, last, SPAN):
        yield start, min(start + SPAN, last)


def old_events(connection: Connection, span: tuple[int, int], *, before: int) -> int:
    """Return how many old events of done videos in *span* nobody needs.

    Of each kind the last one of each video stays, and so does all of a video that is not done.

    Args:
        connection: In any transaction.
        span: Of video ids.
        before: What is younger stays, ms UTC.
    """
    return connection.scalar(select(func.count()).select_from(_old_events(span, before).subquery())) or 0


def remove_old_events(connection: Connection, span: tuple[int, int], *, before: int) -> int:
    """Remove those, return how many they were."""
    return connection.execute(delete(events).where(events.c.id.in_(_old_events(span, before)))).rowcount


def old_runs(connection: Connection, *, before: int) -> int:
    """Return how many old runs tell nothing that a plan or ``status`` is made of."""
    return connection.scalar(select(func.count()).select_from(runs).where(*_old_runs(before))) or 0


def remove_old_runs(connection: Connection, *, before: int) -> int:
    """Remove those, return how many they were."""
    return connection.execute(delete(runs).where(*_old_runs(before))).rowcount


def _old_events(span: tuple[int, int], before: int) -> Select[Any]:
    later = events.alias("later")
    is_followed = (
        select(later.c.id)
        .where(later.c.video == events.c.video, later.c.kind == events.c.kind, later.c.id > events.c.id)
        .exists()
    )
    return (
        select(events.c.id)
        .join(videos, videos.c.id == events.c.video)
        .where(videos.c.id > span[0], videos.c.id <= span[1], has_status(Status.DONE))
        .where(events.c.at < before, is_followed)
    )


def _old_runs(before: int) -> tuple[ColumnElement[bool], ...]:
    """Tell which runs go: none that speed, rhythm, outages, the last success or a claim are told by."""
    kept = (
        _latest(),
        _latest(runs.c.bytes_per_s > 0),
        _latest(runs.c.ended_at > runs.c.started_at, runs.c.bytes >= LEAST_BYTES),
        _latest(runs.c.exit_code == 0),
        select(runs.c.id).where(TELLS_OF_OUTAGES, or_(runs.c.bytes_per_s > 0, runs.c.stood_ms > 0)),
    )
    holders = select(videos.c.lease_owner).where(
        videos.c.held_until.is_not(None), videos.c.lease_owner.is_not(None)
    )
    is_old = (runs.c.started_at < before, runs.c.owner.not_in(holders))
    return *is_old, *(runs.c.id.not_in(select(one.subquery().c.id)) for one in kept)


def _latest(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(runs.c.id).where(*conditions).order_by(runs.c.id.desc()).limit(_LATEST_RUNS)
