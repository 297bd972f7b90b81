"""Look at all transfers under way, a few times a second, and break off those whose line stands."""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

from fetcher.domain.errors import TransferStalledError
from fetcher.downloader.stall import SLOWEST, StallWatch
from fetcher.transfer.meter import Meter

_TICK_S: Final = 0.5


class Watch:
    """One for all transfers of a run.

    Args:
        stall_s: Seconds in which at least a trickle has to come.
    """

    def __init__(self, *, stall_s: float) -> None:
        self._stall_s = stall_s
        self._stalled = f"less than {SLOWEST} bytes a second came for {stall_s:g} s"
        self._watched: dict[Meter, StallWatch] = {}
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def over(self, meter: Meter) -> Iterator[None]:
        """Watch one transfer for as long as it takes."""
        self._watched[meter] = StallWatch(window_s=self._stall_s)
        if self._timer is None:
            self._look_later()
        try:
            yield
        finally:
            del self._watched[meter]

    def _look_later(self) -> None:
        pause = min(_TICK_S, self._stall_s / 4)
        self._timer = asyncio.get_running_loop().call_later(pause, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self._watched:
            return
        self._look_later()
        now = asyncio.get_running_loop().time()
        for meter, stall in self._watched.items():
            if stall.is_stalled(now=now, fetched=meter.fetched, is_receiving=meter.is_receiving):
                meter.abort(TransferStalledError(self._stalled))
