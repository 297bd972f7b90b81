"""How fast links have come in this run, and what is to come if they go on like that."""

import asyncio

from fetcher.domain.coming import coming
from fetcher.domain.groups import Group
from fetcher.ledger.prospects import Past, prepared
from fetcher.sync.wires import Wires


class Arrivals:
    """Counts links of videos that had none before.

    Args:
        wires: Of the run.
    """

    def __init__(self, wires: Wires) -> None:
        self._wires = wires
        self._began_at: float | None = None
        self._count = 0

    def begin(self) -> None:
        """Count from now on."""
        self._began_at = asyncio.get_running_loop().time()

    def count(self, links: int) -> None:
        """Say how many have come."""
        self._count += links

    async def coming(self, ends_at: int | None, before: Past, *, now: int) -> list[Group]:
        """Return what is to come, and by when it will have to be begun.

        Args:
            ends_at: By when to begin the last of what has links, ms UTC; where nobody knows, none comes.
            before: Says how large a video is of which nobody knows.
            now: ms UTC.
        """
        if ends_at is None or self._began_at is None or not self._count:
            return []
        found = await self._wires.ledger.read(prepared)
        mean = [] if before.mean_size is None else [before.mean_size]
        lasted_s = asyncio.get_running_loop().time() - self._began_at
        return coming(
            found.sizes or mean,
            waiting=found.count,
            per_s=self._count / max(lasted_s, 1.0),
            life_ms=ends_at - now,
            now=now,
        )
