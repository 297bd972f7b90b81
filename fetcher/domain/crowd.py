"""How many downloads at a time: more while more bring more, fewer while fewer do as well."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from fetcher.domain.refusals import Refusals
from fetcher.domain.windows import Haul, Windows, mean

_FIRST_WINDOW_S: Final = 1.0
"""While the number doubles: what that brings is seen at once, where it brings anything."""
_WINDOW_S: Final = 3.0
_SETTLING_S: Final = 1.0
"""After a step: connections are opened, and find their speed."""
_REMEMBERED: Final = 8
"""Windows at the present number, from which is told what is usual."""
_FEWEST: Final = 2
"""Windows that tell what a number brings while it doubles."""
_FEW: Final = 4
"""The same for smaller steps, whose gain is nearer to what a line wobbles by itself."""
_STEADY: Final = 1.25
"""The larger of two windows by the smaller one at the most: before that a line is still finding its speed."""
_WORTH: Final = 0.25
"""The part of what a step has added to the places that it has to add to the rate."""
_AS_MUCH: Final = 0.97
"""The part of the usual rate that fewer have to bring to stay fewer."""
_GROWTH_JUDGED_BY: Final = 2
"""Windows by which a step up is judged; one that is not worth it is told by the first."""
_SHRINKING_JUDGED_BY: Final = 3
"""The same for a step down, always: it is not in a hurry."""
_FIRST_PAUSE_S: Final = 30.0
"""After a step that was not worth it; the pause doubles from one such step to the next."""
_LONGEST_PAUSE_S: Final = 600.0
"""What that pause grows to, and for how long a number at which an origin turned some away is not tried again."""
_LONG_S: Final = 120.0
"""At a number that was worth it, before fewer are tried."""
_WAITED_FOR_S: Final = 60.0
"""For work and places enough to judge a step by."""
_AT_LIMIT: Final = 0.95
"""The part of ``limit_rate`` from which on more places could bring no more."""
_OTHER_LINE: Final = 1 / 3
"""So much more or less than was known says that the line is not what it was."""
_OTHER_WINDOWS: Final = 3
"""Windows that have to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """How things stand at one moment."""

    now: float
    """Monotonic seconds."""
    haul: Haul
    """What has come so far."""
    used: int
    """Downloads under way."""
    has_more: bool
    """Whether anything waits for a place."""
    ended: int = 0
    """Downloads that have come to an end so far, good or bad."""
    refused: int = 0
    """Those of them that a smaller number might have spared: turned away, or broken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of the number, or the decision to stay at one that was tried."""

    was: int
    places: int
    why: str
    usual: Haul | None = None
    """What came each second before the step."""
    tried: Haul | None = None
    """What came each second with the number that was tried, None where none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    was: int
    usual: Sequence[Haul]
    """What windows brought before."""
    rates: list[Haul]
    """What windows bring now."""


class Crowd:
    """Decides how many downloads a run has under way. Pure: no clock, no network.

    A line that wobbles must not make the number climb: a step is kept only where each of two windows is better than
    the best of eight before it. Where a step adds nothing that is so by chance once in forty-five times.

    Args:
        least: To begin with, and never fewer.
        most: Never more; the number stays where it is if that is *least*.
        limit: Bytes a second that the run is allowed, None for any: at the limit no number brings more.
    """

    def __init__(self, *, least: int, most: int, limit: int | None = None) -> None:
        self._least = self.places = least
        self._most = max(least, most)
        self._limit = limit
        self._windows = Windows()
        self._refusals = Refusals()
        self._usual: deque[Haul] = deque(maxlen=_REMEMBERED)
        self._trial: _Trial | None = None
        self._doubles, self._grows = True, True
        self._pause_s = _FIRST_PAUSE_S
        self._due_at = 0.0
        self._heard_at = 0.0
        """When something was last learned of a step."""
        self._known: float | None = None
        """What a second was worth when it was last decided to wait."""
        self._refused_from = self._most + 1
        """So many were too many for the origin."""
        self._refused_until = 0.0

    def look(self, seen: Seen) -> Step | None:
        """Take in how things stand, return what is decided; to be called a few times a second."""
        if self._least == self._most:
            return None
        if self._refusals.look(now=seen.now, ended=seen.ended, refused=seen.refused):
            return self._retreat(seen.now)
        rate = self._windows.look(
            now=seen.now,
            haul=seen.haul,
            is_right=seen.used == self.places,
            shortest_s=_FIRST_WINDOW_S if self._doubles else _WINDOW_S,
        )
        if rate is None:
            return self._given_up(seen.now)
        self._heard_at = seen.now
        if self._trial is not None:
            self._trial.rates.append(rate)
            return self._judged(self._trial, seen.now)
        self._usual.append(rate)
        self._heed_change(seen.now)
        return self._tried(seen)

    def _tried(self, seen: Seen) -> Step | None:
        """Try another number, where it is time to and enough is known of this one."""
        if seen.now < self._due_at or not self._is_known():
            return None
        places = self._next(seen)
        if places == self.places:
            return None
        self._trial = _Trial(was=self.places, usual=tuple(self._usual), rates=[])
        why = "to see whether more bring more" if places > self.places else "to see whether fewer bring as much"
        return self._go(places, seen.now, why, usual=mean(self._usual))

    def _is_known(self) -> bool:
        if not self._doubles:
            return len(self._usual) >= _FEW
        latest = _worths(self._usual)[-_FEWEST:]
        return len(latest) == _FEWEST and 0 < max(latest) <= _STEADY * min(latest)

    def _next(self, seen: Seen) -> int:
        """Return the number to try, which is the present one where there is none."""
        quarter = max(1, self.places // 4)
        if seen.now >= self._refused_until:
            self._refused_from = self._most + 1
        more = min(2 * self.places if self._doubles else self.places + quarter, self._most, self._refused_from - 1)
        is_limited = self._limit is not None and mean(self._usual).fetched >= _AT_LIMIT * self._limit
        may_grow = more > self.places and not is_limited
        if may_grow and (self._grows or self.places == self._least):
            return more if seen.has_more else self.places
        return max(self._least, self.places - quarter)

    def _judged(self, trial: _Trial, now: float) -> Step | None:
        """Stay at what is tried, or go back."""
        usual, tried = mean(trial.usual), mean(trial.rates)
        is_growth = self.places > trial.was
        if is_growth:
            is_worth_it = self._is_better(trial)
            is_open = is_worth_it and len(trial.rates) < _GROWTH_JUDGED_BY
        else:
            is_worth_it, is_open = tried.worth >= _AS_MUCH * usual.worth, len(trial.rates) < _SHRINKING_JUDGED_BY
        if is_open:
            return None
        self._trial = None
        if not is_worth_it:
            self._grows = not is_growth or trial.was == self._least
            self._pause(now, usual.worth)
            why = "more do not bring enough more" if is_growth else "fewer bring less"
            return self._go(trial.was, now, why, usual=usual, tried=tried)
        self._usual.clear()
        self._usual.extend(trial.rates)
        self._grows, self._pause_s = is_growth and self.places < self._most, _FIRST_PAUSE_S
        self._due_at = now if self._grows else now + _LONG_S
        why = "more bring more" if is_growth else "fewer bring as much"
        return Step(was=self.places, places=self.places, why=why, usual=usual, tried=tried)

    def _is_better(self, trial: _Trial) -> bool:
        """Tell whether each window is worth the step, and above all chance."""
        needed = mean(trial.usual).worth * (1 + _WORTH * (self.places / trial.was - 1))
        return min(_worths(trial.rates)) >= max(needed, *_worths(trial.usual))

    def _given_up(self, now: float) -> Step | None:
        """Go back where there was too little work, or too few places free, to learn anything of what is tried."""
        if self._trial is None or now < self._heard_at + _WAITED_FOR_S:
            return None
        was, self._trial = self._trial.was, None
        self._pause(now, None)
        return self._go(was, now, "there was too little to judge by")

    def _retreat(self, now: float) -> Step | None:
        """Give up half of what was grown, or all of a step that is being tried."""
        half = self._least + (self.places - self._least) // 2
        places = half if self._trial is None else min(half, self._trial.was)
        self._refused_from = max(self.places, self._least + 1)
        self._refused_until = now + _LONGEST_PAUSE_S
        self._trial = None
        self._pause(now, None)
        return None if places == self.places else self._go(places, now, "the origin turns us away")

    def _heed_change(self, now: float) -> None:
        """Begin to look about anew where the line has become another one."""
        latest = list(self._usual)[-_OTHER_WINDOWS:]
        if self._known is None or len(latest) < _OTHER_WINDOWS:
            return
        worths = _worths(latest)
        is_more = min(worths) > self._known * (1 + _OTHER_LINE)
        if is_more or max(worths) < self._known * (1 - _OTHER_LINE):
            self._usual.clear()
            self._usual.extend(latest)
            self._doubles, self._grows, self._known = True, True, None
            self._pause_s, self._due_at = _FIRST_PAUSE_S, now

    def _pause(self, now: float, rate: float | None) -> None:
        """Leave the number alone for a while, longer each time."""
        self._doubles, self._known = False, rate
        self._due_at, self._pause_s = now + self._pause_s, min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def _go(
        self, places: int, now: float, why: str, *, usual: Haul | None = None, tried: Haul | None = None
    ) -> Step:
        was, self.places, self._heard_at = self.places, places, now
        self._usual.clear()
        self._windows.restart(ready_at=now + _SETTLING_S)
        return Step(was=was, places=places, why=why, usual=usual, tried=tried)


def _worths(rates: Iterable[Haul]) -> list[float]:
    return [rate.worth for rate in rates]
