"""How fast a line is through a whole day: what it brings at noon is not what it brings in the evening. Pure."""

from statistics import fmean
from typing import Final

_HOUR_MS: Final = 3_600_000
_HOURS: Final = 24
_FEWEST_HOURS: Final = 6
"""Fewer tell less of a day than the present moment does."""
_LEAST_S: Final = 300.0
"""Seconds of work that tell how fast an hour was."""
_HOLDS_HOURS: Final = 48
"""Of an hour in which nothing was learned that of the day before counts, and no older one."""
_OTHER: Final = 4 / 3
"""Where an hour was so many times as fast as the day before, or as slow, the line has become another one."""


class Day:
    """Learned hour by hour, each as it was the last time.

    So evenings weigh as much at whatever hour one asks, and an hour of outage counts as it was the day before. An
    hour that is unlike that of the day before tells of all others: each is taken to be as much faster, or slower.

    Time in which not all places were taken says nothing of the line.
    """

    def __init__(self) -> None:
        self._hours: dict[int, tuple[int, float]] = {}
        """By hour of the day: when that was, in hours since the epoch, and bytes a second."""
        self._hour = 0
        self._before: float | None = None
        """What the hour that is under way had the day before."""
        self._worked_s = self._fetched = 0.0
        """In the hour that is under way."""
        self._seen_s = 0.0
        self._seen = 0
        self._was_full = False

    def know(self, began_at: int, ended_at: int, bytes_per_s: float) -> None:
        """Take in what a run that ended has measured; the earlier ones first.

        Args:
            began_at: ms UTC.
            ended_at: ms UTC.
            bytes_per_s: While anything was under way.
        """
        first, last = began_at // _HOUR_MS, ended_at // _HOUR_MS
        if last - first <= 1:  # A longer one says nothing of a single hour.
            self._begin(first)
            self._hours[first % _HOURS] = first, bytes_per_s
            self._end()
        for hour in range(max(first, last - _HOURS + 1), last + 1):
            self._hours[hour % _HOURS] = hour, bytes_per_s

    def look(self, *, now: int, worked_s: float, fetched: int, is_full: bool) -> None:
        """Take in how things stand.

        Args:
            now: ms UTC.
            worked_s: Seconds of work so far, outages aside.
            fetched: Bytes that have come in them.
            is_full: Whether all places are taken and more is waiting.
        """
        took_s, self._seen_s = worked_s - self._seen_s, worked_s
        came, self._seen = fetched - self._seen, fetched
        counts, self._was_full = self._was_full and is_full, is_full
        middle = (now - round(took_s * 500)) // _HOUR_MS
        if middle != self._hour:
            self._end()
            self._begin(middle)
        if not counts:
            return
        self._worked_s += took_s
        self._fetched += came
        if self._worked_s >= _LEAST_S and self._fetched > 0:
            self._hours[middle % _HOURS] = middle, self._fetched / self._worked_s

    def _begin(self, hour: int) -> None:
        self._hour, self._worked_s, self._fetched = hour, 0.0, 0.0
        known = self._hours.get(hour % _HOURS)
        self._before = known[1] if known is not None and hour - _HOLDS_HOURS <= known[0] < hour else None

    def _end(self) -> None:
        """Learn from an hour that is over what it tells of the others."""
        if self._before is None:
            return
        changed = self._hours[self._hour % _HOURS][1] / self._before  # 1 where too little came in it to tell.
        if 1 / _OTHER < changed < _OTHER:
            return
        self._hours = {
            hour: (at, rate if at == self._hour else rate * changed) for hour, (at, rate) in self._hours.items()
        }

    def hours(self, *, now: int, limit: int | None = None) -> tuple[float, ...]:
        """Return what it brings in each hour of the day, from midnight UTC on.

        An hour of which nothing is known is taken to be as the mean of the others. Empty where too few hours of the
        last two days are known.

        Args:
            now: ms UTC.
            limit: Bytes a second that the line is held to by now, None where it is not.
        """
        this = now // _HOUR_MS
        known = {
            of_day: rate for of_day, (at, rate) in self._hours.items() if this - _HOLDS_HOURS <= at <= this + 1
        }
        if len(known) < _FEWEST_HOURS:
            return ()
        mean = fmean(known.values())
        hours = (known.get(of_day, mean) for of_day in range(_HOURS))
        return tuple(hours) if limit is None else tuple(min(rate, limit) for rate in hours)
