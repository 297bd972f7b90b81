"""What a plan needs to know of the ready videos, page by page: a million of them are never loaded as rows at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Connection, Integer, Select, bindparam, func, select, tuple_

from fetcher.domain.status import Status
from fetcher.ledger.bulk import as_one, fetch
from fetcher.ledger.schema import has_status, runs, videos

PAGE: Final = 5000
"""Rows in one page: some ten milliseconds, which is as long as a claim may have to wait for one."""


class Prospect(msgspec.Struct, array_like=True, gc=False):
    """A ready video, as a plan sees it."""

    id: int
    deadline: int | None
    size: int | None
    """Bytes of the whole file, None where nobody has said yet."""
    window_ends_at: int | None
    postponed: int
    is_claimed: int
    """1 where a run has claimed it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """All ready videos together."""

    count: int
    bytes_known: int
    """Of those whose size is known."""
    unknown: int
    """How many have none."""
    nearest_deadline: int | None
    postponed: int
    """How many are marked as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What earlier runs and videos tell of what is to come."""

    mean_size: int | None
    """Bytes of a done video, None where there is none."""
    bytes_per_s: float | None
    """As the last runs that had enough to fetch have measured it."""
    next_run_at: int | None
    """When the next run begins if the last ones' rhythm holds, ms UTC; None where there is no telling."""


def load(connection: Connection) -> Load:
    """Sum up."""
    row = connection.execute(_LOAD).one()
    return Load(
        count=row[0], bytes_known=row[1] or 0, unknown=row[0] - row[2], nearest_deadline=row[3], postponed=row[4] or 0
    )


def page_after(connection: Connection, last: Prospect | None) -> list[Prospect]:
    """Return the next videos by deadline, those whose link does not tell any first; none behind the last one.

    Args:
        connection: In any transaction: what is changed between two pages is seen or not.
        last: Of the page before, None for the first page.
    """
    if last is None or last.deadline is None:
        untold = fetch(connection, _UNTOLD, {"id": -1 if last is None else last.id, "most": PAGE}, _PROSPECTS)
        if untold:
            return untold
    told = (-1, -1) if last is None or last.deadline is None else (last.deadline, last.id)
    return fetch(connection, _TOLD, {"deadline": told[0], "id": told[1], "most": PAGE}, _PROSPECTS)


def prospects(connection: Connection) -> Iterator[Sequence[Prospect]]:
    """Yield all pages, on one snapshot."""
    last: Prospect | None = None
    while page := page_after(connection, last):
        yield page
        last = page[-1]


def past(connection: Connection) -> Past:
    """Look back."""
    bytes_done, done = connection.execute(_DONE).one()
    return Past(
        mean_size=bytes_done // done if done else None,
        bytes_per_s=_rate(connection),
        next_run_at=next_start(list(connection.scalars(_STARTS))),
    )


def next_start(started_at: Sequence[int]) -> int | None:
    """Return when the next run begins if the rhythm holds, ms UTC; None where there is none to be seen.

    Args:
        started_at: When the last runs began, the latest first.
    """
    pauses = sorted(later - earlier for later, earlier in itertools.pairwise(started_at))
    return started_at[0] + pauses[len(pauses) // 2] if len(pauses) >= _FEWEST_PAUSES else None


_SIZE: Final = func.coalesce(videos.c.size_expected, videos.c.size)
_PROSPECTS: Final = msgspec.json.Decoder(list[Prospect])
