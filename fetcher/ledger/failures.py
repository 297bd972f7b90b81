"""What SQLite says went wrong, in our words, and what to do about it."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.domain.errors import (
    DiskFullError,
    FetcherError,
    LedgerDamagedError,
    LedgerError,
    LedgerLockedError,
    StorageError,
)

_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
LOCKED: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
DISK: Final = frozenset(
    {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
)
_SHARED_MEMORY_SIZE: Final = 32768
"""Bytes that SQLite takes beside a ledger before it writes anything; it does not say that they found no room.

Source: https://sqlite.org/walformat.html, the WAL-index file format.
"""
RESTORE: Final = (
    "Restore a copy of it (with its -wal file), or see 'fetcher ledger rebuild --help' where there is none; "
    "finished files are untouched."
)


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


def locked(path: Path) -> LedgerLockedError:
    """Return what is said where another process kept the ledger to itself."""
    return LedgerLockedError(f"{path} was locked by another process for too long. Find and end it.")


def _translation(code: int, path: Path) -> FetcherError:
    if code in _DAMAGED:
        return LedgerDamagedError(f"{path} is damaged. {RESTORE}")
    if code in LOCKED:
        return locked(path)
    if code == sqlite3.SQLITE_FULL or (code in DISK and _is_full(path)):
        return DiskFullError(f"no room to write {path}. Make room and run again.")
    if code in DISK:
        return StorageError(f"{path} cannot be read or written. Look at its disk and permissions.")
    return LedgerError(f"{path}: SQLite error {code}. Nothing was changed.")


def _is_full(path: Path) -> bool:
    try:
        found = os.statvfs(path.resolve().parent)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize < _SHARED_MEMORY_SIZE
