"""How many downloads at a time, on lines that are played through second by second."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.crowd import Crowd, Seen, Step
from fetcher.domain.windows import Haul, short_by

_MIB = 1 << 20
_TICK_S = 0.2
_HOUR = 3600.0
_ROUND_TRIP_S = 0.04
_Line = Callable[[float, int], float]
"""Bytes a second at a moment with so many transfers."""


def _throttled(now: float, used: int) -> float:
    """4 MiB/s for each connection, as content networks do."""
    del now
    return 4 * _MIB * used


def _shared(full_at: float) -> _Line:
    """Return a line that *full_at* transfers fill."""
    return lambda _, used: 4 * _MIB * min(used, full_at)


class _Played:
    """A run on a simulated line.

    Args:
        line: What it brings.
        wobble: By how much that changes from second to second, up and down.
        refuses_from: So many transfers are turned away, one a second for each that is too many.
        seed: Of the wobble.
    """

    def __init__(
        self,
        crowd: Crowd,
        line: _Line,
        *,
        wobble: float = 0.0,
        refuses_from: int | None = None,
        has_more: bool = True,
        seed: int = 1,
    ) -> None:
        self.crowd = crowd
        self.steps: list[Step] = []
        self.numbers: list[int] = []
        """One a second."""
        self._line = line
        self._wobble = wobble
        self._refuses_from = refuses_from or 1000
        self._has_more = has_more
        self._chance = random.Random(seed)
        self._now = self._fetched = self._refused = 0.0

    def play(self, seconds: float) -> int:
        """Go on for so long, return the number in the end."""
        for _ in range(round(seconds)):
            factor = 1 + self._chance.uniform(-self._wobble, self._wobble)
            for _ in range(round(1 / _TICK_S)):
                self._tick(factor)
            self.numbers.append(self.crowd.places)
        return self.crowd.places

    def _tick(self, factor: float) -> None:
        used = self.crowd.places
        self._now += _TICK_S
        taken = min(used, self._refuses_from - 1)
        self._fetched += _TICK_S * factor * self._line(self._now, taken)
        self._refused += _TICK_S * (used - taken)
        seen = Seen(
            now=self._now,
            haul=Haul(fetched=int(self._fetched)),
            used=used,
            has_more=self._has_more,
            ended=int(self._refused),
            refused=int(self._refused),
        )
        if (step := self.crowd.look(seen)) is not None:
            self.steps.append(step)


class _SmallFiles:
    """A run over a far line: each file is a round trip, and as many bytes as chance will have it.

    Args:
        most_a_second: Files that the machine can do.
    """

    def __init__(self, crowd: Crowd, *, most_a_second: float, seed: int) -> None:
        self.crowd = crowd
        self._most_a_second = most_a_second
        self._chance = random.Random(seed)
        self._now = self._due = 0.0
        self._fetched = self._files = self._short = 0

    def play(self, seconds: float) -> int:
        """Go on for so long, return the number in the end."""
        for _ in range(round(seconds / _TICK_S)):
            used = self.crowd.places
            self._now += _TICK_S
            self._due += _TICK_S * min(used / _ROUND_TRIP_S, self._most_a_second)
            while self._files < self._due:
                self._end(self._size())
            haul = Haul(fetched=self._fetched, files=self._files, short=self._short)
            self.crowd.look(Seen(now=self._now, haul=haul, used=used, has_more=True))
        return self.crowd.places

    def _size(self) -> int:
        """Return a size: a category of tiny ones, then one of small ones, some hundred at a time."""
        most = 16 << 10 if self._files % 1000 < 500 else 512 << 10
        return self._chance.randint(1, most)

    def _end(self, size: int) -> None:
        self._fetched += size
        self._files += 1
        self._short += short_by(size)


def _crowd(least: int = 8, most: int = 32, *, limit: int | None = None) -> Crowd:
    return Crowd(least=least, most=most, limit=limit)


def test_where_each_connection_is_throttled_the_number_is_at_the_top_within_seconds() -> None:
    played = _Played(_crowd(), _throttled)

    assert (16, 32) == (played.play(6), played.play(6))
    played.play(_HOUR)

    assert 0.98 * 32 < sum(played.numbers) / len(played.numbers)


@pytest.mark.parametrize("seed", range(10))
def test_where_each_small_file_is_a_round_trip_their_number_counts_whatever_their_bytes(seed: int) -> None:
    small = _SmallFiles(_crowd(), most_a_second=10_000, seed=seed)

    assert (16, 32) == (small.play(6), small.play(6))


def test_a_limit_of_the_rate_counts_the_bytes_of_small_files_and_not_what_they_are_worth() -> None:
    small = _SmallFiles(_crowd(limit=150 * _MIB), most_a_second=10_000, seed=0)

    assert 32 == small.play(12)


@pytest.mark.parametrize("seed", range(10))
def test_where_the_machine_can_do_no_more_small_files_there_are_no_more(seed: int) -> None:
    """Some chance upon larger ones, and bring more bytes."""
    small = _SmallFiles(_crowd(), most_a_second=200, seed=seed)
    for _ in range(40):
        small.play(30)

        assert small.crowd.places <= 10


def test_from_one_it_grows_as_far_as_it_may() -> None:
    assert 64 == _Played(_crowd(1, 64), _throttled).play(60)


@pytest.mark.parametrize(
    ("full_at", "bounds"),
    [(1, (8, 8)), (4, (8, 8)), (8, (8, 8)), (10, (10, 12)), (12, (12, 15)), (16, (16, 20)), (24, (24, 30))],
)
def test_a_line_that_some_fill_gets_about_as_many(full_at: int, bounds: tuple[int, int]) -> None:
    """It looks about for more and for fewer, longer apart each time."""
    played = _Played(_crowd(), _shared(full_at))
    played.play(_HOUR)

    later = [bounds[0] <= number <= bounds[1] for number in played.numbers[600:]]
    assert 0.95 < sum(later) / len(later)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("full_at", [4, 8])
def test_a_line_that_wobbles_by_a_fifth_does_not_make_it_climb(full_at: int, seed: int) -> None:
    played = _Played(_crowd(), _shared(full_at), wobble=0.2, seed=seed)
    played.play(3 * _HOUR)

    assert sum(played.numbers) / len(played.numbers) < 8.5
    assert played.crowd.places <= 10


@pytest.mark.parametrize("seed", range(10))
def test_what_a_wobbling_line_gives_for_more_is_taken(seed: int) -> None:
    played = _Played(_crowd(), _throttled, wobble=0.2, seed=seed)
    played.play(600)

    assert 24 <= min(played.numbers[120:])


@pytest.mark.parametrize("seed", range(10))
def test_a_wobbling_line_that_some_fill_gets_about_as_many(seed: int) -> None:
    played = _Played(_crowd(), _shared(16), wobble=0.2, seed=seed)
    played.play(3 * _HOUR)

    assert 13 <= sum(played.numbers) / len(played.numbers) <= 20


def test_a_line_that_becomes_another_one_is_looked_at_anew() -> None:
    """Full with eight for an hour, and each connection for itself after that: it does not wait for its next try."""

    def line(now: float, used: int) -> float:
        return 4 * _MIB * min(used, 8) if now < _HOUR else 6 * _MIB * used

    played = _Played(_crowd(), line)
    assert 8 == played.play(_HOUR)

    assert 32 == played.play(60)


def test_fewer_are_enough_where_others_have_come_to_share_the_line() -> None:
    def line(now: float, used: int) -> float:
        return 4 * _MIB * (used if now < _HOUR else min(used, 8))

    played = _Played(_crowd(), line)
    assert 32 == played.play(_HOUR)
    played.play(2 * _HOUR)

    assert played.crowd.places <= 12


@pytest.mark.parametrize("refuses_from", [9, 12, 20, 30])
def test_an_origin_that_turns_some_away_is_left_at_what_it_takes(refuses_from: int) -> None:
    """Found out a few times an hour, and left at once."""
    played = _Played(_crowd(), _throttled, refuses_from=refuses_from)
    played.play(3 * _HOUR)

    too_many = [number >= refuses_from for number in played.numbers]
    assert sum(too_many) / len(too_many) < 0.02
    assert 8 <= played.crowd.places < refuses_from


def test_several_that_are_turned_away_cost_half_of_what_was_grown_at_once() -> None:
    played = _Played(_crowd(), _throttled)
    assert 32 == played.play(30)
    played._refuses_from = 25

    assert 20 == played.play(2)


def test_at_the_limit_of_the_rate_there_are_no_more() -> None:
    limit = 30 * _MIB
    played = _Played(_crowd(limit=limit), lambda _, used: min(limit, 4 * _MIB * used))

    assert 8 == played.play(_HOUR)
    assert [] == played.steps


def test_with_nothing_in_line_there_are_no_more() -> None:
    played = _Played(_crowd(), _throttled, has_more=False)

    assert 8 == played.play(_HOUR)


def test_a_fixed_number_is_fixed() -> None:
    played = _Played(_crowd(8, 8), _throttled)

    assert 8 == played.play(600)
    assert [] == played.steps


def test_a_step_that_cannot_be_judged_is_taken_back() -> None:
    """The work has run out for so many, or old transfers keep their places for long."""
    crowd, now = _crowd(), 0.0
    for tick in range(400):
        now = tick * _TICK_S
        crowd.look(Seen(now=now, haul=Haul(fetched=int(now * 30 * _MIB)), used=8, has_more=True))

    assert 8 == crowd.places
    assert now > 60


@given(
    st.integers(1, 64),
    st.integers(1, 64),
    st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 1 << 30), st.integers(0, 80), st.booleans(), st.integers(0, 9)),
        max_size=200,
    ),
)
def test_whatever_is_seen_it_stays_within_its_bounds(
    least: int, most: int, looks: list[tuple[float, int, int, bool, int]]
) -> None:
    crowd = Crowd(least=least, most=most)
    now, fetched, refused = 0.0, 0, 0
    for took, came, used, has_more, turned_away in looks:
        now, fetched, refused = now + took, fetched + came, refused + turned_away
        step = crowd.look(
            Seen(now=now, haul=Haul(fetched=fetched), used=used, has_more=has_more, ended=refused, refused=refused)
        )

        assert least <= crowd.places <= max(least, most)
        assert step is None or step.places == crowd.places


def test_what_fewer_bring_at_times_is_no_gain_of_more() -> None:
    """Twelve seconds good, twelve bad; more bring as much as the mean and a bit."""

    def line(now: float, used: int) -> float:
        own = 40 * _MIB if now % 24 < 12 else 24 * _MIB
        return own if used == 8 else 36 * _MIB

    assert 8 == _Played(_crowd(), line).play(_HOUR)
