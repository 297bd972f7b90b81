"""What a rebuild has found so far, in a file of its own: memory stays flat, and one that was killed goes on.

Kept are paths, what sidecars say, and what was read; no link. A digest counts for as long as the file is the one
that was read (see ``stamp``).
"""

import contextlib
import itertools
import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

_PAGE: Final = 1000
_FORMAT: Final = 1
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS found (
    path TEXT PRIMARY KEY, path_key TEXT NOT NULL, vid TEXT NOT NULL, told TEXT, done_at INTEGER,
    size INTEGER NOT NULL, stamp TEXT NOT NULL, sha256 TEXT, container TEXT, read_at INTEGER,
    is_seen INTEGER NOT NULL, is_taken INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lone (path TEXT PRIMARY KEY, vid TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_found_vid ON found (vid);
CREATE INDEX IF NOT EXISTS ix_found_taken ON found (path_key) WHERE is_taken;
"""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A file that says what video it is of."""

    path: str
    path_key: str
    vid: str
    told: str | None
    """Its sidecar, as JSON."""
    done_at: int | None
    """ms UTC, by its sidecar."""
    size: int
    stamp: str
    sha256: str | None = None
    """None as long as it was not read."""
    container: str | None = None
    read_at: int | None = None


_COLUMNS: Final = Found.__struct_fields__


class Findings:
    """The file of what was found.

    Args:
        path: Where it is; None for one that is gone when it is closed.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError:  # Of a power cut, or of another version.
            self.remove()
            self._database = self._opened()
        self._database.execute("UPDATE found SET is_seen = 0, is_taken = 0")
        self._database.execute("DELETE FROM lone")

    def _opened(self) -> sqlite3.Connection:
        if self._path is not None:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        database = sqlite3.connect(self._path or "")
        try:
            _require_ours(database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.executescript(_TABLE)
            database.execute(f"PRAGMA user_version = {_FORMAT}")
        except BaseException:
            database.close()
            raise
        return database

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def remove(self) -> None:
        """Take the file away, which is no longer needed. It is closed by then, or was none."""
        if self._path is not None:
            for end in ("", "-wal", "-shm"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(f"{self._path}{end}")

    def note(self, files: Iterable[Found]) -> None:
        """Note files; what was read of one of them before counts where it is the same still."""
        marks = ", ".join(f":{name}" for name in _COLUMNS)
        statement = f"""
            INSERT INTO found ({", ".join(_COLUMNS)}, is_seen, is_taken) VALUES ({marks}, 1, 0)
            ON CONFLICT (path) DO UPDATE SET
                vid = excluded.vid, told = excluded.told, done_at = excluded.done_at, size = excluded.size,
                sha256 = CASE WHEN stamp = excluded.stamp THEN sha256 END, stamp = excluded.stamp, is_seen = 1
        """  # noqa: S608 - columns of our own
        while some := list(itertools.islice(files := iter(files), _PAGE)):
            with self._database:
                self._database.executemany(statement, [msgspec.structs.asdict(one) for one in some])

    def forget_unseen(self) -> None:
        """Forget the files that are not there any more."""
        with self._database:
            self._database.execute("DELETE FROM found WHERE NOT is_seen")

    def note_lone(self, path: str, vid: str) -> None:
        """Note a file that is gone, by the sidecar that is left of it."""
        self._database.execute("INSERT OR REPLACE INTO lone VALUES (?, ?)", (path, vid))

    def lone(self, *, has_files: bool) -> Iterator[tuple[str, str]]:
        """Yield path and vid of files that are gone, of videos that have other files or of those that have none."""
        there = "EXISTS (SELECT 1 FROM found WHERE found.vid = lone.vid)"
        yield from self._database.execute(
            f"SELECT path, vid FROM lone WHERE {there} = ? ORDER BY path",  # noqa: S608 - no value of anybody's
            (has_files,),
        )

    def unread(self) -> Iterator[Found]:
        """Yield the files that are still to be read, by path."""
        last = ""
        while page := self._page("sha256 IS NULL AND path > ?", "path", (last,)):
            yield from page
            last = page[-1].path

    def count_unread(self) -> tuple[int, int]:
        """Return how many files are still to be read, and their bytes."""
        counted = "SELECT count(*), coalesce(sum(size), 0) FROM found WHERE sha256 IS NULL"
        number, size = self._database.execute(counted).fetchone()
        return number, size

    def note_read(self, files: Iterable[Found]) -> None:
        """Note what was read of files."""
        with self._database:
            self._database.executemany(
                "UPDATE found SET sha256 = :sha256, container = :container, stamp = :stamp, size = :size,"
                " read_at = :read_at WHERE path = :path",
                [msgspec.structs.asdict(one) for one in files],
            )

    def by_vid(self) -> Iterator[list[Found]]:
        """Yield the files of each vid, together."""
        last = ""
        while vids := self._vids(last):
            marks = ", ".join("?" * len(vids))
            page = self._page(f"vid IN ({marks})", "vid, path", vids, limit=-1)
            for _, files in itertools.groupby(page, key=lambda one: one.vid):
                yield list(files)
            last = vids[-1]

    def _vids(self, last: str) -> list[str]:
        found = self._database.execute(
            "SELECT DISTINCT vid FROM found WHERE vid > ? ORDER BY vid LIMIT ?", (last, _PAGE // 2)
        )
        return [vid for (vid,) in found]

    def take(self, paths: Sequence[str]) -> None:
        """Note which files become rows."""
        with self._database:
            self._database.executemany("UPDATE found SET is_taken = 1 WHERE path = ?", [(path,) for path in paths])

    def clashing(self) -> list[Found]:
        """Return the files that were taken and whose names a file system may take for one; leave them out."""
        doubled = "SELECT path_key FROM found WHERE is_taken GROUP BY path_key HAVING count(*) > 1"
        clash = f"is_taken AND path_key IN ({doubled})"
        found = self._page(clash, "path", (), limit=-1)
        with self._database:
            self._database.execute(f"UPDATE found SET is_taken = 0 WHERE {clash}")  # noqa: S608 - no value of anybody's
        return found

    def taken(self) -> Iterator[list[Found]]:
        """Yield the files that become rows, some at a time, in the order in which they were done."""
        statement = (
            f"SELECT {', '.join(_COLUMNS)} FROM found WHERE is_taken ORDER BY done_at IS NULL, done_at, path"  # noqa: S608
        )
        rows = self._database.execute(statement)
        while some := rows.fetchmany(_PAGE):
            yield [_found(row) for row in some]

    def is_taken(self, vid: str) -> bool:
        """Tell whether a video has a file that becomes a row."""
        found = self._database.execute("SELECT 1 FROM found WHERE vid = ? AND is_taken", (vid,)).fetchone()
        return found is not None

    def _page(self, where: str, order: str, values: Sequence[Any], *, limit: int = _PAGE) -> list[Found]:
        statement = f"SELECT {', '.join(_COLUMNS)} FROM found WHERE {where} ORDER BY {order} LIMIT {limit}"  # noqa: S608
        return [_found(row) for row in self._database.execute(statement, values)]


def _require_ours(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] not in (0, _FORMAT):
        raise sqlite3.DatabaseError("of another version")


def _found(row: Sequence[Any]) -> Found:
    return Found(**dict(zip(_COLUMNS, row, strict=True)))
