"""Room on the disk, and what the disk's refusals mean."""

import contextlib
import errno
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from fetcher.domain.errors import DiskFullError, FileRefusedError, NoRoomError, StorageError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FRESH_S: Final = 0.25
_TOO_MANY: Final = frozenset({errno.EMFILE, errno.ENFILE})
_ONE_FILE: Final = frozenset({errno.EFBIG, errno.ENAMETOOLONG, errno.EACCES, errno.EISDIR, errno.ENOTDIR})


class Space:
    """Room on the disk of *directory*. Safe to share between threads.

    Args:
        directory: Anywhere on that disk.
        reserve: Bytes that stay free.
        outstanding: Returns how many bytes are still to come for all that has been granted room.
    """

    def __init__(self, directory: Path, *, reserve: int, outstanding: Callable[[], int] = lambda: 0) -> None:
        self._directory = directory
        self._reserve = reserve
        self._outstanding = outstanding
        self._lock = threading.Lock()
        self._room = 0
        self._looked_at = -math.inf

    def require(self, needed: int, *, grant: Callable[[], None] = lambda: None) -> None:
        """Raise unless *needed* bytes more, beside what is *outstanding*, leave the reserve free.

        The disk is looked at a few times a second at the most: many small files would ask for nothing else.

        Args:
            needed: Bytes, not counted by *outstanding* yet.
            grant: Called where there is room, before anybody else is judged; from then on they are counted.

        Raises:
            NoRoomError: They do not.
        """
        needed = max(needed, 0)
        with self._lock:
            is_fresh = time.monotonic() - self._looked_at < _FRESH_S
            if is_fresh and self._room >= needed:
                self._room -= needed
                grant()
                return
            free = free_bytes(self._directory)
            others = self._outstanding()
            self._room = free - others - self._reserve - needed
            self._looked_at = time.monotonic()
            if self._room >= 0:
                grant()
                return
            self._looked_at = -math.inf
        raise NoRoomError(
            f"{_shown(free)} are free, {_shown(needed)} are needed, {_shown(others)} for what is under way, "
            f"and {_shown(self._reserve)} (min_free) are kept. Make room and run again.",
            then=f"there was no room for it when it was tried last: {_shown(needed)} were needed, "
            f"{_shown(max(free - others, 0))} free, and {_shown(self._reserve)} (min_free) kept",
        )


def _shown(size: int) -> str:
    import humanize  # noqa: PLC0415 - for a disk that is full, and not at every start

    return humanize.naturalsize(size, binary=True)


def free_bytes(directory: Path) -> int:
    """Return how many bytes the disk of *directory* has free for us.

    Raises:
        StorageError: It does not say.
    """
    with disk_errors(f"looking at {directory}"):
        found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def require_files_left(cause: BaseException | None, what: str) -> None:
    """Raise where *cause* is that no more files can be opened; a connection is a file, too.

    Raises:
        StorageError: It is, with *what* was tried.
    """
    if isinstance(cause, OSError) and cause.errno in _TOO_MANY:
        with disk_errors(what):
            raise cause


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
        advice = "Look at the archive's disk"
        if exc.errno in _TOO_MANY:
            advice = "Lower --jobs, or raise 'ulimit -n',"
        raise kind(f"{what}: {exc.strerror or exc}. {advice} and run again.") from exc
