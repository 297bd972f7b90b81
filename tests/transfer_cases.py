"""What the tests of the bytes' way share: bodies, tries with short time-outs, a certificate, a fixed part."""

import hashlib
import os
import random
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from origin import OriginServer

from fetcher.transfer.fetch import Fetched, Known, Tools, fetch
from fetcher.transfer.meter import Meter
from fetcher.transfer.origin import Origin
from fetcher.transfer.pace import Pace
from fetcher.transfer.turn import Turn

MIB: Final = 1 << 20


def video(size: int, *, seed: int = 1) -> bytes:
    """Return *size* bytes that no two places share and that open like no page."""
    return (b"\x00\x00\x00\x18ftypmp42" + random.Random(seed).randbytes(size))[:size]


class PlainPart:
    """The growing file of a try, at one path."""

    is_new = False

    def __init__(self, path: Path, content: bytes = b"") -> None:
        self.path = path
        self.restarts = 0
        path.write_bytes(content)

    def open(self) -> int:
        """Return a descriptor."""
        return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)

    def restart(self) -> None:
        """Drop the file."""
        self.restarts += 1
        self.path.unlink(missing_ok=True)

    @property
    def bytes(self) -> bytes:
        """What has come."""
        return self.path.read_bytes()


class Try:
    """One try after another at one URL, each going on where the last one ended."""

    def __init__(
        self,
        origin: Origin,
        part: PlainPart,
        *,
        known: Known | None = None,
        buffer_size: int = 65536,
        ensure_space: Callable[[int], None] = lambda _: None,
        bytes_per_s: int | None = None,
    ) -> None:
        self.heads: list[Known] = []
        self.meter = Meter(pace=None if bytes_per_s is None else Pace(bytes_per_s))
        self.part = part
        self.known = known or Known()
        self._tools = Tools(
            origin=origin,
            meter=self.meter,
            buffer=memoryview(bytearray(buffer_size)),
            on_head=self.heads.append,
            ensure_space=ensure_space,
            turn=Turn(),
        )

    def fetch(self, url: str) -> Fetched:
        """Try once."""
        return fetch(url, self.part, known=self.known, tools=self._tools)

    def go_on(self, url: str) -> Fetched:
        """Fetch with what the last head told and what is on the disk."""
        told, have = self.heads[-1], self.part.path.stat().st_size
        self.known = Known(
            have=have, size=told.size, etag=told.etag, last_modified=told.last_modified, announced=told.announced
        )
        return self.fetch(url)


@contextmanager
def origin_here(
    *, read_timeout_s: float = 5, loopback_too: bool = True, turn: Turn | None = None
) -> Iterator[Origin]:
    """Yield an origin that may be asked on this machine; nothing is left open afterwards."""
    asked = Origin(loopback_too=loopback_too, connect_timeout_s=2, read_timeout_s=read_timeout_s, turn=turn)
    try:
        yield asked
    finally:
        asked.close()


def serving(body: bytes) -> Any:
    """Return the fixture of a server that has *body* at ``/a.mp4``."""

    @pytest.fixture
    def server() -> Iterator[OriginServer]:
        with OriginServer() as running:
            running.add("/a.mp4", body)
            yield running

    return server


def fetched(origin: Origin, url: str, tmp_path: Path) -> bytes:
    """Try once, and return what has come."""
    part = PlainPart(tmp_path / "a.part")
    Try(origin, part).fetch(url)
    return part.bytes


def resumed(body: bytes, origin: Origin, tmp_path: Path, *, have: int = 100_000, **known: object) -> Try:
    """Return a try whose part has the first *have* bytes of *body* already."""
    facts = {"have": have, "size": len(body), "etag": f'"{hashlib.md5(body).hexdigest()}"'} | known
    return Try(origin, PlainPart(tmp_path / "a.part", body[:have]), known=Known(**facts))  # type: ignore[arg-type]


def certificate(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Return a server's context with a certificate of *authority* for *names*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    return context


def open_descriptors() -> int:
    """Return how many descriptors this process has open."""
    return len(os.listdir("/proc/self/fd"))
