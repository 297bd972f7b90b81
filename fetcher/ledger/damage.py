"""What of a damaged ledger is damaged, table by table, as far as SQLite can tell; and which copies are left."""

import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from fetcher.ledger.failures import DISK, LOCKED
from fetcher.ledger.schema import metadata

_MOST_FAULTS: Final = 100
_MOST_PAGES: Final = 8
_HEAD: Final = 100
_MAGIC: Final = b"SQLite format 3\0"
_LARGEST_PAGE: Final = 65_536
_STAMPED: Final = re.compile(r"\w+-\d{8}T\d{6}\.\d{6}", re.ASCII)
_PAGE: Final = re.compile(r"\bpage (\d{1,10})\b", re.ASCII | re.IGNORECASE)
_TABLES: Final = (*(table.name for table in metadata.sorted_tables), "alembic_version")


def damaged(connection: Connection) -> Iterator[str]:
    """Yield what is damaged, a line for each table that is; nothing where SQLite finds no fault in any.

    Args:
        connection: To a ledger that some statement found damaged, or whose check did.
    """
    try:
        there = set(connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars())
    except DatabaseError as exc:
        require_damage(exc)
        yield "the list of its tables cannot be read, so that nothing is known of any table"
        return
    for name in _TABLES:
        if name not in there:
            yield f"table {name} is not there"
        elif (told := _of_table(connection, name)) is not None:
            yield told


def require_damage(exc: DatabaseError) -> None:
    """See that it is damage for which a statement failed, and no lock and no disk: else raise that.

    What is garbage may fail in any other way: a row that is too long, a text that is none.
    """
    code = getattr(exc.orig, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code == sqlite3.SQLITE_FULL or code in LOCKED or code in DISK:
        raise exc


def cut(path: Path) -> str | None:
    """Tell whether a ledger is shorter than its first page says, None where not; for who does not have it open.

    Source: SQLite, file format, section 1.3: the page's size at offset 16, the number of pages at 28.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            size = file.seek(0, os.SEEK_END)
    except OSError:
        return None
    page = int.from_bytes(head[16:18], "big")
    wanted = int.from_bytes(head[28:32], "big") * (page if page > 1 else _LARGEST_PAGE)
    return f"It was cut: {size} bytes instead of {wanted}." if head.startswith(_MAGIC) and size < wanted else None


def copies(path: Path) -> list[str]:
    """Return the names of the copies that upgrades left beside a ledger, the newest first."""
    begin = f"{path.name}.before-"
    try:
        names = [name for name in os.listdir(path.parent) if name.startswith(begin)]
    except OSError:
        return []
    whole = [name for name in names if _STAMPED.fullmatch(name.removeprefix(begin))]
    return sorted(whole, key=lambda name: name.rpartition("-")[2], reverse=True)


def _of_table(connection: Connection, name: str) -> str | None:
    """Return what is wrong with a table or its indexes, None where nothing is.

    Source: SQLite, PRAGMA integrity_check(TABLENAME), since 3.33.
    """
    try:
        found = connection.exec_driver_sql(f"PRAGMA integrity_check('{name}')").fetchmany(_MOST_FAULTS)
    except DatabaseError as exc:
        require_damage(exc)
        return f"table {name}, or an index of it, cannot be read"
    texts = [line for (told,) in found for line in told.splitlines() if line != "ok"]
    if not texts:
        return None
    pages = list(dict.fromkeys(_PAGE.findall("\n".join(texts))))
    where = f" on pages {', '.join(pages[:_MOST_PAGES])}" if pages else ""
    more = " and others" if len(pages) > _MOST_PAGES else ""
    return f"table {name}, or an index of it, is damaged{where}{more}"
