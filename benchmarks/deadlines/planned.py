"""Our order: the plans, rates and rescues of a run, taken from the code that a run has."""

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from benchmarks.deadlines.library import Library, Scenario
from benchmarks.deadlines.run import Run, Sight
from fetcher.domain.coming import coming
from fetcher.domain.day import Day
from fetcher.domain.groups import MOST_NEAR, Group, Groups, Nearest
from fetcher.domain.line import Line
from fetcher.domain.outages import Outages
from fetcher.domain.planning import Plan, Transfer, lost_of, make_plan
from fetcher.domain.rescue import places_wanted
from fetcher.domain.throughput import Throughput

_NEVER: Final = 1e12
_PLAN_EVERY_S: Final = 60.0
_MOST_PLACES: Final = 4
"""Times the usual ones."""
_REFRESHED_S: Final = 600.0
"""A link that dies so soon is asked for anew; by the first of them it is learned whether links are signed anew."""
_RATE_CHANGED: Final = 0.2
_SAMPLE: Final = 1000
"""Sizes by which those to come are judged."""
_SOON_S: Final = 60.0
"""A link that lives longer needs no place of its own yet."""
_OFTEN_S: Final = 3600.0
_IN_SIGHT: Final = 64
"""So many stand in line for a place; a rescue looks at them."""


class Planned:
    """Decides as a run does.

    Args:
        scenario: What it meets.
        library: Its videos, of which it knows sizes and clocks.
        run: Whose links it asks for.
        plan_every_s: Seconds between two plans at the least; a run takes sixty.
        looked_at: When to note what is waiting and what of it the plan calls lost, seconds.
        most_near: Videos that a plan looks at one by one.
    """

    def __init__(
        self,
        scenario: Scenario,
        library: Library,
        run: Run,
        *,
        plan_every_s: float = _PLAN_EVERY_S,
        looked_at: float = _NEVER,
        most_near: int = MOST_NEAR,
    ) -> None:
        self._most_near = most_near
        self._library = library
        self._run = run
        self._jobs = scenario.jobs
        self._may_renew = scenario.is_signed_anew
        self._has_learned = False
        self._every_s = plan_every_s
        self._start_by = library.start_by(is_signed_anew=False)
        self._unready = set(range(len(library.sizes)))
        self._came = 0
        self._began_at = min(library.ready_at)
        self._throughput, self._day, self._outages = Throughput(), Day(), Outages()
        self._unreached = 0
        """Transfers that broke since a byte came."""
        self._ranks: dict[int, int] = {}
        self._waiting: set[int] = set()
        self._by_moment: list[int] = []
        """All that waited at the last plan, by the moment by which to begin; some of it has begun since."""
        self._came_since: list[int] = []
        """What is not among those yet."""
        self._line: list[int] = []
        """What waits, by rank and moment, the last one the first; but for what came since it was sorted."""
        self._new: list[tuple[int, float, int]] = []
        """Those that did, the first one first."""
        self._planned_at = self._due_at = 0.0
        self._planned_rate = 0.0
        self._looked_at = looked_at
        self._lost: set[int] = set()
        """What the last plan could not save."""
        self.waited_then: set[int] = set()
        """What was waiting when it was looked at."""
        self.named_then: set[int] = set()
        """What of it the plan called lost."""

    def add(self, videos: Iterable[int]) -> None:
        """Take in what is ready; a plan follows within a second."""
        for video in videos:
            if video in self._unready:
                self._unready.discard(video)
                self._came += 1
            self._waiting.add(video)
            self._came_since.append(video)
            bisect.insort(self._new, self._place(video))
        self._due_at = min(self._due_at, self._planned_at + self._every_s)

    def broke(self, videos: Iterable[int], now: float) -> None:
        """Take in what an outage has broken."""
        broken = list(videos)
        self._unreached += len(broken)
        self._look_at_outages(now)
        self.add(broken)

    def next(self, now: float) -> int | None:
        """Return the first by rank and moment."""
        del now
        if not self._waiting:
            return None
        if self._new and (not self._line or self._new[0] < self._place(self._line[-1])):
            video = self._new.pop(0)[2]
        else:
            video = self._line.pop()
        self._waiting.discard(video)
        return video

    def look(self, sight: Sight) -> float:
        """Measure, learn, plan where it is time to."""
        self._measure(sight)
        if self._may_renew and not self._has_learned and self._is_one_dying(sight.now):
            self._learn()
        rate = self._throughput.bytes_per_s
        has_changed = rate is not None and abs(rate - self._planned_rate) > _RATE_CHANGED * self._planned_rate
        if rate is not None and (sight.now >= self._due_at or (has_changed and self._is_rested(sight.now))):
            self._plan(sight, rate)
        if sight.now >= self._looked_at:
            self._looked_at = _NEVER
            self.waited_then, self.named_then = set(self._waiting), self._named(sight) & self._waiting
        return self._next_look(sight.now)

    def _measure(self, sight: Sight) -> None:
        throughput, counted = self._throughput, self._throughput.counted
        throughput.look(now=sight.now, fetched=round(sight.fetched), is_busy=bool(sight.left))
        if throughput.counted > counted:
            self._unreached = 0
        self._look_at_outages(sight.now)
        self._day.look(
            now=round(sight.now * 1000),
            worked_s=throughput.busy_s,
            fetched=throughput.counted,
            is_full=bool(self._waiting),  # A place that is free is taken at the same moment.
        )

    def _look_at_outages(self, now: float) -> None:
        total = self._throughput
        self._outages.look(now=now, fetched=total.counted, worked_s=total.busy_s, unreached=self._unreached)

    def places(self, sight: Sight) -> int:
        """Return the usual number, and one more for each link that would die before one of those is free."""
        if len(sight.left) < self._jobs or self._soonest(sight.now) > sight.now + _SOON_S:
            return self._jobs
        each = sight.bytes_per_s / len(sight.left)
        now = round(sight.now * 1000)
        ends_at = [now + round(left / each * 1000) if each else None for left in sight.left]
        deadlines = [round(self._start_by[video] * 1000) for video in self._in_sight()]
        wanted = places_wanted(deadlines, ends_at, now=now)
        return min(len(sight.left) + wanted, _MOST_PLACES * self._jobs)

    def _place(self, video: int) -> tuple[int, float, int]:
        return self._ranks.get(video, 0), self._start_by[video], video

    def _in_sight(self) -> list[int]:
        near = self._line[: -_IN_SIGHT - 1 : -1]
        if not self._new:
            return near
        places = [*map(self._place, near), *self._new[:_IN_SIGHT]]
        return [video for _, _, video in sorted(places)[:_IN_SIGHT]]

    def _soonest(self, now: float) -> float:
        """Return by when the next of those in sight has to be begun, seconds."""
        first = self._first_of_one_rank()
        if first is not None and first >= now:
            return first
        return min((at for video in self._in_sight() if (at := self._start_by[video]) >= now), default=_NEVER)

    def _first_of_one_rank(self) -> float | None:
        """Return by when to begin the first where all in sight have one rank: none of them is sooner."""
        in_line, new = self._line[-_IN_SIGHT:], self._new[:_IN_SIGHT]
        firsts = [*map(self._place, in_line[-1:]), *new[:1]]
        ranks = {rank for rank, _, _ in (*firsts, *map(self._place, in_line[:1]), *new[-1:])}
        return min(at for _, at, _ in firsts) if len(ranks) == 1 else None

    def _is_one_dying(self, now: float) -> bool:
        return any(self._run.dies_at(video) <= now + _REFRESHED_S for video in self._in_sight())

    def _learn(self) -> None:
        self._has_learned = True
        self._start_by = self._library.start_by(is_signed_anew=True)
        self._look_through()
        self._sort()
        self._due_at = 0.0

    def _is_rested(self, now: float) -> bool:
        return now >= self._planned_at + 2.0

    def _look_through(self) -> None:
        came = self._waiting.intersection(self._came_since)
        self._by_moment = [one for one in self._by_moment if one in self._waiting and one not in came]
        self._by_moment.extend(came)
        self._by_moment.sort(key=self._start_by.__getitem__)
        self._came_since = []

    def _sort(self) -> None:
        by_rank: defaultdict[int, list[int]] = defaultdict(list)
        for video in reversed(self._by_moment):
            by_rank[self._ranks.get(video, 0)].append(video)
        self._line = [video for rank in sorted(by_rank, reverse=True) for video in by_rank[rank]]
        self._new = []

    def _plan(self, sight: Sight, rate: float) -> None:
        self._planned_at, self._planned_rate = sight.now, rate
        self._due_at = sight.now + self._every_s
        now = round(sight.now * 1000)
        self._look_through()
        near, far = self._near_and_far()
        transfers = self._transfers(near)
        under_way = [round(left) for left in sight.left]
        line = Line(
            bytes_per_s=rate,
            places=self._jobs,
            spare=self._jobs,
            under_way=under_way,
            hours=self._day.hours(now=now),
            stands=self._outages.share,
        )
        plan = make_plan(transfers, line, now=now, far=far, coming=self._coming(now))
        self._keep(transfers, plan)

    def _transfers(self, videos: Iterable[int]) -> list[Transfer]:
        return [Transfer(one, round(self._start_by[one] * 1000), round(self._run.left(one))) for one in videos]

    def _near_and_far(self) -> tuple[list[int], list[Group]]:
        if len(self._by_moment) <= self._most_near:
            return self._by_moment, []
        nearest, near, far = Nearest(self._most_near), [], Groups(self._most_near)
        ranks, start_by, left = self._ranks, self._start_by, self._run.left
        for video in self._by_moment:
            if nearest.takes(is_postponed=ranks.get(video, 0) > 0):
                near.append(video)
            else:
                far.take(start_by=int(start_by[video] * 1000), size=int(left(video)))
        return near, far.all()

    def _named(self, sight: Sight) -> set[int]:
        """Return what is called lost: by the last plan, or, where that has groups, by one of all."""
        if len(self._waiting) <= self._most_near:
            return self._lost
        now = round(sight.now * 1000)
        line = Line(
            bytes_per_s=self._planned_rate,
            places=self._jobs,
            hours=self._day.hours(now=now),
            stands=self._outages.share,
        )
        return set(lost_of(self._transfers(self._waiting), line, now=now))

    def _coming(self, now: int) -> list[Group]:
        """Return what is expected of tasks that are open, as a run does: at the pace at which links have come."""
        ends_at = self._start_by[self._by_moment[-1]] if self._by_moment else 0.0
        lasted_s = now / 1000 - self._began_at
        return coming(
            [self._library.sizes[video] for video in itertools.islice(self._unready, _SAMPLE)],
            waiting=len(self._unready),
            per_s=self._came / lasted_s if lasted_s > 0 else 0.0,
            life_ms=ends_at * 1000 - now,
            now=now,
        )

    def _keep(self, transfers: list[Transfer], plan: Plan) -> None:
        self._lost = set(plan.lost)
        changed = False
        for one in transfers:
            rank = plan.ranks.get(one.video_id, 0)
            if self._ranks.get(one.video_id, 0) != rank:
                self._ranks[one.video_id] = rank
                changed = True
        if changed or self._new:
            self._sort()

    def _next_look(self, now: float) -> float:
        if not self._waiting:
            return _NEVER
        return min(
            self._due_at,
            self._looked_at,
            now + _OFTEN_S,
            max(self._soonest(now) - _SOON_S, now + 1.0),
        )
