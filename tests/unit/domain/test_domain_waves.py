"""How much is asked for at a time, over whatever library and line."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.suspects import Suspects
from fetcher.domain.waves import DAY_S, MOST_VIDS, Means, Wanted, forecast, held_to, next_task

_GIB = 1 << 30
SIZES = st.lists(st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 10_000)), max_size=250)
MEANS = st.builds(
    Means,
    rate=st.one_of(st.none(), st.just(0.0), st.floats(1e-4, 1e3)),
    expire_days=st.integers(1, 7),
    budget=st.one_of(st.none(), st.integers(1, 20_000)),
    outstanding=st.one_of(st.just(0), st.integers(0, 20_000)),
    room=st.one_of(st.just(1 << 50), st.integers(-100, 30_000)),
)


def _wanted(sizes: Sequence[int]) -> list[Wanted]:
    return [Wanted(video_id=number, missing=size) for number, size in enumerate(sizes)]


@given(SIZES, MEANS)
def test_no_task_goes_beyond_the_budget_the_line_or_the_disk(sizes: Sequence[int], means: Means) -> None:
    """But for one video alone where nothing is outstanding: a huge one must not starve."""
    chosen = next_task(_wanted(sizes), means)
    size = sum(video.missing for video in chosen)

    assert len(chosen) <= MOST_VIDS
    assert not (chosen and means.is_used_up) or size == 0
    assert not chosen or size <= means.room
    assert means.outstanding + size <= means.capacity or not chosen or (
        means.outstanding == 0 and (len(chosen) == 1 or chosen[0].missing > means.capacity)
    )  # fmt: skip
    assert means.budget is None or means.capacity <= means.budget
    assert means.rate is None or means.capacity <= means.rate * means.expire_days * DAY_S / 2


@given(SIZES, MEANS)
def test_the_order_is_kept_and_only_what_the_disk_cannot_take_is_passed_over(
    sizes: Sequence[int], means: Means
) -> None:
    """The oldest first."""
    chosen = [video.video_id for video in next_task(_wanted(sizes), means)]

    assert chosen == sorted(chosen)
    room = means.room
    for number in range(max(chosen, default=-1) + 1):
        assert number in chosen or sizes[number] > room
        room -= sizes[number] if number in chosen else 0


@given(SIZES, MEANS)
def test_every_wanted_video_is_asked_for_once_in_the_end(sizes: Sequence[int], means: Means) -> None:
    """Where the disk has room; each wave is begun when what was outstanding has been fetched."""
    means = replace(means, room=1 << 50)
    left, asked, rounds = _wanted(sizes), list[int](), 0
    while left:
        chosen = next_task(left, means)
        rounds += 1
        assert chosen or means.outstanding
        asked += [video.video_id for video in chosen]
        left = left[len(chosen) :]
        fetched = 0 if chosen else means.outstanding
        means = replace(means, outstanding=means.outstanding + sum(one.missing for one in chosen) - fetched)
        assert rounds < 1000

    assert list(range(len(sizes))) == asked


@given(SIZES, MEANS)
def test_a_forecast_has_every_video_in_one_wave_or_left_out(sizes: Sequence[int], means: Means) -> None:
    """And no wave is larger than what may be outstanding, one of a single huge video aside."""
    found = forecast(_wanted(sizes), means)

    assert len(sizes) == sum(wave.videos for wave in found.waves) + found.left_out.videos
    assert sum(sizes) == found.bytes + found.left_out.bytes
    largest = max(sizes, default=0)
    assert [] == [wave for wave in found.waves if wave.bytes > max(means.capacity, largest)]


def test_what_the_line_fetches_in_half_a_window_may_be_outstanding() -> None:
    """Ten MiB a second for seven days, twice as long as it needs."""
    means = Means(rate=10 * 2**20, expire_days=7, budget=None, outstanding=0, room=1 << 60)

    assert 10 * 2**20 * 7 * DAY_S // 2 == means.capacity
    assert 5 * _GIB == replace(means, budget=5 * _GIB).capacity
    assert 10 * _GIB == replace(means, rate=None).capacity
    assert (None, 3.0, 2) == (held_to(None, 5), held_to(3.0, None), held_to(3.0, 2))


def test_what_goes_cold_sooner_is_asked_for_in_smaller_waves() -> None:
    """A line that fetches ten bytes a day; five of them are asked for where they are to be readable for one day."""
    means = Means(rate=10 / DAY_S, expire_days=7, budget=None, outstanding=0, room=1 << 50)
    short, usual = (
        [Wanted(video_id=number, missing=1, expire_days=days) for number in range(40)] for days in (1, None)
    )

    assert (5, 35) == (len(next_task(short, means)), len(next_task(usual, means)))
    assert [5] * 8 == [wave.videos for wave in forecast(short, means).waves]
    assert [] == next_task(short, replace(means, outstanding=5))
    assert 30 == len(next_task(usual, replace(means, outstanding=5)))


@pytest.mark.parametrize(
    ("outstanding", "sizes", "busy", "idle"),
    [
        (81, [1] * 200, 0, 19),
        (75, [1] * 200, 25, 25),
        (81, [1] * 19, 19, 19),
        (0, [1, 200], 1, 1),
        (1, [1, 99], 0, 1),
        (60, [30, 30], 1, 1),
    ],
)
def test_a_task_that_would_hold_little_waits_for_more_room_while_there_is_work(
    outstanding: int, sizes: Sequence[int], busy: int, idle: int
) -> None:
    """Below a quarter of what may be outstanding; the last of what is wanted and the first of all go at once."""
    means = Means(rate=None, expire_days=7, budget=100, outstanding=outstanding, room=1 << 50)

    assert busy == len(next_task(_wanted(sizes), means, is_busy=True))
    assert idle == len(next_task(_wanted(sizes), means))


def test_a_full_task_is_asked_for_however_small_it_is() -> None:
    means = Means(rate=None, expire_days=7, budget=10_000, outstanding=9000, room=1 << 50)

    assert MOST_VIDS == len(next_task(_wanted([1] * 2000), means, is_busy=True))


def test_a_task_has_one_number_of_days_and_passes_over_the_others() -> None:
    means = Means(rate=None, expire_days=7, budget=None, outstanding=0, room=1 << 50)
    mixed = [Wanted(video_id=number, missing=1, expire_days=number % 2 or None) for number in range(6)]

    assert [0, 2, 4] == [video.video_id for video in next_task(mixed, means)]


def _isolate(count: int, bad: set[int]) -> tuple[list[int], list[int], int]:
    """Play Polyv, which refuses a task with one of *bad*; return who was taken, who stood alone, and the calls."""
    suspects, calls = Suspects(), 0
    taken, alone = list[int](), list[int]()
    asked: Sequence[int] = range(count)
    while asked:
        calls += 1
        if not bad.intersection(asked):
            suspects.accept()
            taken += asked
        elif suspects.refuse(asked):
            alone += asked
        asked = suspects.take()
    return taken, alone, calls


@given(st.integers(1, 100), st.data())
def test_the_refused_stand_alone_and_all_others_are_asked_for_once(count: int, data: st.DataObject) -> None:
    """However many there are."""
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    taken, alone, calls = _isolate(count, bad)

    assert sorted(bad) == sorted(alone)
    assert sorted(set(range(count)) - bad) == sorted(taken)
    assert calls <= 1 + 2 * len(bad) * 7


@pytest.mark.parametrize(("bad", "most"), [(0, 15), (99, 9), (50, 15)])
def test_one_of_a_hundred_is_found_with_few_calls(bad: int, most: int) -> None:
    """A second half is not asked for where the first one was taken: it can only be refused again."""
    assert ([bad], True) == ((_isolate(100, {bad})[1]), _isolate(100, {bad})[2] <= most)


def test_an_answer_that_is_missing_accuses_nobody() -> None:
    """The first half's task is lost: the second one is asked for as a whole."""
    suspects = Suspects()
    suspects.refuse([1, 2, 3, 4])
    assert [1, 2] == suspects.take()
    suspects.set_aside()

    assert [3, 4] == suspects.take()
