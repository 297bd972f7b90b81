"""The order of a run's downloads: planned anew whenever something has changed, and told where it is not enough."""

import asyncio
import functools
import logging
from collections.abc import Mapping
from typing import Final

from fetcher.domain.planning import Line, Plan
from fetcher.domain.rescue import places_wanted
from fetcher.ledger.prospects import PAGE, Prospect, keep_ranks, load, past, prospects_after
from fetcher.ledger.views import vids_of
from fetcher.report.outlook import fits, links_at_risk, plan_of
from fetcher.sync.fetching import Fetching
from fetcher.sync.flow import Flow
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_EVERY_S: Final = 60.0
_MOST_EXTRA: Final = 4
"""Times as many downloads as usual are under way at the most, where links would die otherwise."""
_LEAST_S: Final = 2.0
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
        places: Downloads at a time.
    """

    def __init__(self, wires: Wires, *, fetching: Fetching, places: int) -> None:
        self._wires = wires
        self._fetching = fetching
        self._flow = Flow(wires.downloader)
        self._places = places
        self._due_at = self._rested_at = 0.0
        self._rate: float | None = None
        self._told = 0

    def look_again(self) -> None:
        """Say that links have come or that their deadlines have moved."""
        self._due_at = min(self._due_at, asyncio.get_running_loop().time() + 1.0)

    async def load(self) -> None:
        """Begin with what earlier runs have measured."""
        self._flow.know((await self._wires.ledger.read(past)).bytes_per_s)

    @property
    def bytes_per_s(self) -> int | None:
        """What the line has brought while anything was under way, None where that was too little to tell."""
        measured = self._flow.total.measured
        return None if measured is None else round(measured)

    async def at_risk(self) -> int:
        """Return how many links may die before they are fetched, as ``list --at-risk`` names them."""
        look = functools.partial(
            links_at_risk, now=self._wires.polyv_now(), places=self._places, bytes_per_s=self.bytes_per_s
        )
        return len(await self._wires.ledger.read(look))

    def tick(self, *, now: float) -> None:
        """See how fast bytes come, and open a place beyond the usual ones for a link that would die without it.

        Args:
            now: Monotonic seconds; to be called a few times a second.
        """
        self._flow.look(now=now)
        if self._fetching.active and self._is_due(now):
            self._wires.news.set()
        now_ms = self._wires.polyv_now()
        ends_at = [None if ends is None else now_ms + round(ends * 1000) for ends in self._flow.ends_in_s()]
        wanted = places_wanted([one.deadline for one in self._fetching.waiting], ends_at, now=now_ms)
        if wanted or len(ends_at) <= self._places:
            places = max(self._places, len(ends_at) + wanted)
            self._fetching.set_places(min(places, _MOST_EXTRA * self._places))

    async def look(self) -> None:
        """Plan where it is time to."""
        loop, rate = asyncio.get_running_loop(), self._flow.total.bytes_per_s
        if rate is None or not self._is_due(loop.time()):
            return
        began, self._rate = loop.time(), rate
        await self._plan(rate)
        self._rested_at = loop.time() + max(_LEAST_S, _COST * (loop.time() - began))
        self._due_at = loop.time() + _EVERY_S

    def _is_due(self, now: float) -> bool:
        """Tell whether to plan anew: because it was long ago, or the line has become another one."""
        rate = self._flow.total.bytes_per_s
        if rate is None or now < self._rested_at:
            return False
        is_other = self._rate is None or abs(rate - self._rate) > _RATE_CHANGED * self._rate
        return is_other or now >= self._due_at

    async def _plan(self, rate: float) -> None:
        ledger, now = self._wires.ledger, self._wires.polyv_now()
        line = Line(bytes_per_s=rate, places=self._places, under_way=self._flow.under_way())
        found, before = await ledger.read(load), await ledger.read(past)
        if not found.count or (not found.postponed and fits(found, before, line, now=now)):
            return
        ready = [one for one in await self._ready() if one.id not in self._fetching.begun]
        if len(ready) > PAGE:
            plan = await asyncio.to_thread(plan_of, ready, before, line, now=now)
        else:
            plan = plan_of(ready, before, line, now=now)
        await self._keep(ready, plan)
        await self._tell(plan)

    async def _ready(self) -> list[Prospect]:
        """Read page by page: claims and records come in between."""
        ready: list[Prospect] = []
        page = await self._wires.ledger.read(functools.partial(prospects_after, last_id=0))
        while page:
            ready += page
            page = await self._wires.ledger.read(functools.partial(prospects_after, last_id=page[-1].id))
        return ready

    async def _keep(self, ready: list[Prospect], plan: Plan) -> None:
        """Write down what the plan puts elsewhere than the one before."""
        changed = {one.id: rank for one in ready if (rank := plan.ranks.get(one.id, 0)) != one.postponed}
        for some in _portions(changed):
            await self._wires.ledger.write(functools.partial(keep_ranks, ranks=some))
        if changed:
            self._fetching.reorder()

    async def _tell(self, plan: Plan) -> None:
        """Name what cannot be fetched in time, before it dies: once, and again where it has become more."""
        count = len(plan.lost)
        if count <= self._told:
            return
        if not self._told:
            _log.warning("%d links will die before they can be fetched: 'fetcher list --at-risk' names them", count)
        self._told = count
        vids = await self._wires.ledger.read(functools.partial(vids_of, video_ids=list(plan.lost[:_NAMED])))
        self._wires.notify({"type": "at_risk", "count": count, "vids": vids})


def _portions(ranks: Mapping[int, int]) -> list[dict[int, int]]:
    items = list(ranks.items())
    return [dict(items[start : start + PAGE]) for start in range(0, len(items), PAGE)]
