"""The lock that writers of a ledger take before SQLite's own.

SQLite's busy handler starves writers, and this lock keeps a checkpoint and a write of two processes apart (SQLite
up to 3.51.2 may damage the file there).
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fetcher.domain.errors import StorageError
from fetcher.ledger.failures import locked

PATIENCE_S: Final = 60.0
"""How long another process may keep the ledger to itself before that is an error."""


class WriteLock:
    """The lock beside a ledger that all its writers take, one after the other.

    Args:
        path: The ledger, which need not exist yet; whatever name leads to it, the lock is the same.
        patience_s: How long to wait for it, in seconds.

    Raises:
        StorageError: Nothing can be written beside the ledger.
    """

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._path = path
        self._patience_s = patience_s
        try:
            self._descriptor = os.open(f"{path.resolve()}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise StorageError(
                f"{path}.lock cannot be written: {exc.strerror}. Look at its disk and permissions."
            ) from exc

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            LedgerLockedError: Another process held it for too long.
        """
        _flock(self._descriptor, self._path, patience_s=self._patience_s)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock's file, which stays where it is. A second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _flock(descriptor: int, path: Path, *, patience_s: float) -> None:
    patience_ends = time.monotonic() + patience_s
    pause = 0.001
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > patience_ends:
                raise locked(path) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.02)
        else:
            return
