"""The rate of a line, window by window, as far as it is known how many transfers made it."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

_WORTH_OF_A_FILE: Final = 1 << 20
"""Bytes that come in the time that a file takes however small it is: a round trip, and work beside it."""
_ENOUGH: Final = 2 << 20
"""Bytes in one window, lest the end of one file or the beginning of another make the rate."""
_ENOUGH_FILES: Final = 20
"""Or so many files: of small ones these are fewer bytes."""
_LONGEST_S: Final = 10.0
"""A window is closed then, however little came."""
_OTHERWISE: Final = 0.2
"""The part of a window in which there may have been more or fewer transfers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Haul:
    """What has come, in all or in a second."""

    fetched: float = 0
    """Bytes."""
    files: float = 0
    """Files that came whole."""
    short: float = 0
    """Bytes by which files were short of what each of them is worth at the least; see ``short_by``."""

    @property
    def worth(self) -> float:
        """What more transfers could make more of: bytes, of small files their number.

        Where a file is a round trip and little else, the bytes of a second are a matter of which files it were.
        """
        return self.fetched + self.short


def short_by(size: int) -> int:
    """Return by how many bytes a file of *size* bytes is short of what each is worth at the least."""
    return max(_WORTH_OF_A_FILE - size, 0)


def mean(rates: Sequence[Haul]) -> Haul:
    """Return the mean of some rates."""
    return Haul(
        fetched=fmean(rate.fetched for rate in rates),
        files=fmean(rate.files for rate in rates),
        short=fmean(rate.short for rate in rates),
    )


class Windows:
    """Cuts time into windows. Pure: the clock is passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._ready_at: float | None = None
        self._began: tuple[float, Haul] | None = None
        self._looked_at = 0.0
        self._otherwise_s = 0.0

    def restart(self, *, ready_at: float | None) -> None:
        """Begin a new window at *ready_at*; None for as soon as all places have been taken for a while."""
        self._ready_at, self._began = ready_at, None

    def look(self, *, now: float, haul: Haul, is_right: bool, shortest_s: float) -> Haul | None:
        """Take in how things stand, return what came each second of a window that ends now.

        Args:
            now: Monotonic seconds.
            haul: What has come so far.
            is_right: Whether there are as many transfers as the rate is wanted for.
            shortest_s: Seconds of a window at the least.
        """
        if self._ready_at is None and is_right:
            self._ready_at = now + shortest_s
        if self._ready_at is None or now < self._ready_at:
            return None
        if self._began is None:
            self._begin(now, haul)
            return None
        self._otherwise_s += 0.0 if is_right else now - self._looked_at
        self._looked_at = now
        took, before = now - self._began[0], self._began[1]
        is_enough = haul.fetched - before.fetched >= _ENOUGH or haul.files - before.files >= _ENOUGH_FILES
        if took < shortest_s or not (is_enough or took >= _LONGEST_S):
            return None
        is_sound = self._otherwise_s <= _OTHERWISE * took
        self._begin(now, haul)
        return _each_second(haul, before, took) if is_sound else None

    def _begin(self, now: float, haul: Haul) -> None:
        self._began, self._looked_at, self._otherwise_s = (now, haul), now, 0.0


def _each_second(haul: Haul, before: Haul, took: float) -> Haul:
    return Haul(
        fetched=(haul.fetched - before.fetched) / took,
        files=(haul.files - before.files) / took,
        short=(haul.short - before.short) / took,
    )
