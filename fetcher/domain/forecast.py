"""Which links can still be fetched before they die, and which cannot: said before it happens.

A link has to be *asked for* before its deadline: the origin checks it when a request begins and cuts no transfer
that is under way. So a plan is about the moments at which transfers start.

The plan is that of Moore and Hodgson: take the links by deadline, and where one would start too late, drop the one
that takes longest of all so far. It drops as few as any order could. That is exact for one transfer at a time over
a line of a steady rate, each link's due date being its deadline and its own time together. Several places share one
line, and a place becomes free before all that was begun is through: how much earlier is an estimate, half of what
stands in the other places.

Source: J. M. Moore, "An n job, one machine sequencing algorithm for minimizing the number of late jobs", Management
Science 15(1), 1968. Alibaba Cloud CDN, "URL signing": the signature is checked when a request starts.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fetcher.domain.link import RISK_MS

_MS: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """A ready video, as a plan sees it."""

    video_id: int
    deadline: int | None
    """By when to start, ms UTC; None where the link does not tell: taken first, and never called at risk."""
    remaining: int
    """Bytes that are expected to come still."""
    window_ends_at: int | None = None
    """When the thawed file goes cold, ms UTC; None where nobody knows."""

    @property
    def start_by(self) -> int | None:
        """By when to start, whichever clock runs out first; None where neither tells."""
        known = [at for at in (self.deadline, self.window_ends_at) if at is not None]
        return min(known, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What carries all transfers together."""

    bytes_per_s: float
    """Of all of them together, above 0."""
    jobs: int
    """Transfers at a time."""
    overhead_s: float = 0.0
    """What a file costs beside its bytes, in seconds of one place."""
    busy_bytes: int = 0
    """Still to come of the transfers that are under way, which are none of those to be planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What can be saved, and what cannot."""

    at_risk: tuple[int, ...]
    """Videos whose links will die before their turn comes, the earliest deadline first. They are tried all the
    same, after all others: a deadline may be wrong, and a dead link may be renewed."""
    planned: int
    """How many are started in time."""
    ends_at: int
    """When the last of those is through, ms UTC."""


def forecast(transfers: Iterable[Transfer], line: Line, *, now: int) -> Forecast:
    """Return which of *transfers* cannot be started in time; as few as any order could leave.

    A link whose deadline has passed cannot be planned on: it is at risk.

    Args:
        transfers: In any order; a million of them take a few seconds.
        line: What carries them.
        now: ms UTC.
    """
    plan = _Plan(line)
    dated: list[tuple[float, int, int, float]] = []
    lost: list[tuple[int, int]] = []
    for one in transfers:
        took_s = plan.seconds(one.remaining)
        start_by = one.start_by
        if start_by is None:
            plan.take_first(took_s)
        elif start_by <= now:
            lost.append((start_by, one.video_id))
        else:
            left_s = (start_by - now) / _MS
            dated.append((left_s + took_s / line.jobs, one.video_id, start_by, took_s))
    dated.sort()
    for _, video_id, start_by, took_s in dated:
        dropped = plan.add(video_id, start_by, took_s, left_s=(start_by - now) / _MS)
        if dropped is not None:
            lost.append(dropped)
    lost.sort()
    return Forecast(
        at_risk=tuple(video_id for _, video_id in lost),
        planned=plan.count,
        ends_at=now + round(plan.work_s * _MS),
    )


def can_all_start(total_bytes: int, count: int, line: Line, *, soonest: int, now: int) -> bool:
    """Tell whether nothing can be at risk, without a plan: all of it is through before the first deadline.

    Args:
        total_bytes: Still to come of all videos that are ready.
        count: How many they are.
        line: What carries them.
        soonest: The first deadline or end of a thaw window, ms UTC.
        now: ms UTC.
    """
    plan = _Plan(line)
    needed_s = plan.work_s + total_bytes / line.bytes_per_s + count * line.overhead_s / line.jobs
    return needed_s * _MS <= soonest - now


def risk_by_time(deadline: int | None, *, now: int) -> bool:
    """Tell whether a link is at risk because the next run may come too late for it, however fast the line is."""
    return deadline is not None and deadline <= now + RISK_MS


class _Plan:
    """What was taken so far, in seconds of the whole line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.work_s = line.busy_bytes / line.bytes_per_s
        self.count = 0
        self._longest: list[tuple[float, int, int]] = []
        """A heap: the longest first, with what is needed to give it back."""

    def seconds(self, remaining: int) -> float:
        """Return what a file takes if it has the whole line; its overhead keeps one place of several."""
        return max(remaining, 0) / self._line.bytes_per_s + self._line.overhead_s / self._line.jobs

    def take_first(self, took_s: float) -> None:
        """Take one that comes before all that has a deadline."""
        self.work_s += took_s
        self.count += 1

    def add(self, video_id: int, start_by: int, took_s: float, *, left_s: float) -> tuple[int, int] | None:
        """Take one more; return the one that has to go for it, itself perhaps: its deadline and its id."""
        starts_in_s = self.work_s - self._others_s()
        heapq.heappush(self._longest, (-took_s, video_id, start_by))
        self.work_s += took_s
        self.count += 1
        if starts_in_s <= left_s:
            return None
        longest_s, gone, was_due = heapq.heappop(self._longest)
        self.work_s += longest_s
        self.count -= 1
        return was_due, gone

    def _others_s(self) -> float:
        """Return how much of what was taken is still on its way when a place becomes free."""
        others = self._line.jobs - 1
        if not self.count:
            return self.work_s * others / self._line.jobs
        return min(self.work_s, others / 2 * self.work_s / self.count)
