"""A small proxy: opens tunnels (CONNECT) to one server, whatever name is asked for, and passes on how they end."""

import contextlib
import socket
import struct

from threaded_server import ThreadedServer


class TunnelProxy(ThreadedServer):
    """Leads every tunnel to ``port`` on this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.asked: list[str] = []
        """Whom each tunnel was asked for, ``host:port``."""
        self._port_behind = port

    @property
    def url(self) -> str:
        """Where the proxy is."""
        return f"http://{self.host}:{self.port}"

    def converse(self, conn: socket.socket, number: int) -> None:
        """Lead one tunnel until one of its ends has enough."""
        del number
        with (
            contextlib.suppress(OSError),
            conn,
            socket.create_connection(("127.0.0.1", self._port_behind)) as onward,
            self.hold(conn, onward),
        ):
            head = b""
            while b"\r\n\r\n" not in head:
                head += (piece := conn.recv(65536))
                if not piece:
                    return
            self.asked.append(head.split(b" ")[1].decode("ascii"))
            conn.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = self.start(_pump, conn, onward)
            _pump(onward, conn)
            back.join()


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
