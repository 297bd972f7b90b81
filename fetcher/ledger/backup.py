"""Copy a ledger while it may be in use: whole under its name, or not at all."""

import contextlib
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fetcher.domain.errors import DiskFullError, LedgerDamagedError, UsageError
from fetcher.ledger.failures import translated
from fetcher.ledger.mounts import uri_to_read

UNFINISHED: Final = ".unfinished"
"""Ends the name of a copy that is being made."""
_PAGES: Final = 2000
"""Pages that are copied with one call."""
_BETWEEN_S: Final = 0.005
"""Seconds between two tries where the ledger is locked."""
_STEPS: Final = 1_000_000
"""Steps of SQLite's between two moments at which a check may be broken off."""


def backup(path: Path, to: Path, *, is_checked: bool = False) -> None:
    """Copy a ledger while it may be in use, by SQLite's own means. The copy is 0600 and durable, or there is none.

    It is made under another name beside it, which is what a killed process leaves.

    Args:
        path: The ledger.
        to: What to call the copy.
        is_checked: Whether to see that the copy is sound, which takes long for a large one.

    Raises:
        UsageError: *to* is there already, or its directory is not.
        LedgerError: *path* cannot be copied, or is damaged.
        StorageError: The disk.
    """
    draft = to.with_name(f"{to.name}.{stamp()}{UNFINISHED}")
    _require_free(to)
    try:
        _make_private(draft, to)
        with (
            translated(path),
            contextlib.closing(sqlite3.connect(uri_to_read(path), uri=True)) as source,
            contextlib.closing(sqlite3.connect(draft)) as copy,
        ):
            _copy(source, copy)
            if is_checked:
                _require_sound(copy, path)
        _name(draft, to)
    except BaseException as exc:
        draft.unlink(missing_ok=True)
        if isinstance(exc, DiskFullError):
            raise DiskFullError(f"no room to write {to}. Make room, or choose another place.") from exc.__cause__
        raise
    sync_directory(to.parent)


def _make_private(draft: Path, to: Path) -> None:
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as exc:
        raise UsageError(f"{to} cannot be written: {exc.strerror}. Choose another name.") from exc


def _copy(source: sqlite3.Connection, copy: sqlite3.Connection) -> None:
    """Copy one snapshot, some megabytes at a time: who wants to break that off has not to wait for the last one."""
    source.isolation_level = None
    source.execute("BEGIN")
    source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # From here on nobody's write is seen.
    source.backup(copy, pages=_PAGES, progress=_between, sleep=_BETWEEN_S)
    source.execute("ROLLBACK")


def _between(*_: int) -> None:
    """Code that runs between two pieces of a long call: it may be broken off here."""


def _require_free(to: Path) -> None:
    if os.path.lexists(to):
        raise UsageError(f"{to} is there already. Nothing was changed; choose another name.")


def _name(draft: Path, to: Path) -> None:
    """Give a finished copy its name, unless something else has it by now."""
    try:
        os.link(draft, to)
    except FileExistsError:
        _require_free(to)
    except OSError:  # A file system without hard links.
        _require_free(to)
        os.rename(draft, to)
    else:
        draft.unlink()


def _require_sound(copy: sqlite3.Connection, path: Path) -> None:
    copy.set_progress_handler(_between, _STEPS)
    if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise LedgerDamagedError(
            f"{path} is damaged; no copy was made. 'fetcher ledger check' says more. Keep the older copies."
        )


def stamp() -> str:
    """Return the moment, UTC, as it stands in the name of a copy."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
