"""Open a ledger: one connection, one lock, and the pragmas without which SQLite loses what it said was kept.

Every write is one ``BEGIN IMMEDIATE`` inside the lock of ``write_lock.py``.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from fetcher.domain.errors import LedgerDamagedError, LedgerError, LedgerMissingError, StorageError
from fetcher.ledger.failures import RESTORE, translated
from fetcher.ledger.mounts import network_file_system
from fetcher.ledger.schema import APPLICATION_ID
from fetcher.ledger.write_lock import PATIENCE_S, WriteLock

_OLDEST_SQLITE: Final = (3, 37)
_BEGIN: Final = "fetcher_begin"
_FOLD_IN: Final = "PRAGMA wal_checkpoint(TRUNCATE)"
_HEADER_SIZE: Final = 100
"""Bytes that every SQLite database begins with. Source: https://sqlite.org/fileformat.html, 1.3."""


class Database:
    """A SQLite ledger, opened. Used by one thread at a time.

    Args:
        path: An existing ledger.
        patience_s: How long another process may hold it, in seconds.
    """

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.path = path
        self._identity = _identity(path)
        self._lock = WriteLock(path, patience_s=patience_s)
        try:
            self.engine = _engine(path, self._lock.held, patience_s)
            with translated(path), self.engine.connect():
                pass
        except BaseException:
            self._lock.close()
            raise

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One write transaction, alone among all processes; durable when it ends without an error.

        Raises:
            LedgerError: Locked for too long, damaged, or no longer the file that was opened.
            StorageError: The disk.
        """
        with self._lock.held(), translated(self.path):
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

    def vacuum(self) -> None:
        """Give the disk back what removed rows took; nobody writes meanwhile, and as much room again is needed.

        The copy that SQLite makes on the way is beside the ledger, and nowhere else: it holds links.
        """
        with self._lock.held(), translated(self.path), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            directory = str(self.path.resolve().parent).replace("'", "''")
            for statement in (f"PRAGMA temp_store_directory = '{directory}'", "VACUUM", _FOLD_IN):
                raw.execute(statement).fetchall()

    def fold_in(self) -> None:
        """Fold the -wal file in while an error is still told: where a close finds no room, it says nothing.

        Raises:
            StorageError: The disk.
        """
        with self._lock.held(), translated(self.path), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.execute(_FOLD_IN).fetchall()

    def close(self) -> None:
        """Close the connection; SQLite folds its -wal file in."""
        self.engine.dispose()
        self._lock.close()

    def _require_same_file(self) -> None:
        if _identity(self.path) != self._identity:
            raise LedgerMissingError(f"{self.path} was removed or replaced while in use. Stopped; {RESTORE}")


def open_database(path: Path, *, on_network: bool = False, patience_s: float = PATIENCE_S) -> Database:
    """Open an existing ledger.

    Args:
        path: Where it is.
        on_network: Whether a network file system is accepted.
        patience_s: How long another process may hold it, in seconds.

    Raises:
        LedgerMissingError: There is none. None is made either.
        LedgerDamagedError: The file is no ledger.
        LedgerError: It is on a network file system, or this SQLite is too old.
        StorageError: It cannot be written.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise LedgerError(f"SQLite {sqlite3.sqlite_version} is too old; 3.37 or later is needed")
    if not on_network and (kind := network_file_system(path)):
        raise LedgerError(
            f"{path} is on {kind}, a network file system, where SQLite's locks cannot be relied on. "
            "Put the ledger on a local disk (setting 'ledger'), or set ledger_on_network."
        )
    require_file(path)
    _require_writable(path)
    return Database(path, patience_s=patience_s)


def require_file(path: Path) -> None:
    """Look before SQLite does: it takes an empty file for a new database.

    The file itself is not opened: closing it again would drop the locks that another connection of this process
    holds on it (POSIX), and a third process could then take its -wal file away.

    Raises:
        LedgerMissingError: There is none.
        LedgerDamagedError: It is too short for one.
    """
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise LedgerMissingError(f"{path} is missing. {RESTORE}") from None
    except OSError as exc:
        raise LedgerMissingError(f"{path} cannot be read: {exc.strerror}. {RESTORE}") from exc
    if size < _HEADER_SIZE:
        raise LedgerDamagedError(f"{path} is no ledger ({size} bytes). {RESTORE}")


def _require_writable(path: Path) -> None:
    if not (os.access(path, os.R_OK | os.W_OK) and os.access(path.resolve().parent, os.W_OK)):
        raise StorageError(f"{path} or its directory cannot be written. Look at its disk and permissions.")


def _engine(path: Path, alone: Callable[[], contextlib.AbstractContextManager[None]], patience_s: float) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(path))}?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=patience_s,
        )
        try:
            _prepare(connection, path, alone)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=StaticPool, hide_parameters=True)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN IMMEDIATE"))

    return engine


def _prepare(
    connection: sqlite3.Connection, path: Path, alone: Callable[[], contextlib.AbstractContextManager[None]]
) -> None:
    """See whose database it is before anything is written, then set what durability rests on."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise LedgerDamagedError(f"{path} is a database of another program. {RESTORE}")
    if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        with alone():  # Two processes that switch at once are told "locked" without any waiting.
            connection.execute("PRAGMA journal_mode = WAL")
    # What is removed is overwritten, however this SQLite was built: no link outlives its use in a page's corner.
    for pragma in ("synchronous = FULL", "foreign_keys = ON", "secure_delete = ON", "cache_size = -16384"):
        connection.execute(f"PRAGMA {pragma}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
