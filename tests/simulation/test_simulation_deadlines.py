"""Libraries on virtual time that the line can carry, and others that it cannot: what is saved of what could be."""

import pytest

from benchmarks.deadlines.play import OURS, Played, play
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
