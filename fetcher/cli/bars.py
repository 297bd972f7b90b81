"""Progress on a terminal: one bar of all bytes, and of a run one line per running file."""

import asyncio
import contextlib
import io
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

from tqdm import tqdm

from fetcher.cli.lines import write_all
from fetcher.cli.logs import said_by
from fetcher.sync.wires import Downloads

_EVERY_S: Final = 0.2
_LAST_S: Final = 1.0
"""Seconds in which the bars have to be gone."""
_STYLE: Final[dict[str, Any]] = {
    "unit": "B",
    "unit_scale": True,
    "unit_divisor": 1024,
    "mininterval": 0,
    "dynamic_ncols": True,
    "leave": False,
}


class _Terminal(io.TextIOBase):
    """Stderr without the interpreter's buffer, on whose lock the end of the process would wait."""

    encoding = sys.stderr.encoding

    def fileno(self) -> int:
        return sys.stderr.fileno()

    def isatty(self) -> bool:
        return os.isatty(self.fileno())

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):
            write_all(self.fileno(), text.encode(self.encoding, "backslashreplace"))
        return len(text)


@contextlib.asynccontextmanager
async def show_bars(downloader: Downloads) -> AsyncIterator[None]:
    """Show what *downloader* does while the block runs."""

    def draw(terminal: _Terminal, ending: threading.Event) -> None:
        bars = _Bars(downloader, terminal)
        while not ending.wait(_EVERY_S):
            bars.draw()
        bars.close()

    drawing = _Drawing(draw)
    with drawing.said_above():
        try:
            yield
        finally:
            await asyncio.to_thread(drawing.end)


@contextlib.contextmanager
def show_bytes(count: Callable[[], int], *, total: int) -> Iterator[None]:
    """Show how many of *total* bytes there are while the block runs."""

    def draw(terminal: _Terminal, ending: threading.Event) -> None:
        bar = tqdm(total=total, **_STYLE, file=terminal, disable=None)
        while not ending.wait(_EVERY_S):
            bar.n = count()
            bar.refresh()
        bar.close()

    drawing = _Drawing(draw)
    with drawing.said_above():
        try:
            yield
        finally:
            drawing.end()


class _Drawing:
    """A thread that draws: a terminal that is held (Ctrl-S) holds what is shown, not the run.

    Args:
        draw: Draws on a terminal until the event is set.
    """

    def __init__(self, draw: Callable[[_Terminal, threading.Event], None]) -> None:
        tqdm.monitor_interval = 0  # Its thread would be waited for at the end of the process.
        # Made when it is first asked for: two threads at once would make two.
        tqdm.get_lock()  # type: ignore[no-untyped-call]
        self._ending, self._terminal = threading.Event(), _Terminal()
        self._thread = threading.Thread(target=draw, args=(self._terminal, self._ending), daemon=True)
        self._thread.start()

    def said_above(self) -> contextlib.AbstractContextManager[None]:
        """Have what is said meanwhile stand above what is drawn."""
        return said_by(lambda line: tqdm.write(line, file=self._terminal))

    def end(self) -> None:
        """Take the bars away; a terminal that does not let them is not waited for."""
        self._ending.set()
        self._thread.join(_LAST_S)


class _Bars:
    """Each running file takes a free slot below the total."""

    def __init__(self, downloader: Downloads, terminal: _Terminal) -> None:
        self._downloader = downloader
        self._style = {**_STYLE, "file": terminal, "disable": None}
        self._total = tqdm(desc="total", position=0, **self._style)
        self._files: dict[str, tuple[int, tqdm[Any]]] = {}

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
            self._files[vid] = slot, tqdm(desc=vid[:12], position=slot, **self._style)
        return self._files[vid][1]

    def close(self) -> None:
        for _, bar in self._files.values():
            bar.close()
        self._total.close()
