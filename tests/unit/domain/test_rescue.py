"""Which links get a place of their own."""

import pytest

from fetcher.domain.rescue import places_wanted

_NOW = 1_750_000_000_000
_S = 1000


def _wanted(deadlines_s: list[float | None], ends_s: list[float | None]) -> int:
    """Ask in seconds from now."""

    def at(seconds: float | None) -> int | None:
        return None if seconds is None else _NOW + round(seconds * _S)

    return places_wanted([at(one) for one in deadlines_s], [at(one) for one in ends_s], now=_NOW)


@pytest.mark.parametrize(
    ("deadlines_s", "ends_s", "expected"),
    [
        ([], [], 0),
        ([20], [10, 40], 0),
        ([20], [30, 40], 1),
        ([20, 25], [10, 40], 1),
        ([20, 25], [10, 12], 0),
        ([20, 25], [90, 95], 2),
        ([20], [None, None], 0),
        ([3], [None, None], 1),
        ([20], [19], 1),
        ([300], [900], 0),
        ([-5], [900], 0),
        ([None, 20], [10, 30], 1),
    ],
)
def test_who_would_die_before_a_place_is_free_gets_one(
    deadlines_s: list[float | None], ends_s: list[float | None], expected: int
) -> None:
    assert expected == _wanted(deadlines_s, ends_s)


def test_who_is_rescued_takes_no_place_from_those_behind() -> None:
    """The first would die; the second has time until the only place is free."""
    assert 1 == _wanted([5, 58], [30])
