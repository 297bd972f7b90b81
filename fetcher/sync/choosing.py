"""Which of the wanted videos the next task is to name: as many as there is room for, on the disk and in time."""

import asyncio
import functools
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.space import free_bytes
from fetcher.domain.errors import NoRoomError
from fetcher.domain.waves import Means, held_to, next_task
from fetcher.ledger import requests
from fetcher.sync.measuring import Measuring
from fetcher.sync.wires import Wires

_LOOKED_AT: Final = 1000
"""Wanted videos that are looked at for one task: those that the disk has no room for are passed over."""
_LEAST_FETCHED: Final = 64 << 20
"""Bytes that have to come before this run's own rate says anything of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms videos are asked for."""

    expire_days: int
    budget: int | None
    """``thaw_budget`` in bytes."""
    reserve: int
    """Bytes that stay free on the disk."""
    first_poll_s: float
    """To the first question about a new task, and the first pause after a call that failed."""
    longest_pause_s: float
    limit_rate: int | None = None
    """What the line is held to, bytes a second."""
    looks_every_s: float = 1.0
    """The shortest time between two looks for room, in seconds."""


class Choosing:
    """Looks for what there is room for.

    Args:
        wires: Of the run.
        terms: See there.
        measuring: Looks at the line.
    """

    def __init__(self, wires: Wires, terms: Terms, *, measuring: Measuring) -> None:
        self._wires = wires
        self._terms = terms
        self._measuring = measuring
        self.held_until: int | None = None
        """When what a lost task has asked for may be asked for again, ms UTC; None where nothing waits so."""

    async def choose(self) -> list[int]:
        """Return the videos of the next task by their ids, none where it has to wait."""
        room = await asyncio.to_thread(free_bytes, self._wires.root) - self._terms.reserve
        have = await asyncio.to_thread(self._wires.parts.sizes)
        is_busy = bool(self._wires.downloader.running)
        return await self._wires.ledger.read(functools.partial(self._choose, room=room, have=have, is_busy=is_busy))

    def _choose(self, connection: Connection, *, room: int, have: dict[int, int], is_busy: bool) -> list[int]:
        now, usual = self._wires.now(), requests.usual_size(connection)
        outstanding = requests.outstanding(connection, now=now, usual=usual, have=have)
        means = Means(
            rate=held_to(self._own_rate() or requests.measured_rate(connection), self._terms.limit_rate),
            expire_days=self._terms.expire_days,
            budget=self._terms.budget,
            outstanding=outstanding,
            room=room - outstanding,
        )
        self.held_until = requests.held_until(connection, now=now)
        if means.is_used_up:
            return []  # Sorting all that is wanted takes its time.
        looked_at = list(requests.wanted(connection, now=now, usual=usual, have=have, limit=_LOOKED_AT))
        chosen = next_task(looked_at, means, is_busy=is_busy)
        if not chosen and (unfit := sum(video.missing > means.room for video in looked_at)):
            self._left_out(unfit, means.room)
        return [video.video_id for video in chosen]

    def _left_out(self, videos: int, room: int) -> None:
        """Keep that the disk has no room for what is wanted: another run changes nothing of that."""
        shown = f"{videos} or more" if videos == _LOOKED_AT else videos
        text = (
            f"no room for videos that are wanted: {shown}; {max(room, 0)} bytes are free beside min_free and what "
            "is on its way. They are not asked for until there is more: free some, or lower min_free"
        )
        self._wires.summary.error = self._wires.summary.error or NoRoomError(text)

    def _own_rate(self) -> float | None:
        """Return what this run's downloads have shown of the line, bytes a second; None where it is too little."""
        is_enough = self._wires.downloader.fetched >= _LEAST_FETCHED
        return self._measuring.bytes_per_s if is_enough else None
