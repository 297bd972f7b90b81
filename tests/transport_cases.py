"""What the tests of the connections share: a server with and without TLS, requests, whole bodies."""

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
import trustme
from origin import OriginServer
from transfer_cases import certificate

from fetcher.transfer.connection import Breakable
from fetcher.transfer.transport import BulkTransport, Response

CA: Final = trustme.CA()


def serving_both(body: bytes) -> Any:
    """Return the fixture of a server, without TLS and with it, that has *body* and its reverse."""

    @pytest.fixture(params=["http", "https"])
    def server(request: pytest.FixtureRequest) -> Iterator[OriginServer]:
        tls = certificate(CA) if request.param == "https" else None
        with OriginServer(tls=tls) as running:
            running.add("/a.mp4", body)
            running.add("/b.mp4", body[::-1])
            yield running

    return server


def trusting() -> ssl.SSLContext:
    """Return a client's context that trusts ``CA``."""
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


def ask(transport: BulkTransport, url: str, attach: Callable[[Breakable], None] = lambda _: None) -> Response:
    """Return the answer's head."""
    return transport.ask(url, {}, attach=attach)


def read(response: Response, *, size: int = 65536) -> bytes:
    """Return the answer's body, read in pieces of *size*."""
    body = response.body
    buffer, came = memoryview(bytearray(size)), bytearray()
    try:
        while count := body.readinto(buffer):
            came += buffer[:count]
    finally:
        body.close()
    return bytes(came)


def settle(is_so: Callable[[], bool]) -> None:
    """Wait until the server's threads have closed their ends too."""
    until = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)
