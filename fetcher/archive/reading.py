"""Read a file of the archive from its first byte to its last, as many at once as there are threads."""

import hashlib
import os
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fetcher.archive.placing import opened_parent
from fetcher.archive.rereading import identity_of
from fetcher.archive.told import stamp_of
from fetcher.domain.container import LOOKED_AT, UNKNOWN, container_of
from fetcher.domain.errors import ConflictError

_BLOCK: Final = 1 << 20
_TRIES: Final = 3
"""Readings of a file that is written to meanwhile."""
_OWN: Final = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """What a file's bytes are."""

    size: int
    sha256: str
    container: str
    """By the first of them."""
    stamp: str
    """Of the file when all was read."""


def read_through(root: Path, path: str, heed: Callable[[int], None]) -> Bytes:
    """Return what the plain file at *path* is made of. The interpreter's lock is free while it is read and hashed.

    Args:
        root: The archive.
        path: Below it.
        heed: Called with the bytes of each read; raises to break off.

    Raises:
        ConflictError: It is no plain file, a link is on the way, or it is written to each time.
        OSError: It cannot be read.
    """
    for _ in range(_TRIES):
        found = _once(root, path, heed)
        if found is not None:
            return found
    raise ConflictError(f"{path!r} was written to each time while it was read")


def _once(root: Path, path: str, heed: Callable[[int], None]) -> Bytes | None:
    """Return what a file is made of, None where it was written to meanwhile: no moment had those bytes."""
    with opened_parent(root, path) as (directory, name):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise ConflictError(f"{path!r} is no plain file")
        digest, size, opening, buffer = hashlib.sha256(), 0, b"", _buffer()
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            if len(opening) < LOOKED_AT:
                opening += bytes(buffer[: min(count, LOOKED_AT)])
            size += count
            heed(count)
        after = os.fstat(descriptor)
        if identity_of(before) != identity_of(after) or size != after.st_size:
            return None
        return Bytes(
            size=size,
            sha256=digest.hexdigest(),
            container=container_of(opening[:LOOKED_AT]) or UNKNOWN,
            stamp=stamp_of(after),
        )


def _buffer() -> memoryview:
    """Return this thread's buffer."""
    if not hasattr(_OWN, "buffer"):
        _OWN.buffer = memoryview(bytearray(_BLOCK))
    buffer: memoryview = _OWN.buffer
    return buffer
