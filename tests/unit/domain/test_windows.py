"""The rate of a line, window by window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.windows import Haul, Windows, mean, short_by

_KIB = 1 << 10
_MIB = 1 << 20
_TICK_S = 0.25


def _rates(haul_a_second: Haul, *, seconds: float, otherwise: float = 0.0) -> list[Haul]:
    """Return what windows of a second tell of a steady line.

    Args:
        haul_a_second: What it brings.
        seconds: For how long it is looked at.
        otherwise: The part of each second in which there are more or fewer transfers than are asked about.
    """
    windows, rates = Windows(), []
    for tick in range(round(seconds / _TICK_S)):
        now = tick * _TICK_S
        haul = Haul(
            fetched=haul_a_second.fetched * now, files=haul_a_second.files * now, short=haul_a_second.short * now
        )
        rate = windows.look(now=now, haul=haul, is_right=now % 1 >= otherwise, shortest_s=1.0)
        rates += [] if rate is None else [rate]
    return rates


def test_a_steady_line_has_the_same_rate_in_each_window() -> None:
    """The first second is left for connections to find their speed."""
    assert [Haul(fetched=40 * _MIB, files=10, short=0)] * 3 == _rates(
        Haul(fetched=40 * _MIB, files=10), seconds=4.25
    )


@pytest.mark.parametrize(
    ("haul_a_second", "expected"),
    [
        (Haul(fetched=2 * _MIB), 9),
        (Haul(fetched=_MIB), 4),
        (Haul(fetched=100 * _KIB), 0),
        (Haul(fetched=80 * _KIB, files=20), 9),
        (Haul(fetched=40 * _KIB, files=10), 4),
    ],
)
def test_a_window_goes_on_until_bytes_or_files_are_enough_to_tell(haul_a_second: Haul, expected: int) -> None:
    assert expected == len(_rates(haul_a_second, seconds=10.25))


def test_a_window_ends_after_a_while_however_little_came() -> None:
    assert 2 == len(_rates(Haul(fetched=100 * _KIB), seconds=21.25))


@pytest.mark.parametrize(("otherwise", "expected"), [(0.0, 3), (0.25, 0)])
def test_a_window_with_other_numbers_of_transfers_tells_nothing(otherwise: float, expected: int) -> None:
    assert expected == len(_rates(Haul(fetched=40 * _MIB), seconds=4.5, otherwise=otherwise))


@given(st.lists(st.integers(1, _MIB), min_size=1), st.lists(st.integers(_MIB, 1 << 40)))
def test_small_files_are_worth_their_number_and_large_ones_their_bytes(small: list[int], large: list[int]) -> None:
    sizes = small + large
    haul = Haul(fetched=sum(sizes), files=len(sizes), short=sum(short_by(size) for size in sizes))

    assert len(small) * _MIB + sum(large) == haul.worth


def test_a_mean_is_one_of_each() -> None:
    rates = [Haul(fetched=1, files=2, short=3), Haul(fetched=3, files=4, short=9)]
    assert Haul(fetched=2, files=3, short=6) == mean(rates)
