"""A line that is slower in the evenings and stands at times, reckoned with as if it went on as it does just now."""

from collections.abc import Sequence
from typing import Final

import pytest

from fetcher.domain.groups import Group
from fetcher.domain.line import Line
from fetcher.domain.planning import Plan, Transfer, lost_of, make_plan

_HOUR: Final = 3_600_000
_NOON: Final = (480_000 + 12) * _HOUR
_ALL_DAY: Final[dict[str, Sequence[float]]] = {
    "half": (500.0,) * 24,
    "twice": (2000.0,) * 24,
    "evenings": (*(1000.0,) * 18, *(500.0,) * 5, 1000.0),
}


def _line(hours: Sequence[float] = (), *, stands: float = 0.0) -> Line:
    return Line(bytes_per_s=1000.0, places=1, hours=hours, stands=stands)


def _reckoned(line: Line, moment: float, *, now: int = _NOON) -> float:
    reckoning = line.reckoning(now=now)
    return moment if reckoning is None else reckoning(moment)


@pytest.mark.parametrize(
    ("hours", "ahead", "expected"),
    [
        pytest.param((), 30, 30, id="nobody knows"),
        pytest.param(_ALL_DAY["half"], -2, -2, id="past"),
        pytest.param(_ALL_DAY["half"], 1, 1, id="an hour is as it is now"),
        pytest.param(_ALL_DAY["half"], 11, 6, id="slower later"),
        pytest.param(_ALL_DAY["twice"], 11, 21, id="faster later"),
        pytest.param((1005.0,) * 24, 11, 11, id="as good as it is now"),
        pytest.param((200.0,) * 24, 11, 11, id="another line than it was, a slow one"),
        pytest.param((5000.0,) * 24, 11, 11, id="another line than it was, a quick one"),
        pytest.param(_ALL_DAY["evenings"], 6, 6, id="before the evening"),
        pytest.param(_ALL_DAY["evenings"], 8, 7, id="within it"),
        pytest.param(_ALL_DAY["evenings"], 11.5, 9, id="as it ends"),
        pytest.param(_ALL_DAY["evenings"], 24 + 8, 24 - 2.5 + 7, id="within that of tomorrow"),
        pytest.param(_ALL_DAY["evenings"], 24 * 6, 24 * 6 - 15, id="after six"),
    ],
)
def test_a_moment_is_reckoned_by_what_the_line_will_have_carried(
    hours: Sequence[float], ahead: float, expected: float
) -> None:
    assert pytest.approx(expected * _HOUR) == _reckoned(_line(hours), _NOON + ahead * _HOUR) - _NOON


@pytest.mark.parametrize("minutes", [0, 1, 29, 59])
def test_hours_are_those_of_the_clock_at_whatever_minute_one_asks(minutes: int) -> None:
    now = _NOON + minutes * 60_000
    ahead = 24 * _HOUR

    assert pytest.approx(ahead - 2.5 * _HOUR) == _reckoned(_line(_ALL_DAY["evenings"]), now + ahead, now=now) - now


@pytest.mark.parametrize("hours", [(), _ALL_DAY["half"], _ALL_DAY["evenings"]], ids=["now", "half", "evenings"])
@pytest.mark.parametrize("ahead", [-1, 0.5, 1, 7.5, 50])
def test_time_in_which_a_line_stands_is_spread_over_all_that_is_to_come(
    hours: Sequence[float], ahead: float
) -> None:
    moment = _NOON + ahead * _HOUR
    steady, disturbed = (_reckoned(_line(hours, stands=stands), moment) - _NOON for stands in (0.0, 0.25))

    assert pytest.approx(steady * (0.75 if ahead > 0 else 1)) == disturbed


def _files(count: int = 10) -> list[Transfer]:
    """Return files of an hour each, each of which has to be begun an hour after the one before."""
    return [Transfer(number, _NOON + number * _HOUR, 1000 * 3600) for number in range(count)]


def _plan(line: Line) -> Plan:
    return make_plan(_files(), line, now=_NOON)


def test_what_a_line_carries_as_it_is_now_but_not_through_a_day_is_named() -> None:
    """At half the rate after the first hour, nine hours bring five."""
    assert (0, 4) == (len(_plan(_line()).lost), len(_plan(_line(_ALL_DAY["half"])).lost))


def test_a_quick_day_saves_what_a_slow_hour_would_lose() -> None:
    late = Transfer(1, _NOON + 4 * _HOUR, 1)
    first = Transfer(0, _NOON, 1000 * 3600 * 6)

    lost = [list(make_plan([first, late], _line(hours), now=_NOON).lost) for hours in ((), _ALL_DAY["twice"])]

    assert [[1], []] == lost


def test_what_outages_may_take_is_named_and_the_order_is_that_of_a_line_without() -> None:
    """Four hours of which a quarter is lost carry three files; which of them begin first does not change."""
    small = Transfer(20, _NOON + 4 * _HOUR, 10)
    files = [*_files(4), small]
    steady, disturbed = (make_plan(files, _line(stands=stands), now=_NOON) for stands in (0.0, 0.25))

    assert ([], 1) == (list(steady.lost), len(disturbed.lost))
    assert steady.ranks == disturbed.ranks
    assert list(disturbed.lost) == list(lost_of(files, _line(stands=0.25), now=_NOON))


def test_what_is_far_is_counted_with_what_outages_may_take() -> None:
    """Five hours carry six of twelve, the last of which begins as they end."""
    far = [Group(_NOON + 10 * _HOUR, 1000 * 3600, 12)]

    plans = [make_plan([], _line(stands=stands), now=_NOON, far=far) for stands in (0.0, 0.5)]

    assert [0, 6] == [plan.lost_of_far for plan in plans]
