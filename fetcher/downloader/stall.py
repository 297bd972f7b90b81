"""Notice a line that stands, or drips so slowly that it might as well stand."""

from typing import Final

SLOWEST: Final = 128
"""Bytes a second that a transfer has to make over one window."""


class StallWatch:
    """Looks at windows of *window_s* seconds. Pure: the clock and the count are passed in."""

    def __init__(self, *, window_s: float) -> None:
        self._window_s = window_s
        self._began: float | None = None
        self._had = 0

    def is_stalled(self, *, now: float, fetched: int, is_receiving: bool) -> bool:
        """Tell whether a window has just ended in which too little came.

        Args:
            now: Monotonic seconds.
            fetched: Bytes that have come so far.
            is_receiving: Whether the origin has begun to answer; before that nothing is expected.
        """
        if not is_receiving:
            self._began = None
            return False
        if self._began is None:
            self._began, self._had = now, fetched
            return False
        if now - self._began < self._window_s:
            return False
        came, self._began, self._had = fetched - self._had, now, fetched
        return came < SLOWEST * self._window_s
