"""In which order videos are begun, so that as few as possible are lost, and which cannot be begun in time.

A link is checked when a transfer starts and not after, so what counts is the start: before the link dies where
that loses the video, else before its file goes cold. On one line of known speed the last moment at which a
transfer has to be *through* for the next to start in time is its own deadline plus the time that it takes: by that
moment, not by the deadline alone, the best order goes. Where not all can start in time, each that cannot is paid
for by leaving out the one among those before it that takes longest: so as few as possible are left out. Pure; all
moments are ms UTC.

Source: J. M. Moore, "An n job, one machine sequencing algorithm for minimizing the number of late jobs",
Management Science 15 (1968): the least number of late jobs, here with the deadline moved by the job's own length.
"""

import heapq
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Final, NamedTuple

from fetcher.domain.groups import Group
from fetcher.domain.line import Line

_COMING: Final = -1
_FAR: Final = -2
_CLEARLY: Final = 0.2
"""Of all that is ready and expected; fewer that are late may as well come of a guess that is a little off."""


class Transfer(NamedTuple):
    """A video that waits to be begun."""

    video_id: int
    deadline: float | None
    """By when to start; None where nobody knows: it comes first, and is never said to be lost."""
    size: int
    """Bytes that are missing."""
    many: int = 1
    """How many like it, where it stands for a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The order, and what it costs."""

    ranks: Mapping[int, int] = field(default_factory=dict)
    """By video: lower ones first, among equals the earliest deadline. 0 where there is none."""
    lost: Sequence[int] = ()
    """Videos that cannot be begun by their deadline, the earliest first."""
    lost_of_far: int = 0
    """How many more of those that are planned in groups."""


_BY_ID: Final = itemgetter(0)
_BY_DEADLINE: Final = itemgetter(1)


def make_plan(
    transfers: Iterable[Transfer],
    line: Line,
    *,
    now: int,
    far: Sequence[Group] = (),
    coming: Sequence[Group] = (),
) -> Plan:
    """Return the order in which the fewest are lost if no outage comes, and what is lost if they go on to come.

    Args:
        transfers: What is ready, or the first of it.
        line: What carries it.
        now: ms UTC.
        far: What is ready as well but has longer. It has no ranks, so that it is begun before what is left out.
        coming: What is expected to become ready before those are through, and wants the line as well. Room is left
            for it and for what is far: a large file that is begun today takes the place of several of tomorrow.
    """
    waiting = list(transfers)
    plan = _planned(waiting, line.undisturbed, now=now, far=far, coming=coming)
    if not line.stands:
        return plan
    named = _planned(waiting, line, now=now, far=far, coming=coming)
    return replace(plan, lost=named.lost, lost_of_far=named.lost_of_far)


def lost_of(transfers: Iterable[Transfer], line: Line, *, now: int) -> Sequence[int]:
    """Return which videos would be lost, as ``make_plan`` names them."""
    return _planned(transfers, line, now=now, far=(), coming=()).lost


def _planned(
    transfers: Iterable[Transfer], line: Line, *, now: int, far: Sequence[Group], coming: Sequence[Group]
) -> Plan:
    ready = _in_turn(_reckoned([*transfers, *_grouped(_FAR, far)], line, now=now))
    expected = _reckoned(_grouped(_COMING, coming), line, now=now)
    plain = list(_Places(line, now=now).late(ready))
    all_in_turn = _in_turn([*ready, *expected]) if expected else ready
    if _count(plain) <= line.spare and not (expected and _are_too_many(all_in_turn, line, now=now)):
        return Plan()  # A place more for each of them saves it.
    kept, left_out = _kept(all_in_turn, line, now=now)
    kept_in_turn = _in_turn(kept)
    if far or not any(_Places(line, now=now).late(kept_in_turn)):
        kept = kept_in_turn  # Ranked, some of it would be begun after what is far.
    lost = _lost(kept, left_out, line, now=now)
    if not expected and _count(lost) >= _count(plain):
        return Plan(lost=_ids_in_turn(plain), lost_of_far=_count_of_far(plain))
    ranks = _ranks(_ready(kept), _ready(left_out))
    return Plan(ranks=ranks, lost=tuple(one.video_id for one in _ready(lost)), lost_of_far=_count_of_far(lost))


def _grouped(video_id: int, groups: Iterable[Group]) -> list[Transfer]:
    return [Transfer(video_id, start_by, size, count) for start_by, size, count in groups]


def _reckoned(transfers: list[Transfer], line: Line, *, now: int) -> list[Transfer]:
    """Return them with deadlines as they are on a line that goes on as it does just now."""
    reckoned = line.reckoning(now=now)
    if reckoned is None:
        return transfers
    return [
        Transfer(video_id, None if deadline is None else reckoned(deadline), size, many)
        for video_id, deadline, size, many in transfers
    ]


def _count(transfers: Iterable[Transfer]) -> int:
    return sum(one.many for one in transfers)


def _count_of_far(transfers: Iterable[Transfer]) -> int:
    return _count(one for one in transfers if one.video_id == _FAR)


def _are_too_many(in_turn: Sequence[Transfer], line: Line, *, now: int) -> bool:
    """Tell whether the line is too slow for what is to come: clearly so, since nobody knows when it comes."""
    late = itertools.accumulate(one.many for one in _Places(line, now=now).late(in_turn))
    most = _CLEARLY * _count(in_turn)
    return any(count > most for count in late)


def _lost(kept: Sequence[Transfer], left_out: Sequence[Transfer], line: Line, *, now: int) -> list[Transfer]:
    """Return what starts too late; of what is left out, the last may have a place more once all else has begun."""
    places = _Places(line, now=now)
    late = _in_turn(places.late(kept))
    begun_at = places.next_at
    late += _in_turn(places.late(left_out))
    saved = [one for one in left_out if one.deadline is not None and one.deadline >= begun_at]
    spared = {one.video_id for one in _ready(saved[: line.spare])}
    return [one for one in late if one.video_id != _COMING and one.video_id not in spared]


def _in_turn(transfers: Iterable[Transfer]) -> list[Transfer]:
    """Return them in the order in which videos of one rank are begun: first those without a deadline."""
    by_id = sorted(transfers, key=_BY_ID)
    untold = [one for one in by_id if one.deadline is None]
    told = [one for one in by_id if one.deadline is not None] if untold else by_id
    told.sort(key=_BY_DEADLINE)  # Twice, without a pair of both for each of perhaps a million.
    return untold + told


def _ids_in_turn(transfers: Iterable[Transfer]) -> tuple[int, ...]:
    return tuple(one.video_id for one in _ready(_in_turn(transfers)))


def _ready(transfers: Iterable[Transfer]) -> list[Transfer]:
    """Return those that have a place in the order, each for itself."""
    return [one for one in transfers if one.video_id >= 0]


def _kept(in_turn: Sequence[Transfer], line: Line, *, now: int) -> tuple[list[Transfer], list[Transfer]]:
    """Return those that can all start in time, as many as one place allows, in their order; and the others.

    They are in the order of the last moment for each to end, if it has the line for itself and starts in time.
    """
    rate = line.bytes_per_s
    through_by = [-1.0 if by is None else by + size * 1000 / rate for _, by, size, _ in in_turn]
    order = sorted(range(len(in_turn)), key=through_by.__getitem__)
    ends_at = now + sum(line.under_way) * 1000 / rate
    longest = _Longest()
    for place, number in enumerate(order):
        _, deadline, size, count = in_turn[number]
        took = size * 1000 / rate
        ends_at += took * count
        if deadline is not None:
            longest.take(took, place, count)
            if ends_at > through_by[number]:
                ends_at -= longest.leave_out(ends_at - through_by[number], most=count)
    kept, left_out = [], []
    for place, number in enumerate(order):
        one, out = in_turn[number], longest.left_out.get(place, 0)
        if out < one.many:
            kept.append(one._replace(many=one.many - out) if out else one)
        if out:
            left_out.append(one._replace(many=out))
    return kept, sorted(left_out, key=_BY_DEADLINE)


class _Longest:
    """Finds what is to be left out: of all that was taken in so far, what takes longest."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._counts: dict[int, int] = {}
        """By place, where it is not one."""
        self.left_out: dict[int, int] = {}
        """By place: how many."""

    def take(self, took_ms: float, place: int, count: int) -> None:
        heapq.heappush(self._heap, (-took_ms, place))
        if count > 1:
            self._counts[place] = count

    def leave_out(self, over_ms: float, *, most: int) -> float:
        """Leave out as many as take *over_ms* together, but no more than *most*; return how long they take."""
        freed_ms = 0.0
        while freed_ms < over_ms and most:
            took_ms, place = -self._heap[0][0], self._heap[0][1]
            there = self._counts.get(place, 1)
            out = min(there, most, math.ceil((over_ms - freed_ms) / took_ms)) if took_ms else 1
            if out == there:
                heapq.heappop(self._heap)
            else:
                self._counts[place] = there - out
            self.left_out[place] = self.left_out.get(place, 0) + out
            freed_ms += took_ms * out
            most -= out
        return freed_ms


def _ranks(kept: Sequence[Transfer], left_out: Sequence[Transfer]) -> dict[int, int]:
    """Write an order down as ranks: a new one wherever the deadline goes back."""
    ranks: dict[int, int] = {}
    rank, latest = 0, (-1.0, -1)
    for video_id, deadline, _, _ in kept:
        place = (-1.0 if deadline is None else deadline), video_id
        if place < latest:
            rank += 1
        latest = place
        if rank:
            ranks[video_id] = rank
    return ranks | {transfer.video_id: rank + 1 for transfer in left_out}


class _Places:
    """When each of the places becomes free."""

    def __init__(self, line: Line, *, now: int) -> None:
        self._line = line
        self._free_at = _free_at(line, now=now)

    @property
    def next_at(self) -> float:
        """When the next transfer may be begun, ms UTC."""
        return self._free_at[0]

    def late(self, order: Iterable[Transfer]) -> Iterator[Transfer]:
        """Begin transfers in this order; yield those of them that it is too late for."""
        free_at, rate, places = self._free_at, self._line.bytes_per_s, self._line.places
        for one in order:
            _, deadline, size, count = one
            starts_at = free_at[0]
            if count == 1:
                heapq.heapreplace(free_at, starts_at + size * 1000 / rate * places)
            else:
                took = size * count * 1000 / rate
                free_at[:] = [at + took for at in free_at]
                starts_at += took / 2  # Half of them later than that.
            if deadline is not None and starts_at > deadline:
                yield one


def _free_at(line: Line, *, now: int) -> list[float]:
    """Return when each place becomes free, as a heap: transfers under way share the line equally."""
    sizes = sorted(line.under_way)
    at, before, ends = float(now), 0, []
    for number, size in enumerate(sizes):
        at += (size - before) * (len(sizes) - number) * 1000 / line.bytes_per_s
        before = size
        ends.append(at)
    free = [float(now)] * max(line.places - len(ends), 0) + ends[-line.places :]
    heapq.heapify(free)
    return free
