"""What is ready, as a plan sees it."""

from fetcher.domain.groups import Group
from fetcher.ledger.prospects import Past, Prospect
from fetcher.sync.ahead import Ahead


def _taken(*ready: Prospect, mean_size: int | None = None) -> Ahead:
    ahead = Ahead(Past(mean_size=mean_size, bytes_per_s=None), most_near=2)
    for one in ready:
        ahead.take(one)
    return ahead


def test_the_first_are_near_and_so_are_the_first_that_were_postponed() -> None:
    ready = [Prospect(number, 10 * number, 5, int(number in {3, 5, 6})) for number in range(1, 8)]
    ahead = _taken(*ready)

    assert [1, 2, 3, 5] == [one.id for one in ahead.near]
    assert [Group(40, 5, 1), Group(60, 5, 1), Group(70, 5, 1)] == ahead.far
    assert 70 == ahead.ends_at


def test_what_is_far_is_as_large_as_others_where_nobody_knows_and_nothing_where_no_other_is_known() -> None:
    """Else all of a million whose sizes nobody knows would be held one by one."""
    ready = [Prospect(number, 10 * number, None, 0) for number in range(1, 4)]

    assert ([], 2) == (_taken(*ready).far, len(_taken(*ready).near))
    assert [Group(30, 7, 1)] == _taken(*ready, mean_size=7).far
