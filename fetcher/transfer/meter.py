"""What one transfer shows while it runs, and the handle by which others stop it."""

import threading

from fetcher.domain.errors import TransferError
from fetcher.transfer.connection import Breakable
from fetcher.transfer.pace import Pace


class Meter:
    """Shared by the thread that moves the bytes and those who watch it.

    ``have`` and ``size`` may be read at any time; ``abort`` may be called from any thread.
    """

    def __init__(self, *, pace: Pace | None = None) -> None:
        self.have = 0
        """Bytes in the part and in the buffer on its way there."""
        self.size: int | None = None
        """Bytes of the whole file, None until the origin told."""
        self.fetched = 0
        """Bytes that came over the network."""
        self.is_receiving = False
        """Whether bytes are expected of the origin now: at other times silence has other causes."""
        self._pace = pace
        self._unpaid = 0
        self._line: Breakable | None = None
        self._aborted: TransferError | None = None
        self._stopped = threading.Event()
        self._lock = threading.Lock()

    @property
    def is_paced(self) -> bool:
        """Whether the rate is limited: ``add`` and ``settle`` may wait for long then."""
        return self._pace is not None

    @property
    def allowance(self) -> int | None:
        """How many bytes may be read before the next payment; None where there is no limit of the rate."""
        return None if self._pace is None else self._pace.piece - self._unpaid

    def attach(self, line: Breakable) -> None:
        """Say what to break on ``abort``: from here on bytes are expected.

        Raises:
            TransferError: It was aborted before.
        """
        with self._lock:
            self._line = line
        self.is_receiving = True
        self.raise_if_aborted()

    def detach(self) -> None:
        """Say that nothing is expected any more; an abort breaks nothing now."""
        self.is_receiving = False
        with self._lock:
            self._line = None

    def add(self, count: int) -> None:
        """Count *count* bytes that have come; waits where a limit of the rate asks for it."""
        self.have += count
        self.fetched += count
        self._unpaid += count
        if self._pace is not None and self._unpaid >= self._pace.piece:
            self.settle()

    def settle(self) -> None:
        """Wait until all that has come is within the rate, or it is aborted; due at the end of each body.

        Small files are less than a piece, and would pay nothing otherwise.
        """
        unpaid, self._unpaid = self._unpaid, 0
        if self._pace is not None and unpaid:
            self.is_receiving = False
            self._pace.wait(unpaid, stopped=self._stopped)
            self.is_receiving = True

    def abort(self, error: TransferError) -> None:
        """Make the transfer end with *error*, at once where it waits for bytes."""
        with self._lock:
            self._aborted = self._aborted or error
            line = self._line
        self._stopped.set()
        if line is not None:
            line.abort()

    def raise_if_aborted(self) -> None:
        """Raise what ``abort`` was called with, if it was."""
        if self._aborted is not None:
            raise self._aborted
