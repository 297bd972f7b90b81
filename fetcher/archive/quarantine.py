"""Move what is not what it has to be out of the way, where a person can look at it. Nothing is removed."""

import itertools
import logging
import os
from pathlib import Path
from typing import Final

from fetcher.archive.home import Home
from fetcher.archive.placing import NO_LINKS, opened_parent
from fetcher.archive.rereading import identity_of
from fetcher.domain.errors import ConflictError

_log: Final = logging.getLogger(__name__)
_DIRECTORY: Final = os.O_DIRECTORY
_FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK


def quarantine(home: Home, path: str, *, vid: str, identity: tuple[int, ...]) -> str:
    """Move the file at *path* to quarantine, and make that durable. For who holds the archive's lock.

    Where the disk does not say that it is durable, the file has been moved all the same: that is told.

    Args:
        home: The archive.
        path: Below it.
        vid: Whose it is: its name there begins so. Behind it comes the file's number, by which a broken-off move is
            known again, and another one where that name is taken.
        identity: Of the file that is meant.

    Returns:
        Where it is now, below the archive.

    Raises:
        ConflictError: Another file stands there by now, or that one was written to; it was not moved.
        OSError: The disk, or it is gone; it was not moved.
    """
    with opened_parent(home.root, path) as (directory, last):
        found = os.stat(last, dir_fd=directory, follow_symlinks=False)
        if identity_of(found) != identity:
            raise ConflictError(f"{path!r} was changed meanwhile")
        kept = _moved(last, directory, home.quarantine / f"{vid}-{found.st_ino}", shown=path)
    return kept.relative_to(home.root).as_posix()


def keep_apart(path: Path, wanted: Path) -> Path:
    """Do the same with a file of ours at *path*; return where it is now: at *wanted*, or behind it.

    Raises:
        OSError: The disk, or it is gone; it was not moved.
    """
    directory = _opened(path.parent)
    try:
        return _moved(path.name, directory, wanted, shown=path.name)
    finally:
        os.close(directory)


def _moved(name: str, directory: int, wanted: Path, *, shown: str) -> Path:
    """Move a file out of an open directory, once it is in quarantine for good: no power cut may take both names."""
    error = None
    wanted.parent.mkdir(mode=0o700, exist_ok=True)
    kept, is_linked = _named(name, directory, wanted)
    try:
        _flush(kept, _FILE)
        _flush(kept.parent)
        _flush(kept.parent.parent)  # The directory itself may be new.
    except OSError as exc:
        error = exc
    if is_linked:
        os.unlink(name, dir_fd=directory)
    try:
        os.fsync(directory)
    except OSError as exc:
        error = error or exc
    if error is not None:
        where = "/".join(kept.parts[-3:])
        _log.warning("%s is %s now, but the disk does not say that this is for good: %s", shown, where, error)
    return kept


def _named(name: str, directory: int, wanted: Path) -> tuple[Path, bool]:
    """Give a file the name *wanted*, or the next behind it that nothing has; tell whether it keeps its old one."""
    numbered = (wanted.with_name(f"{wanted.name}-{number}") for number in itertools.count(2))
    for kept in itertools.chain([wanted], numbered):
        try:
            os.link(name, kept, src_dir_fd=directory, follow_symlinks=False)
        except FileExistsError:
            if not os.path.samestat(os.lstat(kept), os.stat(name, dir_fd=directory, follow_symlinks=False)):
                continue
        except OSError as exc:
            if exc.errno not in NO_LINKS:
                raise
            if os.path.lexists(kept):  # To rename is to overwrite.
                continue
            os.rename(name, kept, src_dir_fd=directory)
            return kept, False
        return kept, True
    raise AssertionError("numbers have no end")


def _flush(path: Path, flags: int = _DIRECTORY) -> None:
    descriptor = _opened(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path, flags: int = _DIRECTORY) -> int:
    return os.open(path, flags | os.O_RDONLY | os.O_CLOEXEC)
