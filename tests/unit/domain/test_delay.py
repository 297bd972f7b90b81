"""Pauses between tries."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.delay import rest_delay, retry_delay


def test_pauses_double_up_to_a_minute() -> None:
    assert [1, 2, 4, 8, 16, 32, 60, 60] == [retry_delay(n, first_s=1, jitter=0) for n in range(1, 9)]


def test_the_jitter_takes_off_up_to_a_half() -> None:
    assert 1.5 == retry_delay(2, first_s=1.5, jitter=1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, 2), (0, 2), (-5, 2), (30, 30), (3600, 3600), (315_360_000, 3600), (math.inf, 3600), (math.nan, 2)],
)
def test_what_the_origin_asks_for_is_obeyed_up_to_an_hour(asked: float | None, expected: float) -> None:
    """F52: seconds, none, absurd."""
    assert expected == retry_delay(2, first_s=1, jitter=0, asked_s=asked)


@given(st.integers(1, 10**9), st.floats(0, 600), st.floats(0, 1), st.one_of(st.none(), st.floats()))
def test_a_pause_is_a_number_between_half_the_first_and_an_hour(
    attempt: int, first_s: float, jitter: float, asked_s: float | None
) -> None:
    """F67: no negative or huge waits."""
    pause = retry_delay(attempt, first_s=first_s, jitter=jitter, asked_s=asked_s)
    assert first_s / 2 <= pause <= 3600


def test_tasks_asked_for_in_vain_are_asked_for_less_and_less_often() -> None:
    assert [60, 60, 90, 135, 200] == [rest_delay(n, first_s=60, longest_s=200) for n in range(5)]


@given(st.integers(0, 10**9), st.floats(0, 1e4), st.floats(0, 1e6))
def test_rests_stay_within_their_bounds(troubles: int, first_s: float, longest_s: float) -> None:
    assert first_s <= rest_delay(troubles, first_s=first_s, longest_s=longest_s) <= max(first_s, longest_s)
