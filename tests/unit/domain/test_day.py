"""How fast a line is through a day, learned hour by hour."""

from collections.abc import Callable
from statistics import fmean
from typing import Final

import pytest

from fetcher.domain.day import Day

_HOUR: Final = 3_600_000
_BEGAN: Final = 480_000 * _HOUR
"""Midnight."""


class _Watch:
    """Looks at a line every ten minutes."""

    def __init__(self) -> None:
        self.day = Day()
        self.now = _BEGAN
        self._worked_s, self._fetched = 0.0, 0

    def works(self, hours: float, rate: Callable[[int], int], *, is_full: bool = True) -> None:
        """Have it work, as fast as the hour of the day has it; a rate of 0 is an outage."""
        for _ in range(round(hours * 6)):
            bytes_per_s = rate(self.now // _HOUR % 24)
            self.now += _HOUR // 6
            if bytes_per_s:
                self._worked_s += 600
                self._fetched += 600 * bytes_per_s
            self._look(is_full=is_full)

    def rests(self, hours: float) -> None:
        self._look(is_full=False)
        self.now += round(hours * _HOUR)
        self._look(is_full=False)

    def _look(self, *, is_full: bool) -> None:
        self.day.look(now=self.now, worked_s=self._worked_s, fetched=self._fetched, is_full=is_full)

    @property
    def rate(self) -> float | None:
        """The mean of all hours."""
        return _mean(self.day, now=self.now)


def _mean(day: Day, *, now: int) -> float | None:
    hours = day.hours(now=now)
    return fmean(hours) if hours else None


def _with_evenings(hour: int) -> int:
    return 500 if 18 <= hour < 23 else 1000


_MEAN: Final = (19 * 1000 + 5 * 500) / 24


def test_each_hour_is_told_as_it_was_and_an_unknown_one_as_the_mean_of_the_others() -> None:
    watch = _Watch()
    watch.works(43, _with_evenings)
    assert pytest.approx([_with_evenings(hour) for hour in range(24)]) == watch.day.hours(now=watch.now)

    young = _Watch()
    young.works(21, _with_evenings)
    hours = young.day.hours(now=young.now)
    assert pytest.approx([1000, 500]) == [hours[17], hours[20]]
    assert pytest.approx([(18 * 1000 + 3 * 500) / 21] * 3) == hours[21:]


@pytest.mark.parametrize("hours", [24, 36, 43, 47, 100])
def test_evenings_weigh_the_same_at_whatever_hour_one_asks(hours: int) -> None:
    watch = _Watch()
    watch.works(hours, _with_evenings)
    assert pytest.approx(_MEAN) == watch.rate


def test_a_few_hours_tell_nothing_of_a_day() -> None:
    watch = _Watch()
    watch.works(5, _with_evenings)
    assert watch.rate is None

    watch.works(1, _with_evenings)
    assert pytest.approx(1000) == watch.rate


def test_an_hour_of_outage_counts_as_it_was_the_day_before() -> None:
    watch = _Watch()
    watch.works(24, _with_evenings)
    watch.works(30, lambda hour: 0 if 15 <= hour < 22 else _with_evenings(hour))
    assert pytest.approx(_MEAN) == watch.rate


@pytest.mark.parametrize("hours", [1, 3, 12, 24, 40])
@pytest.mark.parametrize("change", [0.5, 3])
def test_a_line_that_has_become_another_one_is_known_for_that_within_the_hour(hours: int, change: float) -> None:
    """And its evenings are as much slower than its days as they were."""
    watch = _Watch()
    watch.works(36.5, _with_evenings)
    watch.works(hours + 0.5, lambda hour: round(change * _with_evenings(hour)))
    watch.works(1 / 6, lambda hour: round(change * _with_evenings(hour)))
    assert pytest.approx(change * _MEAN, rel=0.01) == watch.rate


def test_a_bad_evening_is_forgotten_when_it_is_over() -> None:
    watch = _Watch()
    watch.works(43, _with_evenings)
    watch.works(2, lambda _: 100)
    assert pytest.approx(_MEAN, rel=0.5) != watch.rate
    watch.works(30, _with_evenings)
    assert pytest.approx(_MEAN, rel=0.01) == watch.rate


def test_a_line_that_has_little_to_do_is_not_slow() -> None:
    watch = _Watch()
    watch.works(12, lambda _: 1000)
    watch.works(12, lambda _: 10, is_full=False)
    assert pytest.approx(1000) == watch.rate


def test_what_is_older_than_two_days_is_forgotten() -> None:
    watch = _Watch()
    watch.works(24, lambda _: 1000)
    watch.rests(60)
    assert watch.rate is None


def test_runs_of_the_last_days_tell_of_their_hours() -> None:
    """One each hour, for three quarters of it; one that lasts counts in each of its hours."""
    day, long = Day(), Day()
    for hour in range(30):
        at = _BEGAN + hour * _HOUR
        day.know(at, at + _HOUR * 3 // 4, float(_with_evenings(hour % 24)))
    long.know(_BEGAN, _BEGAN + 100 * _HOUR, 700.0)

    assert pytest.approx(_MEAN) == _mean(day, now=_BEGAN + 30 * _HOUR)
    assert pytest.approx(700) == _mean(long, now=_BEGAN + 101 * _HOUR)
    assert _mean(long, now=_BEGAN + 200 * _HOUR) is None

    at = _BEGAN + 30 * _HOUR
    day.know(at, at + _HOUR // 2, _with_evenings(6) / 2)
    assert pytest.approx(_MEAN / 2) == _mean(day, now=_BEGAN + 31 * _HOUR)


def test_a_run_of_half_a_day_tells_nothing_of_the_evening_in_which_it_began() -> None:
    day = Day()
    for hour in range(24):
        day.know(_BEGAN + hour * _HOUR, _BEGAN + hour * _HOUR + 1, float(_with_evenings(hour)))
    day.know(_BEGAN + 42 * _HOUR, _BEGAN + 54 * _HOUR - 1, (7 * 1000 + 5 * 500) / 12)

    assert pytest.approx(_MEAN) == _mean(day, now=_BEGAN + 54 * _HOUR)


@pytest.mark.parametrize("began_at", [0, _BEGAN])
def test_the_first_day_has_none_before_it(began_at: int) -> None:
    watch = _Watch()
    watch.now = began_at
    watch.works(20, _with_evenings)
    assert pytest.approx((18 * 1000 + 2 * 500) / 20) == watch.rate


def test_a_run_of_a_clock_that_was_years_ahead_tells_nothing() -> None:
    day = Day()
    day.know(_BEGAN + 9999 * _HOUR, _BEGAN + 10_030 * _HOUR, 700.0)
    assert _mean(day, now=_BEGAN) is None
