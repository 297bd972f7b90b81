"""Many videos page by page: nothing is loaded whole, and a page is read to its end before its rows are used.

Pages go by id, in which nothing moves and from which nothing is removed, so that each video comes once.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select

from fetcher.ledger.bulk import one_of, packed
from fetcher.ledger.schema import videos

T = TypeVar("T")
Reading = Callable[[], AbstractContextManager[Connection]]
"""Opens the ledger for the moment of a look at it."""


def pages(read: Callable[[int], Sequence[T]], id_of: Callable[[T], int]) -> Iterator[Sequence[T]]:
    """Yield pages until one is empty.

    Args:
        read: Returns what comes next behind an id, which is 0 for the first page.
        id_of: The id of what *read* returns.
    """
    last_id = 0
    while page := read(last_id):
        yield page
        last_id = id_of(page[-1])


def page_after(wanted: Select[Any], last_id: int, *, size: int) -> Select[Any]:
    """Return the query of the next *size* rows of *wanted*, videos, behind an id."""
    return wanted.where(videos.c.id > last_id).order_by(videos.c.id).limit(size)


def row_pages(connection: Connection, wanted: Select[Any], *, size: int) -> Iterator[Sequence[Row[Any]]]:
    """Yield the rows of *wanted*, videos with their ``id``, in the order in which they came to be known."""
    return pages(
        lambda last_id: connection.execute(page_after(wanted, last_id, size=size)).all(), lambda row: row.id
    )


def row_pages_of(
    connection: Connection, wanted: Select[Any], video_ids: Sequence[int], *, size: int
) -> Iterator[Sequence[Row[Any]]]:
    """Yield those rows of *wanted*, videos with their ``id``, that are named, in the order of *video_ids*."""
    some = wanted.where(videos.c.id.in_(one_of()))
    for start in range(0, len(video_ids), size):
        named = video_ids[start : start + size]
        rows = {row.id: row for row in connection.execute(some, packed(named))}
        yield [rows[one] for one in named if one in rows]
