"""How often a line stands, learned from tries at which nobody could be reached."""

from typing import Final

import pytest

from fetcher.domain.outages import Outages

_HOUR: Final = 3600.0


class _Watch:
    """Looks every ten seconds."""

    def __init__(self) -> None:
        self.outages = Outages()
        self.now = 1000.0
        self._worked_s, self._fetched = 0.0, 0

    def works(self, hours: float) -> None:
        for _ in range(round(hours * 360)):
            self.now += 10
            self._worked_s += 10
            self._fetched += 1
            self.look()

    def stands(self, hours: float, *, unreached: int = 8) -> None:
        """Begin with the first try that finds nobody; the looks come seldom."""
        self.look(unreached)
        self.now += hours * _HOUR
        self.look(unreached)

    def look(self, unreached: int = 0) -> None:
        self.outages.look(now=self.now, fetched=self._fetched, worked_s=self._worked_s, unreached=unreached)


@pytest.fixture(name="watch")
def _watch() -> _Watch:
    watch = _Watch()
    watch.works(1)
    return watch


def test_outages_are_expected_to_take_what_they_have_taken(watch: _Watch) -> None:
    watch.works(17)
    watch.stands(2)
    watch.works(24)

    assert 2 * _HOUR + 10 == watch.outages.stood_s
    assert pytest.approx(2 / (2 + 42 + 24), rel=0.01) == watch.outages.share


def test_one_in_the_first_minutes_says_little_of_days(watch: _Watch) -> None:
    watch.stands(0.25)
    watch.works(0.01)

    assert pytest.approx(0.25 / (0.25 + 1 + 24), rel=0.02) == watch.outages.share


def test_one_that_is_not_over_is_not_counted_yet(watch: _Watch) -> None:
    watch.stands(2)

    assert 0.0 == watch.outages.share
    assert 2 * _HOUR == watch.outages.stands_s(now=watch.now)


@pytest.mark.parametrize("unreached", [0, 1, 2])
def test_where_few_files_fail_it_is_no_matter_of_the_line(watch: _Watch, unreached: int) -> None:
    watch.stands(2, unreached=unreached)
    assert watch.outages.stands_s(now=watch.now) is None
    watch.works(1)

    assert 0.0 == watch.outages.share


def test_what_lasts_for_less_than_a_minute_is_none(watch: _Watch) -> None:
    watch.stands(45 / 3600)
    watch.works(1)

    assert 0.0 == watch.outages.share


@pytest.mark.parametrize("who", ["Polyv", "an origin, without a byte of a file"])
def test_any_answer_ends_it(watch: _Watch, who: str) -> None:
    watch.stands(1)
    if who == "Polyv":
        watch.outages.end(now=watch.now)
    else:
        watch.look()
    watch.now += 5 * _HOUR
    watch.works(1)

    assert _HOUR == watch.outages.stood_s


def test_a_run_goes_on_with_the_outage_in_which_the_last_one_ended() -> None:
    watch = _Watch()
    watch.outages.go_on(now=watch.now, stands_s=3 * _HOUR)
    assert watch.outages.stands_s(now=watch.now) is None, "nothing was tried in this one"
    watch.look()
    watch.stands(1, unreached=1)
    assert 4 * _HOUR == watch.outages.stands_s(now=watch.now)
    watch.works(1)

    assert 4 * _HOUR + 10 == watch.outages.stood_s


def test_the_time_between_two_runs_that_both_end_with_files_that_nobody_gives_is_none() -> None:
    """A host is gone: between the two nobody tried, and in each of them others have answered."""
    watch = _Watch()
    watch.outages.go_on(now=watch.now, stands_s=3 * _HOUR)
    watch.works(0.1)
    watch.stands(0.1)
    assert 0.0 == watch.outages.stood_s

    watch.works(0.1)

    assert pytest.approx(3.1 * _HOUR, abs=20) == watch.outages.stood_s


@pytest.mark.parametrize(("stands_s", "expected"), [(-5 * _HOUR, 0.0), (1e9, 24 * _HOUR)])
def test_a_clock_that_was_wrong_makes_no_outage_of_years(watch: _Watch, stands_s: float, expected: float) -> None:
    watch.outages = Outages()
    watch.outages.go_on(now=watch.now, stands_s=stands_s)
    watch.works(1)

    assert expected == watch.outages.stood_s


def test_more_than_half_of_the_time_is_never_expected(watch: _Watch) -> None:
    watch.outages.know(stood_s=1000 * _HOUR, worked_s=_HOUR)

    assert 0.5 == watch.outages.share


def test_what_earlier_runs_have_met_counts(watch: _Watch) -> None:
    watch.outages.know(stood_s=3 * _HOUR, worked_s=20 * _HOUR)

    assert pytest.approx(3 / (3 + 20 + 1 + 24), rel=0.01) == watch.outages.share
