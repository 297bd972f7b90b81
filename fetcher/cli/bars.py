"""Progress on a terminal: one bar of all bytes, one line per running file."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from fetcher.sync.wires import Downloads

_EVERY_S: Final = 0.2
_STYLE: Final[dict[str, Any]] = {
    "unit": "B",
    "unit_scale": True,
    "unit_divisor": 1024,
    "mininterval": 0,
    "dynamic_ncols": True,
    "leave": False,
}


@contextlib.asynccontextmanager
async def show_bars(downloader: Downloads) -> AsyncIterator[None]:
    """Show what *downloader* does while the block runs."""
    bars = _Bars(downloader)
    drawing = asyncio.create_task(bars.draw_on())
    try:
        with logging_redirect_tqdm():
            yield
    finally:
        drawing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await drawing
        bars.close()


class _Bars:
    """Each running file takes a free slot below the total."""

    def __init__(self, downloader: Downloads) -> None:
        self._downloader = downloader
        self._total = tqdm(desc="total", position=0, disable=None, **_STYLE)
        self._files: dict[str, tuple[int, tqdm[Any]]] = {}

    async def draw_on(self) -> None:
        while True:
            self.draw()
            await asyncio.sleep(_EVERY_S)

    def draw(self) -> None:
        running = dict(self._downloader.running)
        for vid in self._files.keys() - running.keys():
            self._files.pop(vid)[1].close()
        for vid, meter in running.items():
            if meter.is_receiving:
                bar = self._bar(vid)
                bar.total = meter.size
                bar.n = meter.have
                bar.refresh()
        self._total.n = self._downloader.fetched
        self._total.refresh()

    def _bar(self, vid: str) -> "tqdm[Any]":
        if vid not in self._files:
            taken = {slot for slot, _ in self._files.values()}
            slot = next(number for number in range(1, len(taken) + 2) if number not in taken)
            self._files[vid] = slot, tqdm(desc=vid[:12], position=slot, disable=None, **_STYLE)
        return self._files[vid][1]

    def close(self) -> None:
        for _, bar in self._files.values():
            bar.close()
        self._total.close()
