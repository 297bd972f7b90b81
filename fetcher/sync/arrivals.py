"""How fast links have come in this run, and what is to come if they go on like that."""

import asyncio
from collections.abc import Sequence

from fetcher.domain.coming import coming
from fetcher.ledger.prospects import Past, Prospect, prepared
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

    async def coming(self, ready: Sequence[Prospect], before: Past, *, now: int) -> list[tuple[int, int]]:
        """Return by when each of those to come will have to be begun, ms UTC, and its bytes.

        Args:
            ready: What has links, by when to begin; none comes where the last of them does not tell.
            before: Says how large a video is of which nobody knows.
            now: ms UTC.
        """
        ends_at = ready[-1].start_by if ready else None
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
