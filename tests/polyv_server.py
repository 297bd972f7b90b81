"""A small API server on a raw socket for the client's tests: checks what a server must, misbehaves by script."""

import email.utils
import hashlib
import json
import socket
import ssl
import struct
import time
from collections import deque
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from threaded_server import ThreadedServer

_LIMIT_MS = 180_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came in."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    raw_target: str
    body: bytes
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes out: the bytes after a pause, then a close, by reset if asked."""

    raw: bytes = b""
    more: tuple[bytes, ...] = ()
    """Sent behind *raw*; the same piece many times over costs its memory once."""
    wait_s: float = 0.0
    reset: bool = False


def answer(body: bytes, *, status: int = 200, headers: tuple[str, ...] = (), cut: int = 0) -> Reply:
    """Return a reply with *body*, the last *cut* bytes of it withheld."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close", *headers]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return Reply(raw=head + body[: len(body) - cut])


def envelope(data: Any) -> bytes:
    """Return a success."""
    return json.dumps({"requestId": "r-1", "code": 200, "status": "success", "error": None, "data": data}).encode()


def refusal(error_code: object, desc: str, *, code: int = 400) -> bytes:
    """Return an envelope that says no."""
    error = {"code": error_code, "desc": desc}
    return json.dumps({"requestId": "r-2", "code": code, "status": "error", "error": error, "data": None}).encode()


class PolyvServer(ThreadedServer):
    """Answers by ``script`` while there is one, then by the rules: timestamp, signature, ``data``."""

    def __init__(self, *, secret: str = "s3cr3t", tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.ahead_s = 0.0
        """How far its clock is ahead."""
        self.sends_date = True
        self.data: Any = []
        """What a right answer holds, or a function that makes it anew for each."""
        self.script: deque[Reply] = deque()
        self.requests: list[Request] = []
        self.secret = secret
        self.tls = tls

    @property
    def url(self) -> str:
        """Where the API is."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def converse(self, conn: socket.socket, number: int) -> None:
        """Answer one request."""
        del number
        try:
            if self.tls is not None:
                conn = self.tls.wrap_socket(conn, server_side=True)
            with conn:
                conn.settimeout(10)
                request = _read(conn)
                self.requests.append(request)
                reply = self.script.popleft() if self.script else self._judge(request)
                self.stopping.wait(reply.wait_s)
                if reply.reset:
                    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                for piece in (reply.raw, *reply.more):
                    conn.sendall(piece)
        except OSError:
            conn.close()  # the client went away, as some tests want it to

    def _judge(self, request: Request) -> Reply:
        now = time.time() + self.ahead_s
        headers = (f"Date: {email.utils.formatdate(now, usegmt=True)}",) if self.sends_date else ()
        if abs(now * 1000 - int(request.params["timestamp"])) > _LIMIT_MS:
            return answer(refusal(100, "invalid timestamp"), headers=headers)
        if self._expected_sign(request.params) != request.params["sign"]:
            return answer(refusal(104, "invalid signature", code=403), headers=headers)
        return answer(envelope(self.data() if callable(self.data) else self.data), headers=headers)

    def _expected_sign(self, params: dict[str, str]) -> str:
        digest = hashlib.md5(self.secret.encode())
        for name, value in sorted(params.items()):
            if name != "sign" and value != "":
                digest.update(name.encode() + value.encode())
        digest.update(self.secret.encode())
        return digest.hexdigest().upper()


def _read(connection: socket.socket) -> Request:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _some(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _some(connection)
    method, target, _ = first.split(" ")
    pairs = parse_qsl(urlsplit(target).query) + parse_qsl(body.decode("ascii"))
    return Request(
        method=method,
        path=urlsplit(target).path,
        params=dict(pairs),
        headers=headers,
        raw_target=target,
        body=body,
        at=time.monotonic(),
    )


def _some(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise ConnectionError("the client hung up")
    return piece
