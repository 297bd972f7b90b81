"""A line that is slower in the evenings, reckoned with as if it went on as it does just now."""

from typing import Final

import pytest

from fetcher.domain.line import Line
from fetcher.domain.planning import Plan, Transfer, make_plan

_NOW: Final = 1_750_000_000_000
_HOUR: Final = 3_600_000


def _line(mean_per_s: float | None) -> Line:
    return Line(bytes_per_s=1000.0, places=1, mean_per_s=mean_per_s)


@pytest.mark.parametrize(
    ("mean", "hours", "expected"),
    [
        pytest.param(None, 30, 30, id="nobody knows"),
        pytest.param(500, -2, -2, id="past"),
        pytest.param(500, 1, 1, id="an hour is as it is now"),
        pytest.param(500, 11, 6, id="slower later"),
        pytest.param(2000, 11, 21, id="faster later"),
        pytest.param(1005, 11, 11, id="as good as it is now"),
        pytest.param(200, 11, 11, id="another line than it was, a slow one"),
        pytest.param(5000, 11, 11, id="another line than it was, a quick one"),
    ],
)
def test_a_moment_is_reckoned_by_what_the_line_will_have_carried(
    mean: float | None, hours: int, expected: int
) -> None:
    assert _NOW + expected * _HOUR == _line(mean).reckoning(now=_NOW)(_NOW + hours * _HOUR)


def _plan(mean: float | None) -> Plan:
    """Plan ten files of an hour each, each of which has to be begun an hour after the one before."""
    hours = [Transfer(number, _NOW + number * _HOUR, 1000 * 3600) for number in range(10)]
    return make_plan(hours, _line(mean), now=_NOW)


def test_what_a_line_carries_as_it_is_now_but_not_through_a_day_is_named() -> None:
    """At half the rate after the first hour, nine hours bring five."""
    assert (0, 4) == (len(_plan(None).lost), len(_plan(500).lost))


def test_a_quick_day_saves_what_a_slow_hour_would_lose() -> None:
    late = Transfer(1, _NOW + 4 * _HOUR, 1)
    first = Transfer(0, _NOW, 1000 * 3600 * 6)

    assert [[1], []] == [list(make_plan([first, late], _line(mean), now=_NOW).lost) for mean in (None, 2000)]
