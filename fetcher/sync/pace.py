"""One rate for all transfers together."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from aiolimiter import AsyncLimiter

_SLICE_S: Final = 0.25


class Pace:
    """Lets *bytes_per_s* through, whichever thread asks. To be made on the event loop.

    A quarter of a second's worth may go out at once: a whole second's worth overshoots short measurements.
    """

    def __init__(self, bytes_per_s: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = max(1.0, bytes_per_s * _SLICE_S)
        self._limiter = AsyncLimiter(self._most, self._most / bytes_per_s)

    def __call__(self, count: int, is_aborted: Callable[[], bool]) -> None:
        """Wait, in a transfer's thread, until *count* more bytes are within the rate, or it is aborted."""
        taken = asyncio.run_coroutine_threadsafe(self._take(count), self._loop)
        while not is_aborted():
            with contextlib.suppress(TimeoutError):
                taken.result(timeout=_SLICE_S)
                return
        taken.cancel()

    async def _take(self, count: float) -> None:
        while count > 0:
            piece = min(count, self._most)
            await self._limiter.acquire(piece)
            count -= piece
