"""The growing file as one try has it open: what it asks of the file system."""

import contextlib
import os
from typing import Protocol

from fetcher.domain.container import LOOKED_AT
from fetcher.domain.errors import TransferInterruptedError


class PartFile(Protocol):
    """The growing file, as one try needs it."""

    @property
    def is_new(self) -> bool:
        """Whether ``open`` makes it: it is empty then."""
        ...

    def open(self) -> int:
        """Return a descriptor for reading and writing."""
        ...

    def restart(self) -> None:
        """Put an empty part in this one's place: what it held is not of the file that comes now."""
        ...


class OpenPart:
    """A part from when a try opens it until ``close``.

    Args:
        part: Which.
    """

    def __init__(self, part: PartFile) -> None:
        self._part = part
        self.is_empty = part.is_new
        """Whether nothing of an earlier try is in it."""
        self.descriptor = part.open()
        """For reading and writing; another one after ``restart``."""

    def close(self) -> None:
        """Let go of the file."""
        os.close(self.descriptor)

    def restart(self) -> None:
        """Go over to an empty part. A descriptor closed twice might be another transfer's by then."""
        self._part.restart()
        old, self.descriptor = self.descriptor, self._part.open()
        self.is_empty = True
        os.close(old)

    def cut(self, have: int) -> None:
        """Drop what lies behind the first *have* bytes; what is written next stands there.

        Raises:
            TransferInterruptedError: There are fewer.
        """
        if os.fstat(self.descriptor).st_size < have:
            raise TransferInterruptedError("the part was shortened by somebody else")
        os.ftruncate(self.descriptor, have)
        os.lseek(self.descriptor, have, os.SEEK_SET)

    def opening(self) -> bytes:
        """Return the first bytes, by which a container is known."""
        return os.pread(self.descriptor, LOOKED_AT, 0)

    def require_whole(self, *, size: int) -> None:
        """See that nobody cut or removed the part under our hands.

        Raises:
            TransferInterruptedError: Somebody did.
        """
        found = os.fstat(self.descriptor)
        if found.st_nlink == 0 or found.st_size != size:
            raise TransferInterruptedError(
                f"the part was changed by somebody else ({found.st_size} of {size} bytes)"
            )

    def date(self, created_at: int) -> None:
        """Give the file its own time, in ms UTC. One that the file system does not take is not worth the file."""
        with contextlib.suppress(OSError, OverflowError):
            os.utime(self.descriptor, ns=(created_at * 1_000_000, created_at * 1_000_000))

    def make_durable(self) -> None:
        """Flush the file to the disk.

        A part whose flush failed is dropped: the kernel forgets what it could not write, and calls it clean.

        Raises:
            OSError: The disk.
        """
        try:
            os.fsync(self.descriptor)
        except OSError:
            self._part.restart()
            raise
