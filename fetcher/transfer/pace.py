"""One rate for all transfers together.

A transfer counts what it has read and pays for it in pieces of equal size. Whoever pays is told the moment at which
all that was booked before, and this piece too, will have been within the rate, and waits for it in its own thread.
Equal pieces in the order of their coming make equal shares; a line that brings nothing books nothing.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

_PIECES_PER_S: Final = 64
"""Few enough to cost nothing; enough that each of some dozen transfers reads about every second."""
_LARGEST_PIECE: Final = 1 << 20
_SMALLEST_SHARE: Final = 8192
"""Bytes a second; measured with nginx: lines of 4 KiB a second lived, those of 2 KiB were taken for dead.

Source: nginx, ``send_timeout``: 60 seconds between two writes, and a full send buffer takes no write before it is a
third empty.
"""
_CATCH_UP_S: Final = 0.25
"""What was not used may be made up for so long; beyond that a short silence would be followed by a flood."""


def jobs_within(bytes_per_s: int | None, jobs: int) -> int:
    """Return how many transfers may share a rate, *jobs* at the most: origins hang up on those that hardly read."""
    return jobs if bytes_per_s is None else max(1, min(jobs, bytes_per_s // _SMALLEST_SHARE))


class Schedule:
    """When bytes are within a rate. Pure: the clock is passed in; all moments are monotonic seconds."""

    def __init__(self, bytes_per_s: int, *, began_at: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._paid_until = began_at

    def book(self, count: int, *, now: float) -> float:
        """Return the moment at which *count* more bytes will have been within the rate."""
        self._paid_until = max(self._paid_until, now - _CATCH_UP_S) + count / self._bytes_per_s
        return self._paid_until


class Pace:
    """Lets *bytes_per_s* through, however many threads ask. It begins with nothing saved up."""

    def __init__(self, bytes_per_s: int, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.piece: Final = min(max(bytes_per_s // _PIECES_PER_S, 1), _LARGEST_PIECE)
        """Bytes that are read and paid for at once."""
        self._monotonic = monotonic
        self._schedule = Schedule(bytes_per_s, began_at=monotonic())
        self._lock = threading.Lock()

    def wait(self, count: int, *, stopped: threading.Event) -> None:
        """Wait until *count* more bytes are within the rate, or until *stopped* is set."""
        with self._lock:
            now = self._monotonic()
            due_at = self._schedule.book(count, now=now)
        if due_at > now:
            stopped.wait(due_at - now)
