"""Put a new ledger in the place of a lost one: built beside it, renamed when it is whole, the old one kept."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import Final
from urllib.parse import quote

from fetcher.domain.errors import DiskFullError, LedgerDamagedError, LedgerError, LedgerLockedError, StorageError
from fetcher.ledger.backup import stamp, sync_directory
from fetcher.ledger.engine import Database, open_database
from fetcher.ledger.looking import looking_at
from fetcher.ledger.upgrade import create_ledger
from fetcher.ledger.write_lock import WriteLock

_DRAFT: Final = ".rebuilt"
_WRITTEN: Final = ("-wal", "-journal")
"""What SQLite plays into a ledger that it finds beside it, whosever it was."""
_BESIDE: Final = (*_WRITTEN, "-shm")


class Standing(Enum):
    """What is where a ledger has to be."""

    NOTHING = auto()
    EMPTY = auto()
    """A ledger that knows no video and no task, as 'init' makes it."""
    ROWS = auto()
    """One that knows some."""
    UNUSABLE = auto()
    """What is damaged, or left of one."""


def standing(path: Path) -> Standing:
    """Tell what is at a ledger's place."""
    if not _is_anything(path):
        return Standing.NOTHING
    counted = "SELECT EXISTS (SELECT 1 FROM videos) OR EXISTS (SELECT 1 FROM tasks)"
    try:
        with looking_at(path) as connection:
            return Standing.ROWS if connection.exec_driver_sql(counted).scalar() else Standing.EMPTY
    except (LedgerLockedError, DiskFullError):  # Neither says anything of the ledger.
        raise
    except (LedgerError, StorageError):
        return Standing.UNUSABLE


@contextlib.contextmanager
def new_ledger(path: Path, *, on_network: bool = False) -> Iterator[Database]:
    """Yield an empty ledger that lies beside *path*; ``put_in_place`` gives it that name.

    What a killed process left of one is taken away first.

    Raises:
        LedgerError: It cannot be made there.
        StorageError: The disk.
    """
    draft = _draft_of(path)
    with no_draft_left(path):
        _remove(draft)
        create_ledger(draft)
        with contextlib.closing(open_database(draft, on_network=on_network)) as database:
            yield database
            database.fold_in()


@contextlib.contextmanager
def no_draft_left(path: Path) -> Iterator[None]:
    """Take away what is beside *path* of a new ledger where the block does not end well."""
    try:
        yield
    except BaseException:
        _remove(_draft_of(path))
        raise


def put_in_place(path: Path, *, require_free: Callable[[], None]) -> Path | None:
    """Give the new ledger beside *path* its name; return where the old one is kept, None where there was none.

    Until the last step the old one is in its place, or nothing where it could not be closed. It is never deleted.

    Args:
        path: The ledger's place.
        require_free: Called when nobody can write to the old one any more: it may have come to know something while
            files were read. Raises where it has to stay.

    Raises:
        LedgerLockedError: Another process has the old one open.
        StorageError: The disk.
    """
    draft, lock = _draft_of(path), WriteLock(path)
    try:
        with lock.held():
            require_free()
            if os.path.lexists(f"{draft}-wal"):
                raise LedgerDamagedError(f"{draft} was not closed. Run again.")
            kept = _kept(path)
            for end in _BESIDE:
                _unlink(f"{path}{end}")
            os.rename(draft, path)
            sync_directory(path.parent)
    finally:
        lock.close()
    _unlink(f"{draft}.lock")
    return kept


def _kept(path: Path) -> Path | None:
    """Give what is in a ledger's place a second name."""
    if not _is_anything(path):
        return None
    kept = path.with_name(f"{path.name}.replaced-{stamp()}")
    for end in _WRITTEN:  # Beside what is no database SQLite would delete them.
        if os.path.lexists(f"{path}{end}"):
            _copy(f"{path}{end}", f"{kept}{end}")
    is_closed = os.path.lexists(path) and _folded(path)
    if is_closed:
        for end in _WRITTEN:
            _unlink(f"{kept}{end}")
    if os.path.lexists(path):
        _name_too(path, kept)
    sync_directory(path.parent)
    if not is_closed:  # What is beside it must never meet the new one, so it goes first; alone it is of no use.
        _unlink(path)
        sync_directory(path.parent)
    return kept


def _folded(path: Path) -> bool:
    """Have SQLite fold the old ledger's -wal file in and take it away; False where it is no database.

    That takes the ledger for itself alone: who has it open would put its own -wal file under the new one's name.
    """
    try:
        with contextlib.closing(sqlite3.connect(_uri(path), uri=True, isolation_level=None, timeout=5)) as old:
            mode = old.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
            return str(mode) == "delete"
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise LedgerLockedError(
                f"{path} is used by another process. Nothing was changed; run again when it has ended."
            ) from exc
        return False
    except sqlite3.DatabaseError:
        return False


def _is_anything(path: Path) -> bool:
    return any(os.path.lexists(f"{path}{end}") for end in ("", *_WRITTEN))


def _uri(path: Path) -> str:
    return f"file:{quote(os.fsencode(path))}?mode=rw"


def _name_too(path: Path, another: Path) -> None:
    try:
        os.link(path, another, follow_symlinks=False)
    except OSError:  # A file system without hard links.
        _copy(path, another)


def _copy(path: Path | str, to: Path | str) -> None:
    """Copy a file durably."""
    with open(path, "rb") as source, open(to, "xb", opener=_private) as copy:
        shutil.copyfileobj(source, copy)
        copy.flush()
        os.fsync(copy.fileno())


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _draft_of(path: Path) -> Path:
    return path.with_name(f"{path.name}{_DRAFT}")


def _remove(draft: Path) -> None:
    for name in (draft, Path(f"{draft}.new")):
        for end in ("", *_BESIDE, ".lock"):
            _unlink(f"{name}{end}")


def _unlink(path: Path | str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
