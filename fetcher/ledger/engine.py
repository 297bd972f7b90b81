"""Open a ledger: one connection, one lock, and the pragmas without which SQLite loses what it said was kept.

Every write is one ``BEGIN IMMEDIATE`` inside a lock of its own file: SQLite's busy handler starves writers, and the
lock keeps a checkpoint and a write of two processes apart (SQLite up to 3.51.2 may damage the file there).
"""

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from fetcher.domain.errors import (
    DiskFullError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    LedgerMissingError,
    StorageError,
)
from fetcher.ledger.mounts import network_file_system
from fetcher.ledger.schema import APPLICATION_ID

_OLDEST_SQLITE: Final = (3, 37)
_PATIENCE_S: Final = 60.0
_BEGIN: Final = "fetcher_begin"
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_SCHEMA})
_LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DISK: Final = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
)
_RESTORE: Final = "Restore a copy of it (with its -wal file); finished files are untouched."


class Database:
    """A SQLite ledger, opened. Used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = _identity(path)
        self._lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self.engine = _engine(path)
            with translated(path), self.engine.connect():
                pass
        except BaseException:
            os.close(self._lock)
            raise

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction, alone among all processes; durable when it ends without an error.

        Raises:
            LedgerError: Locked for too long, damaged, or no longer the file that was opened.
            StorageError: The disk.
        """
        with self._locked(), translated(self.path):
            self._require_same_file()
            with self.engine.begin() as connection:
                yield connection

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot."""
        with (
            translated(self.path),
            self.engine.connect().execution_options(**{_BEGIN: "BEGIN DEFERRED"}) as connection,
        ):
            yield connection

    def close(self) -> None:
        """Close the connection; SQLite folds its -wal file in."""
        self.engine.dispose()
        os.close(self._lock)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        _flock(self._lock, self.path)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _require_same_file(self) -> None:
        if _identity(self.path) != self._identity:
            raise LedgerMissingError(f"{self.path} was removed or replaced while in use. Stopped; {_RESTORE}")


def open_database(path: Path, *, on_network: bool = False) -> Database:
    """Open an existing ledger.

    Args:
        path: Where it is.
        on_network: Whether a network file system is accepted.

    Raises:
        LedgerMissingError: There is none. None is made either.
        LedgerDamagedError: The file is no ledger.
        LedgerError: It is on a network file system, or this SQLite is too old.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or later is needed")
    if not on_network and (kind := network_file_system(path)):
        raise LedgerError(
            f"{path} is on {kind}, a network file system, where SQLite's locks cannot be relied on. "
            "Put the ledger on a local disk (setting 'ledger'), or set ledger_on_network."
        )
    _require_ledger(path)
    return Database(path)


def _require_ledger(path: Path) -> None:
    """Look before SQLite does: it takes an empty file for a new database and a short one for a whole one."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise LedgerMissingError(f"{path} is missing. {_RESTORE}") from None
    except OSError as exc:
        raise LedgerMissingError(f"{path} cannot be read: {exc.strerror}. {_RESTORE}") from exc
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):  # noqa: PLR2004 - the header's size
        raise LedgerDamagedError(f"{path} is no ledger ({size} bytes, no SQLite header). {_RESTORE}")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise LedgerDamagedError(f"{path} is a database of another program. {_RESTORE}")
    page = int.from_bytes(header[16:18], "big")
    pages = int.from_bytes(header[28:32], "big")
    if size < pages * (65536 if page == 1 else page) and not Path(f"{path}-wal").exists():
        raise LedgerDamagedError(f"{path} is cut off ({size} bytes). {_RESTORE}")


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=_PATIENCE_S,
        )
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16384"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))

    return engine


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours. Their texts are kept out: they may hold a row.

    Raises:
        LedgerError: Locked or damaged.
        StorageError: The disk.
    """
    try:
        yield
    except Exception as exc:
        cause = getattr(exc, "orig", exc)
        code = getattr(cause, "sqlite_errorcode", None)
        if not isinstance(cause, sqlite3.Error) or code is None:
            raise
        raise _translation(code & 0xFF, path) from cause


def _translation(code: int, path: Path) -> Exception:
    if code in _DAMAGED:
        return LedgerDamagedError(f"{path} is damaged. {_RESTORE}")
    if code in _LOCKED:
        return LedgerLockedError(f"{path} was locked by another process for {_PATIENCE_S:.0f} s. Find and end it.")
    if code == sqlite3.SQLITE_FULL:
        return DiskFullError(f"no room to write {path}. Make room and run again.")
    if code in _DISK:
        return StorageError(f"{path} cannot be read or written. Look at its disk and permissions.")
    return LedgerError(f"{path}: SQLite error {code}. Nothing was changed.")


def _flock(descriptor: int, path: Path) -> None:
    patience_ends = time.monotonic() + _PATIENCE_S
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > patience_ends:
                raise _translation(sqlite3.SQLITE_BUSY, path) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        else:
            return


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
