"""A small origin on a raw socket: keeps connections, answers ranges as RFC 9110 says, misbehaves by script."""

import contextlib
import hashlib
import re
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from threaded_server import ThreadedServer

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PIECE = 262_144


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name."""
    connection: int
    """Which of the connections it came over, from 1."""


@dataclass(slots=True, kw_only=True)
class File:
    """What is served under one path."""

    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    """Sent beside the usual ones."""


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One request on its way to an answer."""

    conn: socket.socket
    request: Request
    file: File | None
    stopping: threading.Event
    keeps: bool = True
    """Whether the connection stays open afterwards."""

    def head(self, status: int, headers: dict[str, str]) -> None:
        """Send a response's head."""
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        self.conn.sendall("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n")

    def right(self) -> tuple[int, dict[str, str], bytes]:
        """Return the status, headers and body that are right."""
        file = self.file
        if file is None:
            return 404, {"Content-Length": "0"}, b""
        headers = {"Accept-Ranges": "bytes"}
        headers |= {"ETag": file.etag} if file.etag else {}
        headers |= {"Last-Modified": file.last_modified} if file.last_modified else {}
        piece = _RANGE.fullmatch(self.request.headers.get("range", ""))
        condition = self.request.headers.get("if-range")
        if piece is None or condition not in (None, file.etag, file.last_modified):
            return 200, {**headers, "Content-Length": str(len(file.body)), **file.headers}, file.body
        first, size = int(piece[1]), len(file.body)
        last = min(int(piece[2]), size - 1) if piece[2] else size - 1
        if first >= size:
            return 416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"}, b""
        headers |= {"Content-Range": f"bytes {first}-{last}/{size}", "Content-Length": str(last + 1 - first)}
        return 206, {**headers, **file.headers}, file.body[first : last + 1]

    def send(self, body: bytes) -> None:
        """Send *body* unless only its head was asked for."""
        if self.request.method != "HEAD":
            for at in range(0, len(body), _PIECE):
                self.conn.sendall(body[at : at + _PIECE])


Behaviour = Callable[[Exchange], None]
Reply = bytes | Behaviour
"""Raw bytes, after which the connection is closed; or what is done with the exchange."""


def rightly(exchange: Exchange) -> None:
    """Answer as an origin has to."""
    status, headers, body = exchange.right()
    exchange.head(status, headers)
    exchange.send(body)


class OriginServer(ThreadedServer):
    """Serves ``files``; what is scripted for a path comes first, one reply a request."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host=host)
        self.files: dict[str, File] = {}
        self.requests: list[Request] = []
        self.handshake_wait_s = 0.0
        self._tls = tls
        self._scripts: defaultdict[str, deque[Reply]] = defaultdict(deque)

    def add(self, path: str, body: bytes, *, etag: str | None = "", **headers: str) -> str:
        """Serve *body* at *path*, return its URL.

        Args:
            path: From ``/`` on.
            body: What is served.
            etag: None for none; by default one of the body's own.
            headers: Others, with ``_`` for ``-``.
        """
        own = f'"{hashlib.md5(body).hexdigest()}"' if etag == "" else etag
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.files[path] = File(body=body, etag=own, headers=named)
        return self.url(path)

    def script(self, path: str, replies: Iterable[Reply]) -> None:
        """Answer the next requests for *path* with *replies*, one each; later ones as it has to be."""
        self._scripts[path].extend(replies)

    def forget(self, path: str) -> None:
        """Drop what is still scripted for *path*."""
        self._scripts[path].clear()

    def url(self, path: str) -> str:
        """Return where *path* is."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}{path}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range of every request so far."""
        return [request.headers.get("range") for request in self.requests]

    def converse(self, conn: socket.socket, number: int) -> None:
        """Answer requests until one of the two has enough."""
        try:
            self.stopping.wait(self.handshake_wait_s)
            if self._tls is not None:
                conn = self._tls.wrap_socket(conn, server_side=True)
        except OSError:
            conn.close()
            return
        with contextlib.suppress(OSError), self.hold(conn), conn:
            conn.settimeout(30)
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self.stopping.is_set() and self._answer(conn, number):
                pass

    def _answer(self, conn: socket.socket, number: int) -> bool:
        """Answer one request; False where the connection ends with it."""
        request = _read(conn, number)
        if request is None:
            return False
        self.requests.append(request)
        scripted = self._scripts[request.path]
        reply = scripted.popleft() if scripted else rightly
        exchange = Exchange(conn=conn, request=request, file=self.files.get(request.path), stopping=self.stopping)
        if isinstance(reply, bytes):
            conn.sendall(reply)
            return False
        reply(exchange)
        return exchange.keeps


def _read(conn: socket.socket, number: int) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = conn.recv(65536)
        if not piece:
            return None
        received += piece
    first, *lines = received.partition(b"\r\n\r\n")[0].decode("ascii").split("\r\n")
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Request(method=method, path=path, query=query, headers=headers, connection=number)
