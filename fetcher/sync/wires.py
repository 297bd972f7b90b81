"""What the parts of one run share."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fetcher.archive.parts import Parts
from fetcher.downloader.worker import Downloader
from fetcher.ledger.thread import LedgerThread
from fetcher.sync.outcome import Notify, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Wires:
    """The only place where ledger and workers are in one hand."""

    ledger: LedgerThread
    downloader: Downloader
    parts: Parts
    root: Path
    """The archive."""
    owner: str
    """Tells this run from any other, on any machine."""
    now: Callable[[], int]
    """ms UTC, by this machine's clock: what the ledger's own moments are counted in, from run to run."""
    polyv_now: Callable[[], int]
    """ms UTC, by the clock that was corrected after Polyv's: what deadlines are counted in."""
    notify: Notify
    summary: Summary = field(default_factory=Summary)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Set where the run has something to take in or to begin."""
