"""Workers that are opened when they are first needed, with the real ones behind them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.credentials import Credentials
from fetcher.domain.errors import TransferStoppedError
from fetcher.domain.link import Link
from fetcher.downloader.orders import Order
from fetcher.downloader.worker import Downloader
from fetcher.polyv.client import PolyvClient
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Settings
from fetcher.simulator.server import Simulator
from fetcher.sync.clocks import LinkClocks
from fetcher.sync.late import Late, LateDownloader, LatePolyv
from fetcher.sync.workers import opened_downloader, polyv_client

_ORDER = Order(
    video_id=1, vid="v", link=Link(url="http://127.0.0.1:9/v.mp4", obtained_at=0, success_at=None), path="v.mp4"
)


class _Door:
    """Opens a real client, and tells how often that happened and whether it was closed."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.openings = 0
        self.is_closed = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[PolyvClient]:
        self.openings += 1
        settings = Settings(api_url=self._simulator.url)
        credentials = Credentials(app_id=self._simulator.app_id, app_secret=self._simulator.app_secret)
        async with polyv_client(settings, credentials, PolyvClock(self._simulator.now)) as client:
            await asyncio.sleep(0)  # Others come while it is being opened.
            yield client
        self.is_closed = True


async def _no_other(order: Order) -> None:
    del order


async def test_many_first_questions_open_one_client() -> None:
    """And it is closed with all else."""
    with Simulator() as simulator:
        library, door = simulator.library, _Door(simulator)
        tasks = [library.create_task([library.add_video().vid]) for _ in range(5)]
        async with AsyncExitStack() as stack:
            polyv = LatePolyv(Late(door.open, stack))
            before = (door.openings, polyv.calls, polyv.retry_in_s())
            answers = await asyncio.gather(*(polyv.get_task(task) for task in tasks))

            assert (0, 0, 0.0) == before
            assert (1, 5, 0.0) == (door.openings, polyv.calls, polyv.retry_in_s())
            assert [1] * 5 == [len(answer.items) for answer in answers]
        assert door.is_closed


async def test_a_stop_holds_for_a_downloader_that_is_not_there_yet(tmp_path: Path) -> None:
    """The signal may come before the first download does."""
    (tmp_path / "parts").mkdir()

    def opens() -> AbstractAsyncContextManager[Downloader]:
        return opened_downloader(
            Settings(api_url="http://127.0.0.1:9"),
            jobs=1,
            root=tmp_path,
            parts=Parts(tmp_path / "parts"),
            placing=Placing(tmp_path),
            now=lambda: 0,
            sightings=LinkClocks(1800, now=lambda: 0),
        )

    async with AsyncExitStack() as stack:
        late = LateDownloader(Late(opens, stack))
        late.stop()

        assert (0, {}) == (late.fetched, late.running)
        with pytest.raises(TransferStoppedError):
            await late.download(_ORDER, _no_other)
