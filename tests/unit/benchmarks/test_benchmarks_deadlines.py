"""The yardstick of the deadlines' simulation: no order goes beyond it, and it is no larger than it has to be."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.deadlines.bound import most_saved
from benchmarks.deadlines.library import Library, Scenario
from benchmarks.deadlines.line import Line
from benchmarks.deadlines.orders import Sorted
from benchmarks.deadlines.run import Run

_Video = tuple[int, int, int]
"""Bytes, second at which it is ready, seconds for which its link lives."""
_VIDEOS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10), st.integers(1, 30)), min_size=1, max_size=5)
_OUTAGES = st.sampled_from([(), ((5.0, 9.0),), ((3.0, 80.0),)])


def _library(videos: list[_Video]) -> Library:
    ready_at = [float(ready) for _, ready, _ in videos]
    return Library(
        sizes=[size for size, _, _ in videos],
        ready_at=ready_at,
        link_until=[float(ready + life) for _, ready, life in videos],
        window_ends_at=[at + 1e6 for at in ready_at],
    )


def _scenario(*, places: int) -> Scenario:
    return Scenario(
        name="few",
        videos=5,
        megabit_per_s=8e-6,
        lifetime_s=30,
        window_days=7,
        is_signed_anew=False,
        thaw_s=10,
        jobs=places,
    )


def _most(library: Library, line: Line, *, places: int, moments: int | None = None) -> int:
    return most_saved(library, is_signed_anew=False, line=line, places=places, moments=moments)


@settings(deadline=None)  # Up to 120 orders are played.
@given(_VIDEOS, st.integers(1, 3), _OUTAGES)
def test_no_order_saves_more_than_the_bound(
    videos: list[_Video], places: int, outages: tuple[tuple[float, float], ...]
) -> None:
    library, line = _library(videos), Line(1.0, outages=outages)
    most = _most(library, line, places=places)

    for order in itertools.permutations(range(len(videos))):
        played = Run(_scenario(places=places), library, line).play(Sorted(order.index, places=places))
        assert len(played.saved) <= most


@settings(deadline=None)
@given(_VIDEOS)
def test_with_one_place_and_all_ready_at_once_the_bound_is_reached(videos: list[_Video]) -> None:
    """Then it asks of each moment no more than is true: some order saves as many, or one less."""
    library, line = _library([(size, 0, life) for size, _, life in videos]), Line(1.0)
    best = max(
        len(Run(_scenario(places=1), library, line).play(Sorted(order.index, places=1)).saved)
        for order in itertools.permutations(range(len(videos)))
    )

    assert _most(library, line, places=1) - 1 <= best <= _most(library, line, places=1)


def test_what_is_ready_late_is_not_carried_before_it_is_there() -> None:
    """Three now and three much later, of which the line takes one each time: its long rest between is no use."""
    library = _library([(10, ready, 5) for ready in (0, 0, 0, 100, 100, 100)])

    assert (4, 2) == tuple(_most(library, Line(1.0), places=1, moments=moments) for moments in (1, None))


@given(_VIDEOS, st.integers(1, 3), st.integers(1, 5))
def test_the_more_finely_it_is_divided_the_less_the_bound_allows(
    videos: list[_Video], places: int, moments: int
) -> None:
    library, line = _library(videos), Line(1.0)
    whole, finest = (_most(library, line, places=places, moments=one) for one in (1, len(videos)))

    assert finest <= _most(library, line, places=places, moments=moments) <= whole


@given(st.floats(0, 200), _OUTAGES)
def test_a_line_has_carried_by_a_moment_what_it_needs_that_moment_for(
    at: float, outages: tuple[tuple[float, float], ...]
) -> None:
    line = Line(4.0, outages=outages, dips=((20.0, 30.0),))

    assert line.when(line.carried(at)) <= at + 1e-6
    assert abs(line.carried(line.when(line.carried(at))) - line.carried(at)) < 1e-6
