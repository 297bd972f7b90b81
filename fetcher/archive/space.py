"""Room on the disk, and what the disk's refusals mean."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.domain.errors import DiskFullError, FileRefusedError, NoRoomError, StorageError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_ONE_FILE: Final = frozenset({errno.EFBIG, errno.ENAMETOOLONG, errno.EACCES, errno.EISDIR, errno.ENOTDIR})


def require_space(directory: Path, *, needed: int, reserve: int) -> None:
    """Raise unless *needed* bytes more leave *reserve* bytes free.

    Raises:
        NoRoomError: They do not.
    """
    found = os.statvfs(directory)
    free = found.f_bavail * found.f_frsize
    if free - max(needed, 0) < reserve:
        raise NoRoomError(
            f"{_shown(free)} are free, {_shown(max(needed, 0))} are needed "
            f"and {_shown(reserve)} (min_free) are kept. Make room and run again."
        )


def _shown(size: int) -> str:
    import humanize  # noqa: PLC0415 - for a disk that is full, and not at every start

    return humanize.naturalsize(size, binary=True)


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn the operating system's errors into ours.

    Raises:
        StorageError: Instead of OSError, with *what* was tried.
    """
    try:
        yield
    except OSError as exc:
        kind = StorageError
        if exc.errno in _FULL:
            kind = DiskFullError
        elif exc.errno in _ONE_FILE:
            kind = FileRefusedError
        raise kind(f"{what}: {exc.strerror or exc}. Look at the archive's disk and run again.") from exc
