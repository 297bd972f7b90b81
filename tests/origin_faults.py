"""Ways in which an origin misbehaves, by name: ``origin.script("/a.mp4", [cut(300_000)])``."""

import itertools
import socket
import struct
from collections.abc import Iterable

from origin import Behaviour, Exchange, rightly


def cut(after: int) -> Behaviour:
    """Announce the right body, send its first *after* bytes and close."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        exchange.head(status, headers)
        exchange.send(body[:after])
        exchange.keeps = False

    return behave


def reset(after: int) -> Behaviour:
    """Send the first *after* bytes, then break the connection by a reset."""

    def behave(exchange: Exchange) -> None:
        cut(after)(exchange)
        exchange.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def half_close(after: int) -> Behaviour:
    """Send the first *after* bytes, then say that no more come, and go on listening until the asker has closed."""

    def behave(exchange: Exchange) -> None:
        cut(after)(exchange)
        # The plain socket's shutdown is called even for TLS: no word of farewell is sent.
        socket.socket.shutdown(exchange.conn, socket.SHUT_WR)
        while exchange.conn.recv(65536):
            pass

    return behave


def bursts(sizes: Iterable[int], *, pause_s: float) -> Behaviour:
    """Send the right body in bursts of *sizes*, again and again, with silence between them."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        exchange.head(status, headers)
        at, coming = 0, itertools.cycle(sizes)
        while at < len(body) and not exchange.stopping.wait(pause_s):
            size = next(coming)
            exchange.send(body[at : at + size])
            at += size

    return behave


def stall(after: int) -> Behaviour:
    """Send the first *after* bytes, then nothing, and keep the connection open."""

    def behave(exchange: Exchange) -> None:
        cut(after)(exchange)
        exchange.stopping.wait(30)

    return behave


def mute(exchange: Exchange) -> None:
    """Take the request and never answer."""
    exchange.stopping.wait(30)
    exchange.keeps = False


def drip(after: int, *, pause_s: float = 0.05) -> Behaviour:
    """Send the first *after* bytes, then one byte at a time."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        exchange.head(status, headers)
        exchange.send(body[:after])
        for at in range(after, len(body)):
            if exchange.stopping.wait(pause_s):
                return
            exchange.conn.sendall(body[at : at + 1])

    return behave


def drip_head(exchange: Exchange) -> None:
    """Send a head that never ends, one byte at a time."""
    exchange.conn.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not exchange.stopping.wait(0.05):
        exchange.conn.sendall(b"x")


def chunked(*, size: int = 70_000, trailer: bytes = b"") -> Behaviour:
    """Send the right body in chunks, without a length."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        del headers["Content-Length"]
        exchange.head(status, {**headers, "Transfer-Encoding": "chunked"})
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            exchange.conn.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        exchange.conn.sendall(b"0\r\n" + trailer + b"\r\n")

    return behave


def until_close(after: int | None = None) -> Behaviour:
    """Send the right body, or its first *after* bytes, without a length, ended by the connection's end."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        del headers["Content-Length"]
        exchange.head(status, headers)
        exchange.send(body[:after])
        exchange.keeps = False

    return behave


def with_headers(**changed: str | None) -> Behaviour:
    """Answer rightly but for some headers (``_`` for ``-``); None leaves one out."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        lower = {name.lower(): value for name, value in headers.items()}
        for name, value in changed.items():
            key = name.replace("_", "-").lower()
            lower.pop(key, None)
            if value is not None:
                lower[key] = value
        exchange.head(status, lower)
        exchange.send(body)
        exchange.keeps = False

    return behave


def unranged(behaviour: Behaviour) -> Behaviour:
    """Do as *behaviour* does with a request that asks for no range."""

    def behave(exchange: Exchange) -> None:
        exchange.request.headers.pop("range", None)
        behaviour(exchange)

    return behave


def whole(exchange: Exchange) -> None:
    """Answer 200 with the whole file whatever range is asked for."""
    unranged(rightly)(exchange)


def short_range(size: int) -> Behaviour:
    """Answer a range with only *size* bytes of it, as a 206 may."""

    def behave(exchange: Exchange) -> None:
        first = exchange.request.headers["range"].removeprefix("bytes=").rstrip("-")
        exchange.request.headers["range"] = f"bytes={first}-{int(first) + size - 1}"
        rightly(exchange)

    return behave


def then_stray(stray: bytes) -> Behaviour:
    """Answer rightly, then send bytes nobody asked for and keep the connection."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in headers.items())]
        exchange.conn.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body + stray)

    return behave


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answer with *code*, *body* and headers (``_`` for ``-``)."""

    def behave(exchange: Exchange) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.head(code, {"Content-Length": str(len(body)), **named})
        exchange.send(body)

    return behave


def redirect(location: str | None, code: int = 302) -> Behaviour:
    """Send the asker on to *location*, or nowhere."""
    return status(code) if location is None else status(code, Location=location)


COLD = b"<?xml version='1.0'?><Error><Code>InvalidObjectState</Code><Message>cold</Message></Error>"
EXPIRED = status(403, b"expired", X_Tengine_Error="denied by req auth: expired timestamp")
LOGIN = b"<!DOCTYPE html><html><body>Please log in to this network</body></html>"


def overlong(more: bytes) -> Behaviour:
    """Send the right body and *more* behind it, without a length; a range's own bounds are told rightly."""

    def behave(exchange: Exchange) -> None:
        code, headers, body = exchange.right()
        del headers["Content-Length"]
        exchange.head(code, headers)
        exchange.send(body + more)
        exchange.keeps = False

    return behave


def instead(body: bytes, code: int | None = None, **headers: str | None) -> Behaviour:
    """Send *body* in place of the right one, under the right status or *code*, with its own length.

    Other headers are the right ones but for *headers* (``_`` for ``-``); None leaves one out.
    """

    def behave(exchange: Exchange) -> None:
        status, right, _ = exchange.right()
        lower = {name.lower(): value for name, value in right.items()} | {"content-length": str(len(body))}
        changed = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        named = {name: value for name, value in (lower | changed).items() if value is not None}
        exchange.head(code or status, named)
        exchange.send(body)
        exchange.keeps = False

    return behave
