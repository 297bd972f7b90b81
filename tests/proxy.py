"""A small proxy: opens tunnels (CONNECT) to one server, whatever name is asked for, and passes on how they end."""

import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Self


class TunnelProxy:
    """Leads every tunnel to ``port`` on this machine."""

    def __init__(self, port: int) -> None:
        self.asked: list[str] = []
        """Whom each tunnel was asked for, ``host:port``."""
        self._port = port
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A close alone leaves the thread inside accept().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for conn in list(self._open):
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def _start(self, target: object, *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self._start(self._lead, client)

    def _lead(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, socket.create_connection(("127.0.0.1", self._port)) as onward:
            self._open |= {client, onward}
            head = b""
            while b"\r\n\r\n" not in head:
                head += (piece := client.recv(65536))
                if not piece:
                    return
            self.asked.append(head.split(b" ")[1].decode("ascii"))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = self._start(_pump, client, onward)
            _pump(onward, client)
            back.join()
        self._open -= {client, onward}


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes; an end is passed on as an end, a reset as a reset."""
    with contextlib.suppress(OSError):
        try:
            while piece := source.recv(65536):
                sink.sendall(piece)
        except ConnectionResetError:
            sink.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Both ways end: a half of a TLS connection is of no use to anybody.
        for conn in (sink, source):
            conn.shutdown(socket.SHUT_RDWR)
