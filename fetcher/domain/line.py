"""What brings the bytes: how fast it is just now, and through a day. Pure; all moments are ms UTC."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final, Self

_HOUR_MS: Final = 3_600_000
_HOURS: Final = 24
_LIKE_NOW_MS: Final = _HOUR_MS
"""So long a line goes on as it does just now; after that, as each hour of the day was the last time."""
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
    hours: Sequence[float] = ()
    """What it brings in each hour of the day, bytes a second from midnight UTC on; empty where nobody knows."""
    stands: float = 0.0
    """The share of time in which it brings nothing at all, to be expected beyond what is known; less than 1."""

    @property
    def undisturbed(self) -> Self:
        """The same line if no outage comes."""
        return replace(self, stands=0.0) if self.stands else self

    def reckoning(self, *, now: int) -> Callable[[float], float] | None:
        """Return what turns a moment into that by which it would have carried as much if it went on as just now.

        So whoever plans has one rate: a deadline of tomorrow is sooner on a line that is slower by then. None where
        it goes on as it does just now.
        """
        awake, day = 1.0 - self.stands, self._day()

        def disturbed(moment: float) -> float:
            return min(moment, now + (moment - now) * awake)

        if day is None:
            return disturbed if self.stands else None
        like_now_until = now + _LIKE_NOW_MS
        first = like_now_until // _HOUR_MS
        rates = [day[(first + number) % _HOURS] for number in range(_HOURS)]
        carried = [0.0, *itertools.accumulate(rate * _HOUR_MS for rate in rates)]
        before = rates[0] * (like_now_until - first * _HOUR_MS)

        def reckoned(moment: float) -> float:
            if moment <= like_now_until:
                return disturbed(moment)
            hour, rest = divmod(moment - first * _HOUR_MS, _HOUR_MS)
            days, number = divmod(int(hour), _HOURS)
            later = days * carried[-1] + carried[number] + rates[number] * rest - before
            return disturbed(like_now_until + later)

        return reckoned

    def _day(self) -> list[float] | None:
        """Return how many times as fast as just now it is in each hour; None where that makes no difference."""
        if not self.hours or not 1 / _OTHER <= fmean(self.hours) / self.bytes_per_s <= _OTHER:
            return None
        day = [rate / self.bytes_per_s for rate in self.hours]
        return day if any(abs(rate - 1.0) > _AS_FAST for rate in day) else None
