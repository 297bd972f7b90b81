"""The finished files, for lists of them: page by page, each page in a snapshot of its own.

One snapshot for all would be of one moment, but as long as somebody holds it (a pager that waits, a slow pipe) the
-wal file grows with every write of a run. No row is ever removed and pages go by id, so each video comes once, as
it was when its page was read.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from fetcher.domain.status import Status
from fetcher.ledger.bulk import as_one, fetch
from fetcher.ledger.engine import Database
from fetcher.ledger.paging import pages
from fetcher.ledger.schema import has_status, videos
from fetcher.ledger.views import Selection, listed_after

T = TypeVar("T")
_PAGE: Final = 2000


class Finished(msgspec.Struct, array_like=True, frozen=True):
    """A done video's file."""

    id: int
    path: str
    """Below the archive."""
    sha256: str
    md5: str | None


def finished(database: Database) -> Iterator[Finished]:
    """Yield every done video's file, in the order in which the videos came to be known."""

    def page(connection: Connection, last_id: int) -> list[Finished]:
        return fetch(connection, _AFTER, {"last_id": last_id}, _ROWS)

    return _each(database, page, lambda row: row.id)


def rows(database: Database, chosen: Selection) -> Iterator[dict[str, Any]]:
    """Yield videos as they are listed, in the order in which they came to be known."""

    def page(connection: Connection, last_id: int) -> list[dict[str, Any]]:
        return listed_after(connection, chosen, last_id)

    return _each(database, page, lambda row: row["id"])


def count(connection: Connection, chosen: Selection) -> int:
    """Return how many videos have one of the statuses that were chosen, all where none was."""
    counted = select(func.count()).select_from(videos)
    if chosen.statuses:
        counted = counted.where(videos.c.status.in_([status.value for status in chosen.statuses]))
    return connection.scalar(counted) or 0


def _each(
    database: Database, read: Callable[[Connection, int], Sequence[T]], id_of: Callable[[T], int]
) -> Iterator[T]:
    def page(last_id: int) -> Sequence[T]:
        with database.reading() as connection:
            return read(connection, last_id)

    for found in pages(page, id_of):
        yield from found


_ROWS: Final = msgspec.json.Decoder(list[Finished])
_AFTER: Final = as_one(
    select(*(videos.c[name] for name in Finished.__struct_fields__))
    .where(has_status(Status.DONE), videos.c.id > bindparam("last_id", type_=videos.c.id.type))
    .order_by(videos.c.id)
    .limit(_PAGE)
)
