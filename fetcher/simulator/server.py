"""Runs the simulator in a thread of this process."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from fetcher.simulator.api import Api
from fetcher.simulator.cdn import Cdn
from fetcher.simulator.recorder import Recorder
from fetcher.simulator.world import World

_HOST: Final = "127.0.0.1"
_PATIENCE: Final = 10.0


class Simulator(World):
    """Polyv's API and CDN on loopback; a context manager.

    Inside the context `url` is bound and answers. Every knob of `World` may be turned at any time.

    Args:
        app_id: Of the simulated sub-account.
        app_secret: Of the simulated sub-account.
        port: 0 lets the operating system choose.
        ssl_certfile: PEM; with it and its key everything is https.
        ssl_keyfile: PEM.
    """

    def __init__(
        self,
        *,
        app_id: str = "simulatedapp",
        app_secret: str = "simulated-app-secret",  # noqa: S107 - guards nothing but the simulator
        port: int = 0,
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
    ) -> None:
        super().__init__(app_id=app_id, app_secret=app_secret)
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                application(self),
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",  # what breaks here breaks on purpose
                access_log=False,
                date_header=False,  # the simulated clock makes its own
                server_header=False,
                ssl_certfile=ssl_certfile,
                ssl_keyfile=ssl_keyfile,
            )
        )

    def __enter__(self) -> Self:
        """Bind, start the thread and wait until it answers."""
        sock = socket.create_server((_HOST, self._port))
        scheme = "https" if self._server.config.ssl_certfile else "http"
        self.url = f"{scheme}://{_HOST}:{sock.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, args=(sock,), name="simulator", daemon=True)
        self._thread.start()
        self._wait_until_started(self._thread)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Drop every connection and stop.

        Raises:
            RuntimeError: The simulator itself failed meanwhile, so that nothing it said can be trusted.
        """
        if self._loop and self._stop and self._thread:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_PATIENCE)
        if self.failures and exc is None:
            raise RuntimeError("the simulator itself failed") from self.failures[0]

    def connections(self) -> Iterable[Any]:
        """Return the open connections."""
        return tuple(self._server.server_state.connections)

    def _run(self, sock: socket.socket) -> None:
        asyncio.run(self._serve(sock))

    async def _serve(self, sock: socket.socket) -> None:
        """Serve until told to stop, then leave at once: uvicorn's own shutdown would wait for clients."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        serving = asyncio.ensure_future(self._server.serve(sockets=[sock]))
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        for listener in self._server.servers:
            listener.close()
        for connection in self.connections():
            connection.transport.abort()
        await asyncio.sleep(0)

    def _wait_until_started(self, thread: threading.Thread) -> None:
        give_up_at = time.monotonic() + _PATIENCE
        while not self._server.started:
            if not thread.is_alive() or time.monotonic() > give_up_at:
                raise RuntimeError("the simulator did not start; see the traceback of its thread")
            time.sleep(0.002)


def application(world: World) -> ASGIApp:
    """Join API and CDN into one application."""
    routes = [*Api(world).routes(), *Cdn(world).routes()]
    return Recorder(Starlette(routes=routes), world)
