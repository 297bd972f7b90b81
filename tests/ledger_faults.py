"""Ways to harm a ledger behind its back, and to see what a directory holds."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from ledger_cases import raw

_PAGE: Final = 4096
_PAGES_AT: Final = 28
"""Where a database says how many pages it has. Source: SQLite, file format, section 1.3."""
_FILL: Final = """
    WITH RECURSIVE n(i) AS (VALUES (:first) UNION ALL SELECT i + 1 FROM n WHERE i < :last)
    INSERT INTO videos (vid, status, path, path_key, size, sha256, evidence, added_at, done_at)
    SELECT printf('%032d_1', i), 'done', i || '.mp4', i || '.mp4', 1, printf('%064d', i), 'size', 0, 0 FROM n
"""


def spoil_page(ledger: Path, name: str) -> None:
    """Put random bytes into the first page of a table or an index; the page's head stays as it is."""
    with raw(ledger) as connection:
        start = _root_page(connection, name) * _PAGE - _PAGE + (100 if name == "sqlite_schema" else 0) + 8
    with ledger.open("r+b") as file:
        file.seek(start)
        file.write(os.urandom(_PAGE - start % _PAGE))


def append_stray_pages(ledger: Path, count: int) -> int:
    """Have the ledger end with pages that nothing uses, and return the number of the first of them."""
    with raw(ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with ledger.open("r+b") as file:
        before = file.seek(0, os.SEEK_END) // _PAGE
        file.write(bytes(count * _PAGE))
        file.seek(_PAGES_AT)
        file.write((before + count).to_bytes(4, "big"))
    return before + 1


def write_past_index(ledger: Path, name: str, statement: str) -> None:
    """Run *statement* while the index *name* is hidden from SQLite, so that it does not follow."""
    hide = "DELETE FROM sqlite_schema WHERE name = ? RETURNING type, name, tbl_name, rootpage, sql"
    with raw(ledger) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        hidden = connection.execute(hide, (name,)).fetchone()
    with raw(ledger) as connection:
        connection.execute(statement)
    with raw(ledger) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", hidden)


def fill_with_done(ledger: Path, *, first: int, last: int) -> None:
    """Add videos that are done, and of whose files none is there."""
    with raw(ledger) as connection:
        connection.execute(_FILL, {"first": first, "last": last})


def contents(directory: Path) -> dict[str, bytes | str]:
    """Return every file below *directory* with its bytes, every link with its target."""
    return {
        str(path.relative_to(directory)): os.readlink(path) if path.is_symlink() else path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def _root_page(connection: sqlite3.Connection, name: str) -> int:
    found = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()
    return 1 if found is None else int(found[0])
