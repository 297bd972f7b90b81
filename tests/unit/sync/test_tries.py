"""How often a file is tried in one run, and when."""

from fetcher.sync.tries import Patience, Tries

_PATIENCE = Patience(first_s=1, tries=2, asked_again_s=60, longest_s=30, rest_s=600)
_START_BY = 1_700_000_000_000


def _failed(tries: Tries, *, delay_s: float = 5, now: float = 0) -> None:
    tries.count(1)
    tries.pause(1, start_by=_START_BY, delay_s=delay_s, now=now)


def test_a_file_that_failed_is_due_when_its_pause_is_over_and_once() -> None:
    tries = Tries(_PATIENCE)
    _failed(tries)

    assert 3 == tries.next_in_s(now=2)
    assert {} == tries.take_due(now=4.9)
    assert {1: _START_BY} == tries.take_due(now=5)
    assert (None, {}) == (tries.next_in_s(now=5), tries.take_due(now=99))


def test_a_file_whose_tries_are_used_up_has_no_pause() -> None:
    tries = Tries(_PATIENCE)
    left = [tries.are_left(1)]
    for _ in range(2):
        _failed(tries)
        left.append(tries.are_left(1))
        tries.begin(1)

    assert [True, True, False] == left
    assert None is tries.next_in_s(now=0)


def test_a_pause_that_is_longer_than_a_run_waits_is_left_to_a_later_one() -> None:
    tries = Tries(_PATIENCE)
    _failed(tries, delay_s=31)

    assert None is tries.next_in_s(now=0)
    assert tries.are_left(1)


def test_a_file_that_is_tried_has_no_pause_any_more() -> None:
    tries = Tries(_PATIENCE)
    _failed(tries)
    tries.begin(1)

    assert None is tries.next_in_s(now=0)


def test_what_would_end_the_same_way_again_is_tried_once() -> None:
    tries = Tries(_PATIENCE)
    tries.use_up(1)

    assert not tries.are_left(1)


def test_after_a_rest_a_file_has_its_tries_again_and_a_rest_keeps_no_run_alive() -> None:
    tries = Tries(_PATIENCE)
    tries.use_up(1)
    tries.rest(1, start_by=None, now=100)

    assert None is tries.next_in_s(now=100)
    assert {} == tries.take_rested(now=699)
    assert not tries.are_left(1)
    assert {1: None} == tries.take_rested(now=700)
    assert tries.are_left(1)
