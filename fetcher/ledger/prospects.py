"""What a plan needs to know of the ready videos, page by page: a million are never loaded at once as rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, bindparam, func, select

from fetcher.domain.status import Status
from fetcher.ledger.bulk import as_one, fetch, update_rows
from fetcher.ledger.schema import has_status, runs, videos

PAGE: Final = 5000
"""Rows in one page: some ten milliseconds, which is as long as a claim may have to wait for one."""
_RUNS: Final = 5
"""So many of the last runs that had enough to fetch say how fast the line is."""


class Prospect(msgspec.Struct, array_like=True, gc=False):
    """A ready video, as a plan sees it."""

    id: int
    deadline: int | None
    size: int | None
    """Bytes of the whole file, None where nobody has said yet."""
    window_ends_at: int | None
    postponed: int

    @property
    def start_by(self) -> int | None:
        """By when to start, ms UTC, whichever clock runs out first; None where the link does not tell."""
        if self.deadline is None or self.window_ends_at is None:
            return self.deadline
        return min(self.deadline, self.window_ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """All ready videos together."""

    count: int
    bytes_known: int
    """Of those whose size is known."""
    unknown: int
    """How many have none."""
    soonest: int | None
    """The first deadline or end of a thaw window, ms UTC."""
    postponed: int
    """How many the last plan has put behind others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier runs and videos tell of what is to come."""

    mean_size: int | None
    """Bytes of a done video, None where there is none."""
    bytes_per_s: float | None
    """As the last runs that had enough to fetch have measured it."""


def load(connection: Connection) -> Load:
    """Sum up."""
    row = connection.execute(_LOAD).one()
    soonest = [at for at in (row.deadline, row.window_ends_at) if at is not None]
    return Load(
        count=row.videos,
        bytes_known=row.bytes or 0,
        unknown=row.videos - row.known,
        soonest=min(soonest, default=None),
        postponed=row.postponed or 0,
    )


def prospects_after(connection: Connection, last_id: int) -> list[Prospect]:
    """Return the ready videos behind *last_id* in the order of their ids; none behind the last one.

    Args:
        connection: In any transaction: what is changed between two pages is seen or not.
        last_id: Of the page before, 0 for the first one.
    """
    return fetch(connection, _PAGE_OF_READY, {"id": last_id, "most": PAGE}, _PROSPECTS)


def prospects(connection: Connection) -> Iterator[Prospect]:
    """Yield all ready videos, on one snapshot."""
    last_id = 0
    while page := prospects_after(connection, last_id):
        yield from page
        last_id = page[-1].id


def past(connection: Connection) -> Past:
    """Look back."""
    done = connection.execute(_DONE).one()
    rates: Sequence[int] = connection.scalars(_RATES).all()
    return Past(
        mean_size=done.bytes // done.videos if done.videos else None,
        bytes_per_s=float(sorted(rates)[len(rates) // 2]) if rates else None,
    )


def keep_ranks(connection: Connection, ranks: Mapping[int, int]) -> None:
    """Write down by video where the plan puts it: lower ones are claimed first."""
    update_rows(connection, videos, [{"id": one, "postponed": rank} for one, rank in ranks.items()])


_SIZE: Final = func.coalesce(videos.c.size_expected, videos.c.size)
_IS_READY: Final = has_status(Status.READY)
_PROSPECTS: Final = msgspec.json.Decoder(list[Prospect])
_PAGE_OF_READY: Final = as_one(
    select(videos.c.id, videos.c.deadline, _SIZE.label("size"), videos.c.window_ends_at, videos.c.postponed)
    .where(_IS_READY, videos.c.id > bindparam("id", type_=BigInteger))
    .order_by(videos.c.id)
    .limit(bindparam("most", type_=Integer))
)
_LOAD: Final = select(
    func.count().label("videos"),
    func.sum(_SIZE).label("bytes"),
    func.count(_SIZE).label("known"),
    func.min(videos.c.deadline).label("deadline"),
    func.min(videos.c.window_ends_at).label("window_ends_at"),
    func.sum(videos.c.postponed).label("postponed"),
).where(_IS_READY)
_DONE: Final = select(func.count().label("videos"), func.sum(videos.c.size).label("bytes")).where(
    videos.c.done_at.is_not(None)
)
_RATES: Final = (
    select(runs.c.bytes_per_s).where(runs.c.bytes_per_s.is_not(None)).order_by(runs.c.id.desc()).limit(_RUNS)
)
