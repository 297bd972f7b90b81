"""Read finished files once more, from the disk and not from memory, and disturb nobody by it.

What the kernel still has of a file is dropped before it is read, so that the disk itself is asked, and again behind
each piece, so that an archive larger than the memory does not drive out what others use. It drops only what is on
the disk already. Source: posix_fadvise(2), POSIX_FADV_DONTNEED.
"""

import hashlib
import logging
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fetcher.archive.placing import look_at, opened_parent
from fetcher.domain.errors import ConflictError
from fetcher.domain.identifiers import printable
from fetcher.domain.verification import Seen

_log: Final = logging.getLogger(__name__)
_ADVICE: Final = "have a look at this machine's memory and at the disk's cable"
BLOCK: Final = 1 << 20
"""Bytes that are read at once."""
_DROPPED: Final = 16 << 20
"""Bytes after which what was read is dropped from memory."""
_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NO_FILE: Final = "no plain file stands there"
_TRIES: Final = 3
"""Readings of a file that is written to meanwhile."""


class StoppedError(Exception):
    """Reading was broken off; nothing is known of the file."""


class Rereader:
    """Reads files, one after the other, into one buffer. For one thread.

    Args:
        root: The archive.
        heed: Told of the bytes of each piece; raises StoppedError to break off.
    """

    def __init__(self, root: Path, *, heed: Callable[[int], None]) -> None:
        self._root = root
        self._heed = heed
        self._buffer = memoryview(bytearray(BLOCK))

    def read(self, path: str, *, size: int, sha256: str | None = None) -> Seen:
        """Return what stands at *path*. A file of another size is not read.

        One that is written to meanwhile is read anew; so is, once, one whose bytes are not those of *sha256*:
        memory and cables err, too.

        Args:
            path: Below the archive.
            size: Bytes that it has to have.
            sha256: Of the bytes that are expected, None where any are.

        Raises:
            StoppedError: Broken off.
        """
        seen = Seen(obstacle="it was written to each time while it was read")
        is_doubted = False
        for _ in range(_TRIES):
            found = self._once(path, size)
            if found is None:
                continue
            seen = found
            is_right = sha256 is None or seen.sha256 in (None, sha256)
            if is_right and is_doubted:
                _log.warning("%s was wrong when it was read first, and right again: %s", printable(path), _ADVICE)
            if is_right or is_doubted:
                break
            is_doubted = True
        return seen

    def _once(self, path: str, size: int) -> Seen | None:
        """Return what stands at *path*, None where it was written to meanwhile."""
        try:
            with opened_parent(self._root, path) as (directory, name):
                return self._file(directory, name, size)
        except FileNotFoundError:
            return Seen()
        except ConflictError as exc:
            return Seen(obstacle=str(exc))
        except OSError as exc:
            return Seen(obstacle=exc.strerror or str(exc))

    def _file(self, directory: int, name: str, size: int) -> Seen | None:
        """Look at the file before it is opened: to open a device may do something."""
        if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            return Seen(obstacle=_NO_FILE)
        descriptor = os.open(name, _FLAGS, dir_fd=directory)
        try:
            before = os.fstat(descriptor)
            if not stat.S_ISREG(before.st_mode):
                return Seen(obstacle=_NO_FILE)
            if before.st_size != size:
                return Seen(size=before.st_size, identity=identity_of(before))
            sha256 = self._digest(descriptor)
            is_same = identity_of(before) == identity_of(os.fstat(descriptor))
            return Seen(size=size, sha256=sha256, identity=identity_of(before)) if is_same else None
        finally:
            os.close(descriptor)

    def _digest(self, descriptor: int) -> str:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_SEQUENTIAL)
        digest, offset, kept = hashlib.sha256(), 0, 0
        while count := os.readv(descriptor, [self._buffer]):
            self._heed(count)
            digest.update(self._buffer[:count])
            offset += count
            if offset - kept >= _DROPPED:
                os.posix_fadvise(descriptor, kept, offset - kept, os.POSIX_FADV_DONTNEED)
                kept = offset
        os.posix_fadvise(descriptor, kept, 0, os.POSIX_FADV_DONTNEED)
        return digest.hexdigest()


def glance(root: Path, path: str) -> Seen:
    """Return what stands at *path* below *root* without opening it."""
    try:
        found = look_at(root, path)
    except ConflictError as exc:
        return Seen(obstacle=str(exc))
    except OSError as exc:
        return Seen(obstacle=exc.strerror or str(exc))
    if found is None:
        return Seen()
    if not stat.S_ISREG(found.st_mode):
        return Seen(obstacle=_NO_FILE)
    return Seen(size=found.st_size, identity=identity_of(found))


def identity_of(found: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is written to, or another one takes its name."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
