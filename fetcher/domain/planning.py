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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_NEVER: Final = 1 << 62
_MOST_TRIALS: Final = 64
"""How many of those left out are tried again where several places make more possible than one server shows."""
_MOST_TRIED_WITH: Final = 2000
"""Among more links than this a few more places change too little to be worth trying."""


class Transfer(NamedTuple):
    """A video that waits to be begun."""

    video_id: int
    deadline: int | None
    """By when to start; None where nobody knows: it comes first, and is never said to be lost."""
    size: int
    """Bytes that are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What brings the bytes."""

    bytes_per_s: float
    """Of all transfers together; more than 0."""
    places: int
    """How many may be under way at a time."""
    under_way: Sequence[int] = ()
    """Bytes that are missing of each transfer that has a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The order, and what it costs."""

    ranks: Mapping[int, int] = field(default_factory=dict)
    """By video: lower ones first, among equals the earliest deadline. 0 where there is none."""
    lost: Sequence[int] = ()
    """Videos that cannot be begun by their deadline, the earliest first."""


def make_plan(transfers: Iterable[Transfer], line: Line, *, now: int) -> Plan:
    """Return the order in which the fewest are lost."""
    by_deadline = sorted(transfers, key=_place)
    plain = Plan(lost=_late(by_deadline, line, now=now))
    if not plain.lost:
        return plain
    kept, left_out = _kept(by_deadline, line, now=now)
    kept, left_out = _with_more(kept, left_out, line, now=now)
    best = Plan(ranks=_ranks(kept, left_out), lost=_late([*kept, *left_out], line, now=now))
    return best if len(best.lost) < len(plain.lost) else plain


def _place(transfer: Transfer) -> tuple[int, int]:
    """Return what orders videos of one rank."""
    return _deadline(transfer), transfer.video_id


def _deadline(transfer: Transfer) -> int:
    return -1 if transfer.deadline is None else transfer.deadline


def _took_ms(transfer: Transfer, line: Line) -> float:
    return transfer.size * 1000 / line.bytes_per_s


def _through_by(transfer: Transfer, line: Line) -> float:
    """Return the last moment for a transfer to end, if it has the line for itself and starts in time."""
    return -1.0 if transfer.deadline is None else transfer.deadline + _took_ms(transfer, line)


def _kept(by_deadline: Sequence[Transfer], line: Line, *, now: int) -> tuple[list[Transfer], list[Transfer]]:
    """Return those that can all start in time, as many as one place allows, in their order; and the others."""
    ends_at = now + sum(line.under_way) * 1000 / line.bytes_per_s
    longest: list[tuple[float, int]] = []
    order = sorted(by_deadline, key=lambda one: _through_by(one, line))
    left_out: set[int] = set()
    for number, transfer in enumerate(order):
        took = _took_ms(transfer, line)
        ends_at += took
        if transfer.deadline is not None:
            heapq.heappush(longest, (-took, number))
            if ends_at > _through_by(transfer, line):
                took_out, out = heapq.heappop(longest)
                ends_at += took_out
                left_out.add(out)
    kept = [one for number, one in enumerate(order) if number not in left_out]
    return kept, sorted((order[number] for number in left_out), key=_deadline)


def _with_more(
    kept: list[Transfer], left_out: list[Transfer], line: Line, *, now: int
) -> tuple[list[Transfer], list[Transfer]]:
    """Take in again what several places make possible: there the next may start before the last has ended."""
    if line.places == 1 or not left_out or len(kept) > _MOST_TRIED_WITH:
        return kept, left_out
    late = len(_late(kept, line, now=now))
    for transfer in sorted(left_out, key=lambda one: one.size)[:_MOST_TRIALS]:
        tried = sorted([*kept, transfer], key=lambda one: _through_by(one, line))
        if len(_late(tried, line, now=now)) <= late:
            kept = tried
    taken = {one.video_id for one in kept}
    return kept, [one for one in left_out if one.video_id not in taken]


def _ranks(kept: Sequence[Transfer], left_out: Sequence[Transfer]) -> dict[int, int]:
    """Write an order down as ranks: a new one wherever the deadline goes back."""
    ranks: dict[int, int] = {}
    rank, latest = 0, (-1, -1)
    for transfer in kept:
        if _place(transfer) < latest:
            rank += 1
        latest = _place(transfer)
        if rank:
            ranks[transfer.video_id] = rank
    return ranks | {transfer.video_id: rank + 1 for transfer in left_out}


def _late(order: Iterable[Transfer], line: Line, *, now: int) -> tuple[int, ...]:
    """Return what starts too late if it is begun in this order, each as soon as a place is free."""
    free_at = _free_at(line, now=now)
    late = []
    for transfer in order:
        starts_at = free_at[0]
        heapq.heapreplace(free_at, max(starts_at, now) + _took_ms(transfer, line) * line.places)
        if transfer.deadline is not None and starts_at > transfer.deadline:
            late.append(transfer)
    return tuple(one.video_id for one in sorted(late, key=_place))


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
