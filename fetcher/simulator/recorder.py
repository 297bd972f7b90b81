"""The outermost layer: writes down every request and dates every answer."""

from email.utils import formatdate
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fetcher.simulator.records import Entry, RequestRecord, header
from fetcher.simulator.wire import Wire
from fetcher.simulator.world import World

_ENTRY: Final = "fetcher.simulator.entry"
_WIRE: Final = "fetcher.simulator.wire"
UNFRAMED: Final = "fetcher.simulator.unframed"


def entry_of(scope: Scope) -> Entry:
    """Return the handle to a request's record."""
    entry: Entry = scope[_ENTRY]
    return entry


def wire_of(scope: Scope) -> Wire:
    """Return the connection below a request."""
    wire: Wire = scope[_WIRE]
    return wire


class Recorder:
    """Wraps the application; a message marked `UNFRAMED` goes to the wire without a length or chunks."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        entry = self._world.requests.start(self._record(scope))
        scope[_ENTRY], scope[_WIRE] = entry, self._world.wire(scope)
        try:
            await self._app(scope, receive, self._counting(scope, entry, send))
        except Exception as exc:
            self._world.failures.append(exc)
            raise
        finally:
            entry.note(finished=True)

    def _record(self, scope: Scope) -> RequestRecord:
        return RequestRecord(
            received_at=self._world.now(),
            method=scope["method"],
            path=scope["path"],
            range=header(scope["headers"], b"range"),
        )

    def _counting(self, scope: Scope, entry: Entry, send: Send) -> Send:
        wire = wire_of(scope)

        async def counting_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(self._world.now(), usegmt=True).encode()
                message["headers"] = [*message.get("headers", ()), (b"date", date)]
                entry.note(status_code=message["status"])
            elif scope["method"] != "HEAD":
                entry.count(len(message.get("body", b"")))
            await (wire.send if message.get(UNFRAMED) else send)(message)

        return counting_send
