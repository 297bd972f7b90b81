"""The connection below a request: to drop it, or to write what the HTTP library would not."""

import http
import socket
import struct
from collections.abc import Iterable
from typing import Any

from starlette.types import Message, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class Wire:
    """One client's connection; nothing happens on one that is lost."""

    def __init__(self, protocol: H11Protocol | None) -> None:
        self._protocol = protocol

    def close(self) -> None:
        """Close cleanly once all that was written has gone out."""
        if self._protocol:
            self._protocol.transport.close()

    def reset(self) -> None:
        """Close with a TCP reset; what was not yet sent is lost."""
        if self._protocol is None or self._protocol.transport.is_closing():
            return
        sock: socket.socket = self._protocol.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._protocol.transport.abort()

    async def send(self, message: Message) -> None:
        """Write an ASGI message without any framing: neither a length nor chunks."""
        if self._protocol is None or self._protocol.transport.is_closing():
            return
        if message["type"] == "http.response.start":
            self._protocol.transport.write(_head(message["status"], message["headers"]))
        else:
            self._protocol.transport.write(message.get("body", b""))
            await self._protocol.flow.drain()


def _head(status: int, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"connection: close", b"", b""])


def find_wire(connections: Iterable[Any], scope: Scope) -> Wire:
    """Return the connection that a request came over."""
    client = tuple(scope["client"])
    return Wire(next((each for each in connections if each.client == client), None))
