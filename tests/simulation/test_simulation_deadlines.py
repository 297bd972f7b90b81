"""Libraries on virtual time that the line can carry, and others that it cannot: what is saved of what could be."""

from dataclasses import replace

import pytest

from benchmarks.deadlines.bound import most_saved
from benchmarks.deadlines.library import library_of
from benchmarks.deadlines.planned import Planned
from benchmarks.deadlines.play import OURS, Played, line_of, play
from benchmarks.deadlines.run import Run
from benchmarks.deadlines.scenarios import SMALL


@pytest.fixture(scope="module")
def played() -> list[Played]:
    """Return all small scenarios, played through."""
    return [play(one) for one in SMALL]


def test_what_some_order_saves_whole_is_saved_whole(played: list[Played]) -> None:
    whole = [one for one in played if max(one.saved.values()) == one.scenario.videos]

    assert len(whole) >= 2
    assert all(one.saved[OURS] == one.scenario.videos for one in whole)


def test_where_not_all_can_be_saved_as_many_are_as_almost_any_order_could(played: list[Played]) -> None:
    """0.98 of a bound that no order exceeds, whatever it knows."""
    crowded = [one for one in played if one.most < one.scenario.videos]

    assert len(crowded) >= 4
    assert {} == {one.scenario.name: (one.saved, one.most) for one in crowded if one.saved[OURS] < 0.98 * one.most}


def test_no_other_order_saves_more(played: list[Played]) -> None:
    assert all(one.saved[OURS] == max(one.saved.values()) for one in played)


def test_what_dies_is_named_at_half_time(played: list[Played]) -> None:
    """At least 0.9 of it, and at most 0.1 of what is named is saved after all."""
    forecasts = [one.forecast for one in played]
    named, died = sum(one.named for one in forecasts), sum(one.died for one in forecasts)
    hits = sum(one.hits for one in forecasts)

    assert hits >= 0.9 * died > 0
    assert named - hits <= 0.1 * named


def test_with_ten_times_as_many_as_a_plan_looks_at_one_by_one_no_more_are_lost() -> None:
    """All of them are ready at once and live a day, of which the line needs nearly two."""
    scenario = replace(SMALL[0], name="at once", videos=3000, megabit_per_s=50, lifetime_s=86_400, thaw_s=600)
    scenario = replace(scenario, plan_every_s=900)
    library = library_of(scenario)
    line = line_of(scenario, library)
    most = most_saved(library, is_signed_anew=False, line=line, places=scenario.jobs)
    run = Run(scenario, library, line)
    saved = len(run.play(Planned(scenario, library, run, plan_every_s=900, most_near=300)).saved)

    assert most < 0.9 * scenario.videos
    assert saved >= 0.98 * most


def test_of_days_with_evenings_and_outages_most_that_dies_is_named_at_half_time() -> None:
    """Four libraries of which the line carries two thirds; an outage has been, and a longer one comes.

    Without a thought of outages 0.76 of it is named.
    """
    days = replace(
        SMALL[0],
        name="days",
        megabit_per_s=3,
        lifetime_s=7200,
        window_days=5,
        is_signed_anew=True,
        thaw_s=5 * 86_400,
        outages=((0.1, 0.15), (0.55, 0.62)),
        has_busy_evenings=True,
        plan_every_s=3600,
    )
    played = [play(replace(days, seed=seed), with_others=False) for seed in range(4)]
    forecasts = [one.forecast for one in played]
    named, died = sum(one.named for one in forecasts), sum(one.died for one in forecasts)
    hits = sum(one.hits for one in forecasts)

    assert hits >= 0.84 * died > 0
    assert hits >= 0.87 * named
    assert {} == {one.scenario.seed: one.saved for one in played if one.saved[OURS] < 0.98 * one.most}
