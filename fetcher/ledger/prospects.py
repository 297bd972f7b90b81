"""What a plan needs to know of the ready videos, page by page: a million are never loaded at once as rows."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, and_, bindparam, func, select, tuple_

from fetcher.domain.status import Status
from fetcher.ledger.bulk import as_one, fetch, update_rows
from fetcher.ledger.schema import has_status, runs, videos

PAGE: Final = 5000
"""Rows in one page: some ten milliseconds, which is as long as a claim may have to wait for one."""
_RUNS: Final = 5
"""So many of the last runs that had enough to fetch say how fast the line is."""
_RUNS_OF_DAYS: Final = 3000
"""Two days have fewer, even where one begins every minute."""
_WORKED_S: Final = 300
"""A run that had work for less tells of its own files more than of the line."""
_WEEKS_MS: Final = 14 * 86_400_000
"""How often the line stands is told by the runs of so long a time."""
_LIKE_THESE: Final = 1000
"""So many of the done videos say how large others are: to sum up all of a million takes longer than most runs."""
_FEWEST_PAUSES: Final = 3
"""So many between runs make a rhythm."""


class Prospect(msgspec.Struct, array_like=True, gc=False):
    """A ready video, as a plan sees it."""

    id: int
    start_by: int | None
    """By when to begin so that it is not lost, ms UTC; None where nobody knows."""
    size: int | None
    """Bytes of the whole file, None where nobody has said yet."""
    postponed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How fast a run has found the line."""

    began_at: int
    """ms UTC."""
    ended_at: int
    """ms UTC."""
    bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier runs and videos tell of what is to come."""

    mean_size: int | None
    """Bytes of a video, by those that were done last; None where there is none."""
    bytes_per_s: float | None
    """As the last runs that had enough to fetch have measured it, outliers aside; more than 0."""
    latest_bytes_per_s: float | None = None
    """As the very last of them has."""
    measured: Sequence[Measured] = ()
    """By the last runs that had work for minutes, the earliest first."""
    stood_ms: int = 0
    """Of the outages that the runs of the last weeks have met."""
    worked_ms: int = 0
    """For which those have worked, outages aside."""
    stands_since: int | None = None
    """When the outage began in which the last run ended, ms UTC; None where it did not."""
    next_run_at: int | None = None
    """When the next run begins if the last ones' rhythm holds, ms UTC; None where there is no telling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What has no link yet, or none any more."""

    count: int
    sizes: Sequence[int]
    """Of some of them, as far as they are known; bytes."""


def prospects_after(connection: Connection, last: Prospect | None) -> list[Prospect]:
    """Return the next ready videos by when to begin; none behind the last one.

    First come those of which nobody knows it, of more than a page of them the first: they are begun before all
    others and never said to be lost, so that only their bytes count.

    Args:
        connection: In any transaction: what is changed between two pages is seen or not.
        last: Of the page before, None for the first one.
    """
    if last is None and (untold := fetch(connection, _UNTOLD, {"most": PAGE}, _PROSPECTS)):
        return untold
    start_by, video_id = (-1, 0) if last is None or last.start_by is None else (last.start_by, last.id)
    return fetch(connection, _TOLD, {"start_by": start_by, "id": video_id, "most": PAGE}, _PROSPECTS)


def prospects(connection: Connection) -> Iterator[Prospect]:
    """Yield all ready videos by when to begin, on one snapshot."""
    last = None
    while page := prospects_after(connection, last):
        yield from page
        last = page[-1]


def untold_until(connection: Connection, until: int) -> list[tuple[int, int]]:
    """Return the ready videos of which nobody knows by when to begin, but that go cold by *until* (ms UTC).

    Returns:
        When each goes cold, ms UTC, and its id.
    """
    cold = select(videos.c.window_ends_at, videos.c.id).where(_IS_READY, videos.c.start_by.is_(None))
    return [
        (row.window_ends_at, row.id) for row in connection.execute(cold.where(videos.c.window_ends_at <= until))
    ]


def past(connection: Connection) -> Past:
    """Look back."""
    mean = connection.scalar(_MEAN)
    rates: Sequence[int] = connection.scalars(_RATES).all()
    outages = connection.execute(_OUTAGES).one()
    return Past(
        mean_size=None if mean is None else int(mean),
        bytes_per_s=float(sorted(rates)[len(rates) // 2]) if rates else None,
        latest_bytes_per_s=float(rates[0]) if rates else None,
        measured=[
            Measured(began_at=row.started_at, ended_at=row.ended_at, bytes_per_s=float(row.bytes_per_s))
            for row in reversed(connection.execute(_MEASURED).all())
        ],
        stood_ms=outages.stood_ms or 0,
        worked_ms=int(outages.worked_ms or 0),
        stands_since=connection.scalar(_STANDS_SINCE),
        next_run_at=_next_run_at(connection),
    )


def _next_run_at(connection: Connection) -> int | None:
    """Return when the next run begins if the last ones' rhythm holds; None while one is at work on something."""
    if connection.scalar(_CLAIMED) is not None:
        return None
    return next_start(connection.scalars(_STARTS).all())


def next_start(started_at: Sequence[int]) -> int | None:
    """Return when the next run begins, by the usual pause between the last; None where they are too few to tell.

    Args:
        started_at: When the last runs began, ms UTC, the latest first.
    """
    pauses = sorted(later - earlier for later, earlier in itertools.pairwise(started_at))
    return started_at[0] + pauses[len(pauses) // 2] if len(pauses) >= _FEWEST_PAUSES else None


def prepared(connection: Connection) -> Prepared:
    """Return what Polyv may still get ready."""
    count = connection.scalar(_COUNT_WAITING)
    return Prepared(count=count or 0, sizes=connection.scalars(_SIZES_OF_WAITING).all())


def keep_ranks(connection: Connection, ranks: Mapping[int, int]) -> None:
    """Write down by video where the plan puts it: lower ones are claimed first."""
    update_rows(connection, videos, [{"id": one, "postponed": rank} for one, rank in ranks.items()])


_SIZE: Final = func.coalesce(videos.c.size_expected, videos.c.size)
_IS_READY: Final = has_status(Status.READY)
_PROSPECTS: Final = msgspec.json.Decoder(list[Prospect])
_READY: Final = select(videos.c.id, videos.c.start_by, _SIZE.label("size"), videos.c.postponed).where(_IS_READY)
_MOST: Final = bindparam("most", type_=Integer)
_LAST_START_BY: Final = bindparam("start_by", type_=BigInteger)
_LAST_ID: Final = bindparam("id", type_=BigInteger)
_UNTOLD: Final = as_one(_READY.where(videos.c.start_by.is_(None)).limit(_MOST))
_TOLD: Final = as_one(
    _READY.where(tuple_(videos.c.start_by, videos.c.id) > tuple_(_LAST_START_BY, _LAST_ID))
    .order_by(videos.c.start_by, videos.c.id)
    .limit(_MOST)
)
_LATELY: Final = (
    select(videos.c.size)
    .where(videos.c.done_at.is_not(None))
    .order_by(videos.c.done_at.desc())
    .limit(_LIKE_THESE)
    .subquery()
)
_MEAN: Final = select(func.avg(_LATELY.c.size))
_IS_WAITING: Final = has_status(Status.WAITING)
_COUNT_WAITING: Final = select(func.count()).select_from(videos).where(_IS_WAITING)
_SOME_WAITING: Final = select(videos.c.size_expected).where(_IS_WAITING).limit(_LIKE_THESE).subquery()
_SIZES_OF_WAITING: Final = select(_SOME_WAITING.c.size_expected).where(_SOME_WAITING.c.size_expected.is_not(None))
_CLAIMED: Final = (
    select(videos.c.id).where(videos.c.held_until.is_not(None), videos.c.lease_owner.is_not(None)).limit(1)
)
_STARTS: Final = select(runs.c.started_at).order_by(runs.c.id.desc()).limit(_FEWEST_PAUSES + 2)
_RATES: Final = select(runs.c.bytes_per_s).where(runs.c.bytes_per_s > 0).order_by(runs.c.id.desc()).limit(_RUNS)
_LAST_START: Final = select(runs.c.started_at).order_by(runs.c.id.desc()).limit(1).scalar_subquery()
TELLS_OF_OUTAGES: Final = and_(
    runs.c.stood_ms.is_not(None), runs.c.started_at.between(_LAST_START - _WEEKS_MS, _LAST_START)
)
"""Of a run: none from the years of a clock that was wrong once."""
_OUTAGES: Final = select(
    func.sum(runs.c.stood_ms).label("stood_ms"),
    func.sum(runs.c.bytes * 1000.0 / func.nullif(runs.c.bytes_per_s, 0)).label("worked_ms"),
).where(TELLS_OF_OUTAGES)
_STANDS_SINCE: Final = (
    select(runs.c.stands_since).where(runs.c.ended_at.is_not(None)).order_by(runs.c.id.desc()).limit(1)
)
_MEASURED: Final = (
    select(runs.c.started_at, runs.c.ended_at, runs.c.bytes_per_s)
    .where(runs.c.ended_at >= runs.c.started_at, runs.c.bytes_per_s > 0)
    .where(runs.c.bytes >= runs.c.bytes_per_s * _WORKED_S)
    .where(runs.c.id > select(func.max(runs.c.id)).scalar_subquery() - _RUNS_OF_DAYS)
    .order_by(runs.c.id.desc())
)
