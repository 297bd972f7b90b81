"""One run on virtual time: places that share a line, videos that become ready, links that die. Seconds and bytes.

What the line brings is shared equally by all that is under way. An outage breaks what is under way, a minute after
it began; what had come of a file stays, and it has to be begun again. A link is looked at when a transfer begins.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from benchmarks.deadlines.library import Library, Scenario, task_of
from benchmarks.deadlines.line import Line

_STALL_S: Final = 60.0
_DYING_S: Final = 20.0
"""A link that lives no longer is renewed first, where it can be."""
_NEVER: Final = 1e12


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a run sees of itself at a moment."""

    now: float
    fetched: float
    """Bytes, since the beginning."""
    bytes_per_s: float
    """What the line brings just now."""
    left: list[float]
    """Bytes that are missing of each transfer under way."""


class Queue(Protocol):
    """Who decides what is begun next."""

    def add(self, videos: Iterable[int]) -> None:
        """Take in videos that have become ready."""

    def broke(self, videos: Iterable[int], now: float) -> None:
        """Take in videos whose transfers an outage has broken; *now* in seconds."""

    def next(self, now: float) -> int | None:
        """Return the video to begin now, and forget it; None where there is none."""

    def look(self, sight: Sight) -> float:
        """Look at how things stand; return when to be asked again at the latest, seconds."""

    def places(self, sight: Sight) -> int:
        """Return how many transfers may be under way now."""


@dataclass(kw_only=True)
class Outcome:
    """What came of it."""

    saved: set[int] = field(default_factory=set)
    lost: set[int] = field(default_factory=set)
    renewals: int = 0
    """Questions for links in place of dead ones."""
    renewed_at: float | None = None
    """When the first of them was answered."""
    most_places: int = 0


class Run:
    """Plays a scenario through.

    Args:
        scenario: What it meets.
        library: Its videos.
        line: What carries them.
    """

    def __init__(self, scenario: Scenario, library: Library, line: Line) -> None:
        self._scenario = scenario
        self._library = library
        self._line = line
        self._start_by = library.start_by(is_signed_anew=scenario.is_signed_anew)
        self._renewed_at: dict[int, float] = {}
        self._partly: dict[int, float] = {}
        self._running: list[tuple[float, int]] = []
        """A heap by what each place has brought by the time that the transfer is through."""
        self._each = 0.0
        """Bytes that a place has brought so far, if it was never without work."""
        self._fetched = 0.0
        self._now = 0.0
        self.outcome = Outcome()

    def dies_at(self, video: int) -> float:
        """Return when the link of a video dies."""
        renewed = self._renewed_at.get(task_of(video))
        first = self._library.link_until[video]
        return first if renewed is None else max(first, renewed + self._scenario.lifetime_s)

    def left(self, video: int) -> float:
        """Return how many bytes of a video are missing."""
        return self._partly.get(video, self._library.sizes[video])

    def play(self, queue: Queue) -> Outcome:
        """Have *queue* decide, until nothing can be begun any more."""
        ready_at = self._library.ready_at
        ready = sorted(range(len(ready_at)), key=ready_at.__getitem__, reverse=True)
        breaks = sorted(
            (start + _STALL_S for start, end in self._line.outages if end > start + _STALL_S), reverse=True
        )
        outages = sorted(self._line.outages, reverse=True)
        starts = sorted((start for start, _ in self._line.outages), reverse=True)
        look_at = 0.0
        while ready or self._running or look_at < _NEVER:
            self._advance(
                min(
                    ready_at[ready[-1]] if ready else _NEVER,
                    self._through_at(),
                    breaks[-1] if breaks else _NEVER,
                    starts[-1] if starts else _NEVER,
                    look_at,
                )
            )
            self._end_through()
            if starts and self._now >= starts[-1]:
                starts.pop()
            if breaks and self._now >= breaks[-1]:
                breaks.pop()
                queue.broke(self._break(), self._now)
            new = []
            while ready and ready_at[ready[-1]] <= self._now:
                new.append(ready.pop())
            if new:
                queue.add(new)
            while outages and outages[-1][1] <= self._now:
                outages.pop()
            if outages and outages[-1][0] + _STALL_S <= self._now:
                look_at = outages[-1][1]
                continue
            look_at = max(queue.look(self._sight()), self._now + 0.5)
            self._begin(queue)
            if not ready and not self._running and self._now > self._library.last_moment:
                break
        return self.outcome

    def _advance(self, until: float) -> None:
        until = max(until, self._now)
        if self._running:
            came = self._line.carried(until) - self._line.carried(self._now)
            self._each += came / len(self._running)
            self._fetched += came
        self._now = until

    def _through_at(self) -> float:
        if not self._running:
            return _NEVER
        missing = max(self._running[0][0] - self._each, 0.0) * len(self._running)
        return max(self._line.when(self._line.carried(self._now) + missing), self._now)

    def _end_through(self) -> None:
        # What is missing may be no more than rounding leaves.
        rounding = max(1e-6, self._each * 1e-12)
        while self._running and self._running[0][0] <= self._each + rounding:
            _, video = heapq.heappop(self._running)
            self._partly.pop(video, None)
            self.outcome.saved.add(video)

    def _break(self) -> list[int]:
        broken = [video for _, video in self._running]
        for through, video in self._running:
            self._partly[video] = max(through - self._each, 1.0)
        self._running.clear()
        return broken

    def _sight(self) -> Sight:
        return Sight(
            now=self._now,
            fetched=self._fetched,
            bytes_per_s=self._line.carried(self._now + 1) - self._line.carried(self._now),
            left=[through - self._each for through, _ in self._running],
        )

    def _begin(self, queue: Queue) -> None:
        places = queue.places(self._sight())
        while len(self._running) < places and (video := queue.next(self._now)) is not None:
            if self._now > self._start_by[video]:
                self.outcome.lost.add(video)
                continue
            if self.dies_at(video) <= self._now + _DYING_S and self._scenario.is_signed_anew:
                self._renewed_at[task_of(video)] = self._now
                self.outcome.renewals += 1
                self.outcome.renewed_at = self.outcome.renewed_at or self._now
            heapq.heappush(self._running, (self._each + self.left(video), video))
        self.outcome.most_places = max(self.outcome.most_places, len(self._running))
