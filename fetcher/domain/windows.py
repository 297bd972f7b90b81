"""The rate of a line, window by window, as far as it is known how many transfers made it."""

from typing import Final

_ENOUGH: Final = 2 << 20
"""Bytes in one window, lest the end of one file or the beginning of another make the rate."""
_LONGEST_S: Final = 10.0
"""A window is closed then, however little came."""
_OTHERWISE: Final = 0.2
"""The part of a window in which there may have been more or fewer transfers."""


class Windows:
    """Cuts time into windows. Pure: the clock is passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._ready_at: float | None = None
        self._began: tuple[float, int] | None = None
        self._looked_at = 0.0
        self._otherwise_s = 0.0

    def restart(self, *, ready_at: float | None) -> None:
        """Begin a new window at *ready_at*; None for as soon as all places have been taken for a while."""
        self._ready_at, self._began = ready_at, None

    def look(self, *, now: float, fetched: int, is_right: bool, shortest_s: float) -> float | None:
        """Take in how things stand, return the bytes a second of a window that ends now.

        Args:
            now: Monotonic seconds.
            fetched: Bytes that have come so far.
            is_right: Whether there are as many transfers as the rate is wanted for.
            shortest_s: Seconds of a window at the least.
        """
        if self._ready_at is None and is_right:
            self._ready_at = now + shortest_s
        if self._ready_at is None or now < self._ready_at:
            return None
        if self._began is None:
            self._begin(now, fetched)
            return None
        self._otherwise_s += 0.0 if is_right else now - self._looked_at
        self._looked_at = now
        took, came = now - self._began[0], fetched - self._began[1]
        if took < shortest_s or (came < _ENOUGH and took < _LONGEST_S):
            return None
        is_sound = self._otherwise_s <= _OTHERWISE * took
        self._begin(now, fetched)
        return came / took if is_sound else None

    def _begin(self, now: float, fetched: int) -> None:
        self._began, self._looked_at, self._otherwise_s = (now, fetched), now, 0.0
