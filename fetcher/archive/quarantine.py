"""Move what is not what it has to be out of the way, where a person can look at it. Nothing is removed."""

import itertools
import logging
import os
from pathlib import Path
from typing import Final

from fetcher.archive.home import Home
from fetcher.archive.placing import opened_parent
from fetcher.archive.rereading import identity_of
from fetcher.domain.errors import ConflictError

_log: Final = logging.getLogger(__name__)


def quarantine(home: Home, path: str, *, name: str, identity: tuple[int, ...]) -> str:
    """Move the file at *path* to quarantine, and make that durable. For who holds the archive's lock.

    Where the disk does not say that it is durable, the file has been moved all the same: that is told.

    Args:
        home: The archive.
        path: Below it.
        name: In quarantine; a number comes behind it where that is taken.
        identity: Of the file that is meant.

    Returns:
        Where it is now, below the archive.

    Raises:
        ConflictError: Another file stands there by now, or that one was written to; it was not moved.
        OSError: The disk, or it is gone; it was not moved.
    """
    with opened_parent(home.root, path) as (directory, last):
        if identity_of(os.stat(last, dir_fd=directory, follow_symlinks=False)) != identity:
            raise ConflictError(f"{path!r} was changed meanwhile")
        home.quarantine.mkdir(mode=0o700, exist_ok=True)
        kept = _free_name(home.quarantine / name)
        os.rename(last, kept, src_dir_fd=directory)
        where = kept.relative_to(home.root).as_posix()
        try:
            _flush(home.quarantine)
            _flush(home.dot)  # The directory itself may be new.
            os.fsync(directory)
        except OSError as exc:
            _log.warning("%s is %s now, but the disk does not say that this is for good: %s", path, where, exc)
    return where


def _free_name(wanted: Path) -> Path:
    """Return *wanted*, or the next name behind it that nothing has: to rename is to overwrite."""
    names = itertools.chain(
        [wanted], (wanted.with_name(f"{wanted.name}-{number}") for number in itertools.count(2))
    )
    return next(name for name in names if not os.path.lexists(name))


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
