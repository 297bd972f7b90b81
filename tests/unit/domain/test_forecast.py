"""Which links can still be fetched before they die: as many as any order could save."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.domain.forecast import Line, Transfer, can_all_start, forecast, risk_by_time

NOW = 1_700_000_000_000
LINE = Line(bytes_per_s=100.0, jobs=1)


def _transfer(number: int, *, due_s: float | None, seconds: float, window_s: float | None = None) -> Transfer:
    return Transfer(
        video_id=number,
        deadline=None if due_s is None else NOW + round(due_s * 1000),
        remaining=round(seconds * LINE.bytes_per_s),
        window_ends_at=None if window_s is None else NOW + round(window_s * 1000),
    )


def _saved(order: Sequence[Transfer]) -> int:
    """Return how many start in time, one after the other; one that would be late takes none of the line."""
    at_s, saved = 0.0, 0
    for one in order:
        assert one.start_by is not None
        if at_s * 1000 <= one.start_by - NOW and one.start_by > NOW:
            at_s += one.remaining / LINE.bytes_per_s
            saved += 1
    return saved


@given(st.lists(st.tuples(st.integers(-2, 30), st.integers(0, 12)), max_size=6))
@settings(deadline=None)
def test_no_order_saves_more_over_one_connection(drawn: list[tuple[int, int]]) -> None:
    transfers = [_transfer(number, due_s=due, seconds=took) for number, (due, took) in enumerate(drawn)]

    found = forecast(transfers, LINE, now=NOW)

    best = max((_saved(order) for order in itertools.permutations(transfers)), default=0)
    assert best == found.planned == len(transfers) - len(found.at_risk)


def _starts_s(order: Sequence[Transfer], line: Line) -> list[float]:
    """Return when each would start on the places of a line that all of them share alike."""
    free_s = [0.0] * line.jobs
    starts = []
    for one in order:
        place = min(range(line.jobs), key=free_s.__getitem__)
        starts.append(free_s[place])
        free_s[place] += one.remaining / line.bytes_per_s * line.jobs
    return starts


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 9)), min_size=30, max_size=60),
    st.integers(2, 8),
)
@settings(deadline=None)
def test_what_is_planned_on_several_places_starts_in_time_or_nearly(
    drawn: list[tuple[int, int]], jobs: int
) -> None:
    """A file more or less in each place is what the estimate may be off by."""
    line = Line(bytes_per_s=LINE.bytes_per_s, jobs=jobs)
    transfers = [_transfer(number, due_s=due, seconds=took) for number, (due, took) in enumerate(drawn)]
    found = forecast(transfers, line, now=NOW)

    planned = sorted(
        (one for one in transfers if one.video_id not in set(found.at_risk)), key=lambda one: one.start_by or 0
    )
    late_s = [
        start - ((one.start_by or 0) - NOW) / 1000
        for start, one in zip(_starts_s(planned, line), planned, strict=True)
    ]
    assert max(late_s, default=0) <= 9 * jobs


def test_where_all_can_be_started_in_time_none_is_at_risk() -> None:
    transfers = [_transfer(number, due_s=10 * number + 1, seconds=10) for number in range(50)]

    found = forecast(transfers, LINE, now=NOW)

    assert ((), 50, NOW + 500_000) == (found.at_risk, found.planned, found.ends_at)


def test_the_longest_goes_so_that_many_short_ones_are_saved() -> None:
    transfers = [
        _transfer(1, due_s=5, seconds=100),
        *(_transfer(number, due_s=20, seconds=1) for number in range(2, 12)),
    ]

    assert (1,) == forecast(transfers, LINE, now=NOW).at_risk


def test_one_that_dies_first_and_takes_long_waits_for_one_that_is_short() -> None:
    """Its own time counts: what has to start by then may end long after."""
    transfers = [_transfer(1, due_s=10, seconds=100), _transfer(2, due_s=11, seconds=1)]

    assert () == forecast(transfers, LINE, now=NOW).at_risk


def test_a_dead_link_is_at_risk_and_holds_up_nobody() -> None:
    transfers = [_transfer(1, due_s=-1, seconds=1000), _transfer(2, due_s=1, seconds=1)]

    found = forecast(transfers, LINE, now=NOW)

    assert ((1,), 1) == (found.at_risk, found.planned)


def test_a_link_that_does_not_tell_is_taken_first_and_never_called_at_risk() -> None:
    transfers = [_transfer(1, due_s=None, seconds=100), _transfer(2, due_s=50, seconds=1)]

    assert (2,) == forecast(transfers, LINE, now=NOW).at_risk


def test_the_thaw_window_counts_where_it_closes_before_the_link_dies() -> None:
    transfers = [
        _transfer(1, due_s=100, seconds=50),
        _transfer(2, due_s=200, seconds=60, window_s=40),
        _transfer(3, due_s=None, seconds=1, window_s=-5),
    ]

    assert (3,) == forecast(transfers, LINE, now=NOW).at_risk
    assert (3, 2) == forecast([*transfers, _transfer(4, due_s=None, seconds=41)], LINE, now=NOW).at_risk


def test_what_is_under_way_goes_before() -> None:
    waiting = [_transfer(1, due_s=10, seconds=1)]

    assert (1,) == forecast(waiting, Line(bytes_per_s=100.0, jobs=1, busy_bytes=1_001), now=NOW).at_risk
    assert () == forecast(waiting, Line(bytes_per_s=100.0, jobs=1, busy_bytes=1_000), now=NOW).at_risk


def test_a_file_costs_more_than_its_bytes() -> None:
    small = [_transfer(number, due_s=9.5, seconds=0) for number in range(20)]

    assert 10 == len(forecast(small, Line(bytes_per_s=100.0, jobs=1, overhead_s=1.0), now=NOW).at_risk)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(0, 12)), min_size=1, max_size=8))
def test_where_a_glance_says_that_all_can_start_the_plan_says_so_too(drawn: list[tuple[int, int]]) -> None:
    transfers = [_transfer(number, due_s=due, seconds=took) for number, (due, took) in enumerate(drawn)]
    soonest = min(one.start_by or NOW for one in transfers)
    total = sum(one.remaining for one in transfers)

    if can_all_start(total, len(transfers), LINE, soonest=soonest, now=NOW):
        assert () == forecast(transfers, LINE, now=NOW).at_risk


@pytest.mark.parametrize(("left_s", "expected"), [(601, False), (600, True), (-5, True)])
def test_a_link_that_the_next_run_may_miss_is_at_risk_by_the_clock_alone(left_s: int, *, expected: bool) -> None:
    assert expected == risk_by_time(NOW + left_s * 1000, now=NOW)
    assert not risk_by_time(None, now=NOW)
