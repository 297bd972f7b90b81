"""The order of a run's downloads: planned anew whenever something has changed, and told where it is not enough."""

import asyncio
import contextlib
import dataclasses
import functools
import logging
from collections.abc import Mapping
from typing import Final

from fetcher.domain.errors import FetcherError
from fetcher.domain.groups import MOST_NEAR
from fetcher.domain.planning import Plan
from fetcher.domain.rescue import places_wanted
from fetcher.ledger.prospects import PAGE, Past, Prospect, keep_ranks, past, prospects_after
from fetcher.ledger.views import vids_of
from fetcher.report.outlook import Demand, links_at_risk, plan_of
from fetcher.sync.ahead import Ahead
from fetcher.sync.arrivals import Arrivals
from fetcher.sync.fetching import Fetching
from fetcher.sync.measuring import Measuring
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_EVERY_S: Final = 60.0
_WAITED_FOR_S: Final = 0.5
"""A plan is mostly there sooner; downloads do not wait for one that takes longer."""
_LEAST_S: Final = 2.0
_BESIDE: Final = 3
"""So many times the number to begin with may be under way beside the usual ones where links would die."""
_RATE_CHANGED: Final = 0.2
_COST: Final = 20.0
"""A plan that took so long is made no more often than at this many times that."""
_NAMED: Final = 100
"""Videos that are named in one line for programs; ``list --at-risk`` names all."""


class Planning:
    """Plans while there is more than the line may carry in time.

    Args:
        wires: Of the run.
        fetching: Whose downloads they are.
        measuring: Looks at their line.
        places: Downloads at a time to begin with.
        most_places: Downloads at a time at the very most, those included without which videos would be lost.
        most_near: Videos that a plan looks at one by one.
    """

    def __init__(
        self,
        wires: Wires,
        *,
        fetching: Fetching,
        measuring: Measuring,
        places: int,
        most_places: int,
        most_near: int = MOST_NEAR,
    ) -> None:
        self._wires = wires
        self._fetching = fetching
        self._measuring = measuring
        self._arrivals = Arrivals(wires)
        self._places = places
        self._most_places = most_places
        self._most_beside = _BESIDE * places
        self._most_near = most_near
        self._making: asyncio.Task[None] | None = None
        self._due_at = self._rested_at = 0.0
        self._rate: float | None = None
        self._told = 0

    def look_again(self, *, links: int = 0) -> None:
        """Say that *links* have come, or that deadlines have moved."""
        self._arrivals.count(links)
        self._due_at = min(self._due_at, asyncio.get_running_loop().time() + 1.0)

    async def load(self) -> None:
        """Begin with what earlier runs have measured."""
        self._arrivals.begin()
        before = await self._wires.ledger.read(past)
        self._measuring.load(before, now=self._wires.now(), monotonic=asyncio.get_running_loop().time())

    async def at_risk(self) -> int:
        """Return how many videos may be lost before they are fetched, as ``list --at-risk`` names them.

        By the ledger alone, like that: what this run has measured has to be there by now.
        """
        now = self._wires.polyv_now()
        ahead_ms = now - self._wires.now()
        look = functools.partial(
            links_at_risk, now=now, places=self._places, limit=self._measuring.limit, ahead_ms=ahead_ms
        )
        return len(await self._wires.ledger.read(look))

    def tick(self, *, now: float) -> None:
        """See how fast bytes come, and open a place beyond the usual ones for what would be lost without it.

        Args:
            now: Monotonic seconds; to be called a few times a second.
        """
        self._measuring.look(self._fetching, now=self._wires.polyv_now(), monotonic=now)
        if self._fetching.active and self._is_due(now):
            self._wires.news.set()
        self._fetching.open_places(self._wanted() if self._fetching.is_each_seen else 0)

    def _wanted(self) -> int:
        """Return how many videos would be lost before one of the usual places is free."""
        now, ends = self._wires.polyv_now(), self._measuring.flow.ends_in_s()
        if len(ends) < self._fetching.jobs:
            return 0
        ends_at = [None if ends_s is None else now + round(ends_s * 1000) for ends_s in ends]
        wanted = places_wanted([one.start_by for one in self._fetching.waiting], ends_at, now=now)
        return max(min(wanted, self._most_now - len(ends)), 0)

    async def look(self) -> None:
        """Plan where it is time to, beside all else; one that is made quickly is waited for.

        Raises:
            LedgerError: It could not be read or written.
        """
        if self._making is None and self._is_due(asyncio.get_running_loop().time()):
            self._making = asyncio.create_task(self._make())
            self._making.add_done_callback(lambda _: self._wires.news.set())
            await asyncio.wait([self._making], timeout=_WAITED_FOR_S)
        if self._making is not None and self._making.done():
            made, self._making = self._making, None
            await made

    async def stop(self) -> None:
        """Let go of a plan that is being made."""
        if self._making is not None:
            self._making.cancel()
            with contextlib.suppress(asyncio.CancelledError, FetcherError):
                await self._making

    async def _make(self) -> None:
        loop, rate = asyncio.get_running_loop(), self._measuring.flow.total.bytes_per_s
        if rate is None:
            return
        began, self._rate = loop.time(), rate
        self._due_at = began + _EVERY_S
        is_planned = await self._plan(rate)
        self._rested_at = loop.time() + max(_LEAST_S, _COST * (loop.time() - began))
        if not is_planned:
            self._due_at = self._rested_at

    def _is_due(self, now: float) -> bool:
        """Tell whether to plan anew: because it was long ago, or the line has become another one."""
        rate = self._measuring.flow.total.bytes_per_s
        if rate is None or now < self._rested_at:
            return False
        is_other = self._rate is None or abs(rate - self._rate) > _RATE_CHANGED * self._rate
        return is_other or now >= self._due_at

    async def _plan(self, rate: float) -> bool:
        """Plan, write down what that changes and tell of it; return False where too little is known of sizes."""
        ledger, now, jobs = self._wires.ledger, self._wires.polyv_now(), self._fetching.jobs
        line = self._measuring.line(rate, places=jobs, spare=self._spare, now=now)
        before = self._with_mean(await ledger.read(past))
        ahead, demand = Ahead(before, most_near=self._most_near), Demand(line, before, now=now)
        await self._take_in(ahead, demand)
        coming = await self._arrivals.coming(ahead.ends_at, before, now=now)
        for start_by, size, many in coming:
            demand.take(Prospect(0, start_by, size * many, 0))
        if not demand.may_be_late and not demand.is_ranked:
            return demand.is_known
        make = functools.partial(plan_of, ahead.near, before, line, now=now, far=ahead.far, coming=coming)
        plan = await asyncio.to_thread(make) if len(ahead.near) > PAGE else make()
        await self._keep(ahead.near, plan)
        await self._tell(plan)
        return True

    @property
    def _most_now(self) -> int:
        return min(self._most_places, self._fetching.jobs + self._most_beside)

    @property
    def _spare(self) -> int:
        """How many places more are counted on: as many again, though for a while there may be more."""
        return min(self._fetching.jobs, self._most_now - self._fetching.jobs)

    def _with_mean(self, before: Past) -> Past:
        """Where nothing is done yet, files are taken to be like those under way."""
        sizes = self._measuring.flow.sizes()
        if before.mean_size is not None or not sizes:
            return before
        return dataclasses.replace(before, mean_size=sum(sizes) // len(sizes))

    async def _take_in(self, ahead: Ahead, demand: Demand) -> None:
        """Read page by page what has no place yet: claims and records come in between."""
        page: list[Prospect] = await self._wires.ledger.read(functools.partial(prospects_after, last=None))
        while page:
            for one in page:
                if one.id not in self._fetching.begun:
                    ahead.take(one)
                    demand.take(one)
            page = await self._wires.ledger.read(functools.partial(prospects_after, last=page[-1]))

    async def _keep(self, ready: list[Prospect], plan: Plan) -> None:
        """Write down what the plan puts elsewhere than the one before."""
        changed = {one.id: rank for one in ready if (rank := plan.ranks.get(one.id, 0)) != one.postponed}
        for some in _portions(changed):
            await self._wires.ledger.write(functools.partial(keep_ranks, ranks=some))
        if changed:
            self._fetching.reorder()

    async def _tell(self, plan: Plan) -> None:
        """Name what cannot be fetched in time, before it is lost: once, and again where it has become more."""
        count = len(plan.lost) + plan.lost_of_far
        if count <= self._told:
            return
        if not self._told:
            _log.warning("%d videos cannot be begun in time: 'fetcher list --at-risk' names them", count)
        self._told = count
        vids = await self._wires.ledger.read(functools.partial(vids_of, video_ids=list(plan.lost[:_NAMED])))
        self._wires.notify({"type": "at_risk", "count": count, "vids": vids})


def _portions(ranks: Mapping[int, int]) -> list[dict[int, int]]:
    items = list(ranks.items())
    return [dict(items[start : start + PAGE]) for start in range(0, len(items), PAGE)]
