"""Sends what a plan says, at its pace, to its end or to where it breaks off."""

import asyncio
from collections.abc import Iterator
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fetcher.simulator.line import Line
from fetcher.simulator.plan import Ending, Plan
from fetcher.simulator.recorder import UNFRAMED, wire_of
from fetcher.simulator.wire import Wire

_TICK: Final = 0.05
"""Seconds between two pieces of a body that drips."""


class Delivery(Response):
    """A response that may break off, hold the line, drip, or come without a length."""

    def __init__(self, plan: Plan, line: Line) -> None:
        super().__init__(status_code=plan.status)
        self._plan = plan
        self._line = line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send head and body."""
        unframed = not self._plan.is_framed
        start = {"type": "http.response.start", "status": self._plan.status, UNFRAMED: unframed}
        await send({**start, "headers": self._plan.headers()})
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            if scope["method"] != "HEAD":
                await self._send_pieces(send, gone, unframed=unframed)
            await self._finish(wire_of(scope), send, gone, unframed=unframed)
        finally:
            gone.cancel()

    async def _send_pieces(self, send: Send, gone: asyncio.Future[None], *, unframed: bool) -> None:
        for piece, pause in self._line.cut(_paced(self._plan)):
            if on_line := self._line.pause_s(len(piece)):
                await asyncio.wait([gone], timeout=on_line)
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True, UNFRAMED: unframed})
            if pause:
                await asyncio.wait([gone], timeout=pause)

    async def _finish(self, wire: Wire, send: Send, gone: asyncio.Future[None], *, unframed: bool) -> None:
        if self._plan.cut_after is None and not unframed:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if self._plan.ending is Ending.RESET:
            wire.reset()
        elif self._plan.ending is Ending.CLOSE:
            wire.close()
        await gone


def _paced(plan: Plan) -> Iterator[tuple[bytes, float]]:
    """Yield pieces with the pause after each, in seconds."""
    if plan.rate is None:
        yield from ((piece, 0.0) for piece in plan.pieces())
        return
    step = max(1, int(plan.rate * _TICK))
    for piece in plan.pieces():
        for at in range(0, len(piece), step):
            yield piece[at : at + step], step / plan.rate


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
