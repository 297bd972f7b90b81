"""How often a task is asked about, over its life and beside that of its links."""

import itertools
import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.lifetime import Lifetime, Lifetimes
from fetcher.domain.rhythm import made_up_for, poll_pause

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
_SPANS = st.floats(0, 1e8)


@pytest.mark.parametrize(
    ("quiet_s", "link_lives_s", "expected"),
    [
        (0, None, _MINUTE),
        (10 * _MINUTE, None, _MINUTE),
        (20 * _MINUTE, None, 2 * _MINUTE),
        (2 * _HOUR, None, 12 * _MINUTE),
        (5 * _HOUR, None, 30 * _MINUTE),
        (3 * _DAY, None, 30 * _MINUTE),
        (20 * _MINUTE, 30 * _MINUTE, 2 * _MINUTE),
        (3 * _DAY, 30 * _MINUTE, 10 * _MINUTE),
        (3 * _DAY, 6 * _HOUR, 30 * _MINUTE),
        (3 * _DAY, 90, _MINUTE),
        (-_DAY, 30 * _MINUTE, _MINUTE),
    ],
)
def test_young_tasks_are_asked_about_often_and_old_ones_rarely(
    quiet_s: float, link_lives_s: float | None, expected: float
) -> None:
    assert expected == poll_pause(quiet_s, first_s=60, longest_s=1800, link_lives_s=link_lives_s)


@given(_SPANS, st.floats(0.1, 1e4), st.floats(0, 1e6), st.none() | st.floats(1, 1e7), st.floats(0, 1))
def test_a_pause_stays_within_its_bounds(
    quiet_s: float, first_s: float, longest_s: float, link_lives_s: float | None, jitter: float
) -> None:
    """A tenth of the quiet time, what is configured, a third of a link's life; the shortest pause comes first."""
    pause = poll_pause(quiet_s, first_s=first_s, longest_s=longest_s, link_lives_s=link_lives_s, jitter=jitter)
    lives = math.inf if link_lives_s is None else link_lives_s
    assert first_s * 0.899 <= pause <= max(first_s, min(quiet_s / 10, longest_s, lives / 3))


@given(_SPANS, _SPANS)
def test_an_older_task_is_not_asked_about_sooner(one_s: float, other_s: float) -> None:
    younger, older = (poll_pause(quiet_s, first_s=60, longest_s=1800) for quiet_s in sorted((one_s, other_s)))
    assert younger <= older


@given(st.floats(0, 5 * _DAY), st.sampled_from((None, 1800.0, 7200.0)))
def test_what_is_ready_is_noticed_within_a_tenth_of_its_age_and_before_a_third_of_its_link(
    ready_s: float, lives_s: float | None
) -> None:
    noticed_s = next(asked_s for asked_s in _asked(link_lives_s=lives_s) if asked_s >= ready_s)
    late_s = noticed_s - ready_s
    assert late_s <= max(60, min(ready_s / 10, 1800, (lives_s or math.inf) / 3)) + 1e-6


@pytest.mark.parametrize(("link_lives_s", "most"), [(None, 185), (1800.0, 465)])
def test_a_task_of_three_days_costs_so_many_questions(link_lives_s: float | None, most: int) -> None:
    asked = list(itertools.takewhile(lambda asked_s: asked_s <= 3 * _DAY, _asked(link_lives_s=link_lives_s)))
    assert most - 10 <= len(asked) <= most


@pytest.mark.parametrize("every_s", [60.0, 600.0, 3600.0])
@pytest.mark.parametrize("pause_s", [600.0, 800.0, 1800.0])
def test_cron_changes_how_exact_the_rhythm_is_but_not_the_rhythm(every_s: float, pause_s: float) -> None:
    """Ten hours of passes that ask a few seconds after their start; asked at each pass where they are rarer."""
    due_s, asked = 0.0, 0
    for number in range(int(10 * _HOUR / every_s)):
        asked_s = number * every_s + 7.0
        if due_s <= number * every_s:
            asked += 1
            due_s = asked_s + made_up_for(pause_s, late_s=asked_s - due_s, first_s=60)
    assert 10 * _HOUR / max(pause_s, every_s) == pytest.approx(asked, rel=0.15)


@given(_SPANS, st.floats(-1e6, 1e8), st.floats(0.1, 1e4))
def test_lateness_takes_off_a_half_at_the_most_and_nothing_of_the_shortest_pause(
    pause_s: float, late_s: float, first_s: float
) -> None:
    assert (
        max(min(pause_s, first_s), pause_s / 2) <= made_up_for(pause_s, late_s=late_s, first_s=first_s) <= pause_s
    )


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, 1800),
        ({"a": Lifetime(refused_ms=600_000)}, 600),
        ({"a": Lifetime(refused_ms=600_000, signs_anew=True)}, None),
        ({"a": Lifetime(refused_ms=600_000, signs_anew=True), "b": Lifetime(worked_ms=7_200_000)}, 7200),
        ({"a": Lifetime(refused_ms=600_000), "b": Lifetime(worked_ms=7_200_000, signs_anew=False)}, 600),
    ],
)
def test_the_shortest_life_of_links_that_nobody_signs_anew_counts(
    known: dict[str, Lifetime], expected: int | None
) -> None:
    assert expected == Lifetimes(1800, known).shortest()


def _asked(*, link_lives_s: float | None) -> Iterator[float]:
    """Yield when a task that says nothing is asked about, in seconds since it was asked for."""
    now_s = 0.0
    while True:
        now_s += poll_pause(now_s, first_s=60, longest_s=1800, link_lives_s=link_lives_s)
        yield now_s
