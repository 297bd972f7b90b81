"""What is far off, in groups: nothing is lost in them, and what is alike is together."""

from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.groups import Group, Groups, Nearest

_VIDEOS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**11)), max_size=60).map(sorted)
"""By when to begin and bytes, in order."""


def _grouped(videos: list[tuple[int, int]], *, together: int) -> list[Group]:
    groups = Groups(20 * together)
    for start_by, size in videos:
        groups.take(start_by=start_by, size=size)
    return groups.all()


@given(_VIDEOS, st.integers(1, 20))
def test_every_video_is_in_one_group_and_no_byte_gets_lost(videos: list[tuple[int, int]], together: int) -> None:
    """But for less than a byte of each, where a mean is not whole."""
    groups = _grouped(videos, together=together)
    sizes = sum(size for _, size in videos)

    assert len(videos) == sum(one.many for one in groups)
    assert sizes - len(videos) <= sum(one.size * one.many for one in groups) <= sizes


@given(_VIDEOS)
def test_each_for_itself_they_are_what_they_were(videos: list[tuple[int, int]]) -> None:
    assert [Group(start_by, size, 1) for start_by, size in videos] == _grouped(videos, together=1)


def test_what_is_alike_is_together_and_what_follows_later_or_is_larger_is_not() -> None:
    videos = [(10, 1000), (12, 1010), (13, 9000), (14, 1020), (90, 1000)]

    assert [Group(12, 1010, 3), Group(13, 9000, 1), Group(90, 1000, 1)] == _grouped(videos, together=4)


def test_the_first_are_looked_at_one_by_one_and_the_first_that_were_postponed() -> None:
    """Were these counted among the others, a plan would soon look at nothing but what it has left out."""
    nearest = Nearest(2)
    postponed = [True, True, True, False, False, True, False]

    assert [True, True, False, True, True, False, False] == [nearest.takes(is_postponed=one) for one in postponed]
