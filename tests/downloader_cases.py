"""What the tests of the downloader share: an archive, a workshop with short clocks, orders and renewals."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from transfer_cases import origin_here

from fetcher.archive.home import Home, create_home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.domain.events import Event
from fetcher.domain.link import Link
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.crew import Crew
from fetcher.downloader.orders import Order, TryAgain
from fetcher.downloader.worker import Downloader
from fetcher.sync.clocks import LinkClocks
from fetcher.transfer.turn import Turn

VID: Final = "1b448be32370f4822ac40fd926112a66_1"
NOW: Final = 1_700_000_000_000
AT: Final = f"{VID}.mp4"


def link(url: str) -> Link:
    """Return a link as Polyv gave it."""
    return Link(url=url, obtained_at=NOW)


class Bench:
    """One archive, and one downloader after another in it."""

    def __init__(self, home: Home, workshop: Workshop) -> None:
        self.home = home
        self.workshop = workshop
        self.renewals: list[Link | None] = []
        """What Polyv answers when it is asked for another link, in order; nothing afterwards."""
        self.renewed = 0
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget all that a run keeps in memory, as one that died does."""
        self.parts = Parts(self.home.parts)
        self.downloader = Downloader(self.workshop, self.parts)

    async def download(
        self, url: str, *, path: str = AT, video_id: int = 7, vid: str = VID, **said: Any
    ) -> Event | TryAgain:
        """Download one video as a run does; *said* of it by Polyv, or of a copy that came before."""
        order = Order(video_id=video_id, vid=vid, link=link(url), path=path, **said)
        return await self.downloader.download(order, self._renew)

    async def _renew(self, _: Order) -> Link | None:
        self.renewed += 1
        return self.renewals.pop(0) if self.renewals else None

    async def part_of(self, size: int) -> None:
        """Wait until at least *size* bytes are in a part, and what they are is written down."""
        until = time.monotonic() + 10
        while not any(path.stat().st_size >= size for path in self.home.parts.glob("*.part")) or (
            not list(self.home.parts.glob("*.memo"))
        ):
            assert time.monotonic() < until
            await asyncio.sleep(0.02)

    @property
    def file(self) -> Path:
        """Where the video's file is in the end."""
        return self.home.root / AT

    @property
    def left(self) -> list[str]:
        """The kinds of files among the parts."""
        return sorted(path.suffix for path in self.home.parts.iterdir())

    @property
    def quarantined(self) -> list[bytes]:
        """What is kept for a person."""
        return [path.read_bytes() for path in sorted(self.home.quarantine.iterdir())]


@contextmanager
def bench_in(directory: Path, **changed: Any) -> Iterator[Bench]:
    """Yield a bench in a new archive, with *changed* over impatient defaults."""
    home = create_home(directory / "library", config="")
    crew, turn = Crew(4), Turn()
    with origin_here(read_timeout_s=changed.pop("read_timeout_s", 5), turn=turn) as origin:
        values: dict[str, Any] = {
            "root": home.root,
            "placing": Placing(home.root),
            "origin": origin,
            "crew": crew,
            "turn": turn,
            "now": lambda: NOW,
            "sightings": LinkClocks(1800, now=lambda: NOW),
        }
        defaults: dict[str, Any] = {"stall_s": 5.0, "reserve": 0, "buffers": []}
        try:
            yield Bench(home, Workshop(**(values | defaults | changed)))
        finally:
            crew.close()
