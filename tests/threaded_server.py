"""A server on a raw socket: a thread that accepts, and one for each connection."""

import contextlib
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class ThreadedServer:
    """Serves while it is entered. Who inherits says in ``converse`` what is done with a connection.

    Args:
        host: Where to listen.
    """

    def __init__(self, *, host: str = "127.0.0.1") -> None:
        self.connections = 0
        """How many have come so far."""
        self.host = host
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server((self.host, 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self.start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        # A close alone leaves the thread inside accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self.break_connections()
        for thread in self._threads:
            thread.join(timeout=5)

    def converse(self, conn: socket.socket, number: int) -> None:
        """Serve one connection to its end.

        Args:
            conn: The connection.
            number: Which of them it is, from 1.
        """
        raise NotImplementedError

    def start(self, target: Callable[..., None], *args: object) -> threading.Thread:
        """Begin a thread that is waited for at the end."""
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def hold(self, *conns: socket.socket) -> contextlib.ExitStack:
        """Have connections broken when this ends; what is returned takes them out again."""
        self._open.update(conns)
        held = contextlib.ExitStack()
        held.callback(self._open.difference_update, conns)
        return held

    def break_connections(self) -> None:
        """End every connection that is held now."""
        for conn in list(self._open):
            with contextlib.suppress(OSError):
                # Of a TLS connection too: the line itself, without a word.
                socket.socket.shutdown(conn, socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                conn, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            self.start(self.converse, conn, self.connections)


def closed_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port
