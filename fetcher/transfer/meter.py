"""What one transfer shows while it runs, and the handle by which others stop it."""

import threading
from collections.abc import Callable

from fetcher.domain.errors import TransferError
from fetcher.transfer.body import Body


class Meter:
    """Shared by the thread that moves the bytes and those who watch it.

    ``have`` and ``size`` may be read at any time; ``abort`` may be called from any thread.
    """

    def __init__(self, *, pace: Callable[[int], None] | None = None) -> None:
        self.have = 0
        """Bytes in the part and in the buffer on its way there."""
        self.size: int | None = None
        """Bytes of the whole file, None until the origin told."""
        self.fetched = 0
        """Bytes that came over the network."""
        self.is_receiving = False
        """Whether the origin has begun to answer: before, silence has other causes."""
        self._pace = pace
        self._body: Body | None = None
        self._aborted: TransferError | None = None
        self._lock = threading.Lock()

    def attach(self, body: Body) -> None:
        """Say which connection to break on ``abort``.

        Raises:
            TransferError: It was aborted before.
        """
        with self._lock:
            self._body = body
        self.is_receiving = True
        self.raise_if_aborted()

    def add(self, count: int) -> None:
        """Count *count* bytes that have come; waits where a limit of the rate asks for it."""
        self.have += count
        self.fetched += count
        if self._pace is not None:
            self._pace(count)

    def abort(self, error: TransferError) -> None:
        """Make the transfer end with *error*, at once where it waits for bytes."""
        with self._lock:
            self._aborted = self._aborted or error
            body = self._body
        if body is not None:
            body.abort()

    def raise_if_aborted(self) -> None:
        """Raise what ``abort`` was called with, if it was."""
        if self._aborted is not None:
            raise self._aborted
