"""What brings the bytes: how fast it is just now, and how fast through a day. Pure; all moments are ms UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LIKE_NOW_MS: Final = 3_600_000
"""So long a line goes on as it does just now, where nothing else is known; after that, as it did through a day."""
_OTHER: Final = 4.0
"""A line that is so many times as fast as through the last day, or as slow, has become another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What carries all transfers."""

    bytes_per_s: float
    """Of all transfers together, just now; more than 0."""
    places: int
    """How many may be under way at a time."""
    spare: int = 0
    """How many more may be counted on where links would die without."""
    under_way: Sequence[int] = ()
    """Bytes that are missing of each transfer that has a place."""
    mean_per_s: float | None = None
    """What it has brought through a whole day; None where nobody knows."""

    @property
    def is_steady(self) -> bool:
        """Whether it is taken to go on as it does just now."""
        return self._later == 1.0

    @property
    def _later(self) -> float:
        """By how much it is faster through a day than just now."""
        later = 1.0 if self.mean_per_s is None else self.mean_per_s / self.bytes_per_s
        return later if 1 / _OTHER <= later <= _OTHER else 1.0

    def reckoned(self, moment: float, *, now: int) -> float:
        """Return by when it would have carried what it will have by *moment*, if it went on as it does just now.

        So whoever plans has one rate: a deadline of tomorrow is sooner on a line that is slower by then.
        """
        far_ms = moment - now - _LIKE_NOW_MS
        return moment if far_ms <= 0 else moment + far_ms * (self._later - 1.0)
