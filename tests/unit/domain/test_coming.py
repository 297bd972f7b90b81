"""What is expected to come: as fast as links have come so far, and as large as what is known of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fetcher.domain.coming import coming
from fetcher.domain.groups import Group

_NOW = 1_750_000_000_000


def test_they_come_one_after_the_other_at_the_pace_so_far() -> None:
    expected = [Group(_NOW + 62_000, 5, 1), Group(_NOW + 64_000, 7, 1), Group(_NOW + 66_000, 5, 1)]

    assert expected == coming([5, 7], waiting=3, per_s=0.5, life_ms=60_000, now=_NOW)


def test_what_comes_long_after_todays_links_is_left_out_of_account() -> None:
    """Four of their lives ahead: at one in ten seconds, of a minute each, twenty-four."""
    assert 24 == len(coming([1], waiting=1000, per_s=0.1, life_ms=60_000, now=_NOW))


def test_nothing_is_expected_where_nobody_knows_how_large_it_is_or_how_fast_it_comes() -> None:
    assert [] == coming([], waiting=9, per_s=1.0, life_ms=60_000, now=_NOW)
    assert [] == coming([5], waiting=9, per_s=0.0, life_ms=60_000, now=_NOW)
    assert [] == coming([5], waiting=9, per_s=1.0, life_ms=-1, now=_NOW)


@settings(deadline=None)
@given(st.integers(0, 10**7), st.floats(0.0, 1e6), st.floats(1.0, 1e9))
def test_however_much_waits_a_plan_can_take_it_in(waiting: int, per_s: float, life_ms: float) -> None:
    """Where it is more than ten thousand several are taken together; a few at the end may be left out."""
    groups = coming([5], waiting=waiting, per_s=per_s, life_ms=life_ms, now=_NOW)
    lasting = min(waiting, int(per_s * 4 * life_ms / 1000))

    assert len(groups) <= min(waiting, 10_000)
    assert lasting - lasting / 10_000 - 1 <= sum(one.many for one in groups) <= lasting
