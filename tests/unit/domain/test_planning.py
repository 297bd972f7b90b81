"""The order in which the fewest links die, against all orders there are."""

import itertools
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.groups import Group
from fetcher.domain.line import Line
from fetcher.domain.planning import Plan, Transfer, make_plan

_NOW = 1_750_000_000_000
_Job = tuple[int, int]
"""Deadline and duration, in seconds."""


def _transfers(jobs: list[_Job]) -> list[Transfer]:
    """Make links of jobs: a byte takes a second."""
    return [
        Transfer(video_id=number, deadline=_NOW + deadline * 1000, size=took)
        for number, (deadline, took) in enumerate(jobs)
    ]


def _plan(jobs: list[_Job], *, places: int = 1) -> Plan:
    return make_plan(_transfers(jobs), Line(bytes_per_s=1.0, places=places), now=_NOW)


def _late(order: list[_Job]) -> int:
    """Count what starts too late, one after the other."""
    at, late = 0, 0
    for deadline, took in order:
        late += at > deadline
        at += took
    return late


def _claimed(jobs: list[_Job], plan: Plan) -> list[_Job]:
    """Return the jobs in the order in which the ledger gives them out."""
    numbers = sorted(range(len(jobs)), key=lambda one: (plan.ranks.get(one, 0), jobs[one][0], one))
    return [jobs[number] for number in numbers]


_JOBS = st.lists(st.tuples(st.integers(0, 25), st.integers(1, 9)), max_size=6)


@given(_JOBS)
def test_no_order_saves_more_links_than_the_plan(jobs: list[_Job]) -> None:
    plan = _plan(jobs)
    assert min(_late(list(order)) for order in itertools.permutations(jobs)) == len(plan.lost)


@given(_JOBS)
def test_what_the_plan_says_is_lost_is_what_its_order_loses(jobs: list[_Job]) -> None:
    plan = _plan(jobs)
    assert _late(_claimed(jobs, plan)) == len(plan.lost)


@given(_JOBS, st.integers(2, 4))
def test_more_places_lose_no_more_links(jobs: list[_Job], places: int) -> None:
    """Begun is saved, however slowly it goes on."""
    plain = sorted(jobs)
    assert len(_plan(jobs, places=places).lost) <= max(_late(plain), 0)


def test_where_all_can_be_begun_in_time_nothing_is_ranked() -> None:
    assert Plan() == _plan([(10, 5), (3, 2), (100, 50)])


def test_a_large_one_that_may_end_late_lets_a_small_one_go_first() -> None:
    """By deadline alone the second would die while the first takes the line."""
    plan = _plan([(10, 100), (11, 1)])

    assert ({0: 1}, []) == (plan.ranks, list(plan.lost))


def test_the_longest_is_left_out_where_not_all_can_be_saved() -> None:
    plan = _plan([(0, 5), (6, 20), (7, 2), (8, 2), (9, 2)])

    assert [1] == list(plan.lost)
    assert {1: 1} == plan.ranks


def test_what_is_dead_by_now_waits_behind_what_can_be_saved() -> None:
    """It needs a fresh link anyway."""
    plan = _plan([(-5, 30), (4, 2), (5, 2)])

    assert ([0], {0: 1}) == (list(plan.lost), plan.ranks)


def test_a_link_that_does_not_tell_comes_first_and_is_never_said_to_die() -> None:
    untold = Transfer(video_id=7, deadline=None, size=50)
    line = Line(bytes_per_s=1.0, places=1)

    assert [0, 1] == list(make_plan([*_transfers([(10, 5), (11, 5)]), untold], line, now=_NOW).lost)


def test_what_is_under_way_is_waited_for() -> None:
    """Two transfers share the line: the first place is free when both halves of the shorter one have come."""
    line = Line(bytes_per_s=1.0, places=2, under_way=[10, 30])

    plans = [make_plan(_transfers([(deadline, 5)]), line, now=_NOW) for deadline in (19, 20)]

    assert [[0], []] == [list(plan.lost) for plan in plans]


@pytest.mark.parametrize("count", [1, 5])
def test_a_free_place_saves_at_once(count: int) -> None:
    assert [] == list(_plan([(0, 1000)] * count, places=count).lost)


def _plan_with(jobs: list[_Job], coming: list[_Job], *, spare: int = 0) -> Plan:
    line = Line(bytes_per_s=1.0, places=1, spare=spare)
    expected = [Group(_NOW + deadline * 1000, took, 1) for deadline, took in coming]
    return make_plan(_transfers(jobs), line, now=_NOW, coming=expected)


def test_a_large_one_of_today_gives_way_to_several_that_are_to_come() -> None:
    """By itself it could be begun; then none of five small ones of tomorrow could."""
    plan = _plan_with([(10, 100), (10, 1)], [(60 + number, 10) for number in range(5)])

    assert {0: 1} == plan.ranks


def test_a_few_that_may_come_too_late_cost_nothing_of_today() -> None:
    """When they come is a guess: two of twelve are not enough to leave something out for, two of three are."""
    large, soon, later = (10, 100), [(12, 10), (13, 10)], [(200 + number, 1) for number in range(9)]

    assert Plan() == _plan_with([large], [*soon, *later])
    assert {0: 1} == _plan_with([large], soon).ranks


def test_what_is_to_come_is_never_named_among_the_lost() -> None:
    plan = _plan_with([(10, 5)], [(11, 50)] * 20)

    assert [] == [one for one in (*plan.lost, *plan.ranks) if one < 0]


def test_as_many_as_there_are_places_to_spare_are_not_left_out() -> None:
    """One place more for each saves them: nobody is told that they will be lost."""
    jobs = [(5, 10), (5, 10), (5, 10), (5, 10)]

    assert [3, 3, 0] == [len(_plan_with(jobs, [], spare=spare).lost) for spare in (0, 1, 3)]


@given(_JOBS, _JOBS, st.integers(0, 2))
def test_whatever_is_to_come_each_of_today_has_one_place_in_the_order(
    jobs: list[_Job], coming: list[_Job], spare: int
) -> None:
    plan = _plan_with(jobs, coming, spare=spare)

    assert set(plan.ranks) <= set(range(len(jobs)))
    assert len(set(plan.lost)) == len(plan.lost)
    assert set(plan.lost) <= set(range(len(jobs)))


def _plan_far(jobs: list[_Job], far: list[Group]) -> Plan:
    moved = [one._replace(start_by=_NOW + one.start_by * 1000) for one in far]
    return make_plan(_transfers(jobs), Line(bytes_per_s=1.0, places=1), now=_NOW, far=moved)


def test_a_large_one_gives_way_to_several_that_are_far() -> None:
    """However few are late of all there are: that what is far is there is no guess."""
    plan = _plan_far([(10, 100), (10, 1)], [Group(60, 10, 5), Group(1000, 1, 100)])

    assert ({0: 1}, [0], 0) == (plan.ranks, list(plan.lost), plan.lost_of_far)


def test_of_a_group_no_more_is_left_out_than_has_to_be() -> None:
    """A byte takes a second: of fifty at ten each by the hundredth second, ten and the one that begins then."""
    plan = _plan_far([], [Group(100, 10, 50)])

    assert ({}, [], 39) == (plan.ranks, list(plan.lost), plan.lost_of_far)


def test_what_is_kept_has_no_rank_where_something_is_far() -> None:
    """That has none either, and would be begun first."""
    jobs = [(10, 100), (11, 1)]

    assert {0: 1} == _plan(jobs).ranks
    assert {} == _plan_far(jobs, [Group(1000, 1, 2)]).ranks


@given(_JOBS, _JOBS)
def test_in_groups_of_one_as_many_are_lost_as_one_by_one(near: list[_Job], later: list[_Job]) -> None:
    far = [(deadline + 25, took) for deadline, took in later]
    plan = _plan_far(near, [Group(deadline, took, 1) for deadline, took in far])
    in_turn = sorted([*near, *far], key=itemgetter(0))

    assert len(_plan([*near, *far]).lost) <= len(plan.lost) + plan.lost_of_far <= _late(in_turn)
