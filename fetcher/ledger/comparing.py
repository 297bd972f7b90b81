"""What a comparison with Polyv's list asks of the ledger, page by page."""

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Final, Self

import msgspec
from sqlalchemy import Connection, bindparam, select

from fetcher.ledger.bulk import as_one, fetch, one_of, packed
from fetcher.ledger.schema import videos

_PAGE: Final = 500


class Kept(msgspec.Struct, array_like=True, frozen=True):
    """A video as the ledger has it."""

    id: int
    vid: str
    status: str
    reason: str | None
    path: str | None
    size: int | None
    title: str | None
    category: str | None
    size_listed_then: int | None


def kept(connection: Connection, vids: Sequence[str]) -> dict[str, Kept]:
    """Return what the ledger knows of videos, by vid."""
    return {row.vid: row for row in fetch(connection, _BY_VID, packed(vids), _ROWS)}


def kept_after(connection: Connection, last_id: int) -> list[Kept]:
    """Return the next videos after one, in the order in which they came to be known."""
    return fetch(connection, _AFTER, {"last_id": last_id}, _ROWS)


class Met:
    """Which vids were met so far: on the disk, in a file that SQLite makes and removes, whatever their number."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("CREATE TABLE met (vid TEXT PRIMARY KEY) WITHOUT ROWID")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def add(self, vids: Sequence[str]) -> list[str]:
        """Note that *vids* were met, return those that are new."""
        new = self.without(vids)
        with contextlib.closing(self._database.cursor()) as cursor:
            cursor.execute("BEGIN")
            cursor.executemany("INSERT OR IGNORE INTO met VALUES (?)", [(vid,) for vid in new])
            cursor.execute("COMMIT")
        return new

    def without(self, vids: Sequence[str]) -> list[str]:
        """Return those of *vids* that were not met."""
        text = msgspec.json.encode(list(vids)).decode()
        found = self._database.execute("SELECT vid FROM met WHERE vid IN (SELECT value FROM json_each(?))", (text,))
        met = {vid for (vid,) in found}
        return [vid for vid in vids if vid not in met]


_ROWS: Final = msgspec.json.Decoder(list[Kept])
_COLUMNS: Final = [videos.c[name] for name in Kept.__struct_fields__]
_BY_VID: Final = as_one(select(*_COLUMNS).where(videos.c.vid.in_(one_of())))
_AFTER: Final = as_one(
    select(*_COLUMNS)
    .where(videos.c.id > bindparam("last_id", type_=videos.c.id.type))
    .order_by(videos.c.id)
    .limit(_PAGE)
)
