"""What brings the bytes: how fast it is just now, and how fast through a day. Pure; all moments are ms UTC."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_LIKE_NOW_MS: Final = 3_600_000
"""So long a line goes on as it does just now, where nothing else is known; after that, as it did through a day."""
_OTHER: Final = 4.0
"""A line that is so many times as fast as through the last day, or as slow, has become another one."""
_AS_FAST: Final = 0.01
"""Less than that is no difference, and needs no reckoning."""


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
        return later if 1 / _OTHER <= later <= _OTHER and abs(later - 1.0) > _AS_FAST else 1.0

    def reckoning(self, *, now: int) -> Callable[[float], float]:
        """Return what turns a moment into that by which it would have carried as much if it went on as just now.

        So whoever plans has one rate: a deadline of tomorrow is sooner on a line that is slower by then.
        """
        like_now_until, beside = now + _LIKE_NOW_MS, self._later - 1.0

        def reckoned(moment: float) -> float:
            return moment if moment <= like_now_until else moment + (moment - like_now_until) * beside

        return reckoned
