"""How much of the time a line brings nothing at all, so that as much is expected of the days to come. Pure."""

from typing import Final

_FEWEST: Final = 3
"""So many different files that nobody gives anything of are no matter of one of them."""
_LEAST_S: Final = 60.0
"""Less is no outage: a transfer that stands for so long is broken off, and tried again."""
_LONGEST_S: Final = 86_400.0
"""One that lasts longer tells of a machine that was off, or of a host that is gone, more than of the line."""
_SEEN_S: Final = 24 * 3600.0
"""So much work without an outage stands beside what was seen: one in the first minutes says little of days."""
_MOST: Final = 0.5
"""More tells of something else than a line."""


class Outages:
    """Learned from tries that gave nothing. Pure: the clock is passed in, in monotonic seconds.

    An outage begins with the first such try and ends with the next answer, be that in a later run. Where that run
    ends as the one before it, with files that nobody gives, the time between the two was none: a host is gone.
    """

    def __init__(self) -> None:
        self._stood_s = self._between_s = 0.0
        """Of outages that are over: of this run's own, and of that which began in the last one."""
        self._is_between = False
        self._stood_before_s = self._worked_before_s = self._worked_s = 0.0
        self._since: float | None = None
        self._unreached = self._most = 0
        self._fetched = 0

    def know(self, *, stood_s: float, worked_s: float) -> None:
        """Take in for how long earlier runs have met outages, and for how long they have worked."""
        self._stood_before_s, self._worked_before_s = stood_s, worked_s

    def go_on(self, *, now: float, stands_s: float) -> None:
        """Say that the last run ended in an outage which by now has lasted for *stands_s* seconds."""
        self._since, self._most, self._is_between = now - max(stands_s, 0.0), _FEWEST, True

    def look(self, *, now: float, fetched: int, worked_s: float, unreached: int) -> None:
        """Take in how things stand.

        Args:
            now: Monotonic seconds.
            fetched: Bytes that have come so far.
            worked_s: Seconds of work so far, outages aside.
            unreached: Of how many different files nobody gave anything since the last answer.
        """
        came, self._fetched, self._worked_s = fetched - self._fetched, fetched, worked_s
        before, self._unreached = self._unreached, unreached
        if came > 0 or unreached < before:
            self.end(now=now)
        elif unreached:
            self._since = now if self._since is None else self._since
            self._most = max(self._most, unreached)

    def end(self, *, now: float) -> None:
        """Say that somebody has answered."""
        lasted_s = self._lasted_s(now)
        if lasted_s is not None and lasted_s >= _LEAST_S:
            counted_s = min(lasted_s, _LONGEST_S)
            if self._is_between:
                self._between_s = counted_s
            else:
                self._stood_s += counted_s
        self._since, self._most, self._is_between = None, 0, False

    def stands_s(self, *, now: float) -> float | None:
        """Return for how long the outage under way has lasted; None where this run has met none that is."""
        return self._lasted_s(now) if self._unreached else None

    @property
    def stood_s(self) -> float:
        """Seconds of the outages that are over."""
        is_host = bool(self._unreached) and self._most >= _FEWEST
        return self._stood_s if is_host else self._stood_s + self._between_s

    def _lasted_s(self, now: float) -> float | None:
        return None if self._since is None or self._most < _FEWEST else now - self._since

    @property
    def share(self) -> float:
        """The share of time that outages have taken so far, and may be expected to take."""
        stood_s = self._stood_before_s + self.stood_s
        return min(stood_s / (stood_s + self._worked_before_s + self._worked_s + _SEEN_S), _MOST)
