"""What the parts of one run share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from fetcher.sync.outcome import Notify, Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from fetcher.archive.parts import Parts
    from fetcher.domain.events import Event
    from fetcher.downloader.orders import Order, Renew, TryAgain
    from fetcher.ledger.thread import LedgerThread
    from fetcher.sync.clocks import LinkClocks
    from fetcher.transfer.meter import Meter


class Downloads(Protocol):
    """Who downloads: made for the first video, or at once."""

    @property
    def running(self) -> Mapping[str, Meter]:
        """The transfers under way, by vid."""
        ...

    @property
    def fetched(self) -> int:
        """Bytes that came over the network so far."""
        ...

    @property
    def threads(self) -> int:
        """How many transfers can be under way now, with places that are to go when what has them has ended."""
        ...

    def stop(self) -> None:
        """Break all transfers off."""
        ...

    def recall(self) -> None:
        """Give back the downloads that stand in line and are not begun."""
        ...

    def resize(self, places: int) -> None:
        """Have *places* transfers under way at a time from now on; those that are go on."""
        ...

    async def download(self, order: Order, renew: Renew) -> Event | TryAgain:
        """Fetch one video and return what happened to it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """The only place where ledger and workers are in one hand."""

    ledger: LedgerThread
    downloader: Downloads
    parts: Parts
    root: Path
    """The archive."""
    owner: str
    """Tells this run from any other, on any machine."""
    now: Callable[[], int]
    """ms UTC, by this machine's clock: what the ledger's own moments are counted in, from run to run."""
    polyv_now: Callable[[], int]
    """ms UTC, by the clock that was corrected after Polyv's: what deadlines are counted in."""
    clocks: LinkClocks
    """How long links live, and whether they are signed anew."""
    notify: Notify
    summary: Summary = field(default_factory=Summary)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the run has something to take in or to begin."""
