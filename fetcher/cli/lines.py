"""Lines that a thread of its own writes: whoever says something never waits for who reads it."""

import errno
import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 5.0
"""Seconds for which the end of the process waits for somebody who does not read."""


class LineThread:
    """Writes lines in their order, in a thread that begins with the first one.

    Args:
        write: Writes one line; may take for ever. It handles its own errors.
        most: Lines that may wait; what comes beyond that is left out. None for any number.
        left_out: Returns the line that tells how many were.
    """

    def __init__(
        self, write: Callable[[str], None], *, most: int | None = None, left_out: Callable[[int], str] = str
    ) -> None:
        self._write = write
        self._most = most
        self._left_out = left_out
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._is_writing = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, line: str) -> None:
        """Have one line written soon."""
        with self._changed:
            if self._most is not None and len(self._waiting) >= self._most:
                self._lost += 1
                return
            self._own_up()
            self._waiting.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._write_on, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def drain(self, patience_s: float = PATIENCE_S) -> bool:
        """Wait until all is written, at most *patience_s* seconds; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(self._is_through, patience_s)

    def _is_through(self) -> bool:
        return not self._waiting and not self._lost and not self._is_writing

    def _own_up(self) -> None:
        """Say in place of the lines that were left out how many they were."""
        if self._lost:
            self._waiting.append(self._left_out(self._lost))
            self._lost = 0

    def _write_on(self) -> None:
        while True:
            self._write(self._next())

    def _next(self) -> str:
        with self._changed:
            self._is_writing = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._waiting or self._lost)
            if not self._waiting:
                self._own_up()
            self._is_writing = True
            return self._waiting.popleft()


def is_loss(error: OSError) -> bool:
    """Tell whether what could not be written was wanted: a disk is full; no reader has gone who had seen enough."""
    return error.errno not in (errno.EPIPE, errno.EBADF)


def write_all(descriptor: int, data: bytes) -> None:
    """Write past the interpreter's buffers, which would try once more at the end and change the exit code.

    Raises:
        OSError: It cannot be written.
    """
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:  # Whoever shares it with us wants no write to wait.
            select.select([], [descriptor], [])
