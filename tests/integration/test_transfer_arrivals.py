"""However the bytes of a file arrive, on both paths: the same file and digest, or an error and a sound beginning.

An origin on a raw socket frames the body in any way that RFC 9112 knows, sends it in pieces of any size and breaks
off at any byte of the wire, the head's and the framing's bytes too.
"""

import hashlib
import socket
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origin import Exchange, OriginServer
from path_cases import PATHS, reached_by
from transfer_cases import PlainPart, Try, origin_here, video

from fetcher.domain.errors import TransferError
from fetcher.transfer.fetch import Fetched
from fetcher.transfer.origin import Origin

_LARGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How one answer comes. Called with the exchange, it comes so."""

    framing: str
    """``length``, ``chunked`` or ``close``: how the body's end is told."""
    chunks: tuple[int, ...]
    """Sizes of the first chunks; the rest is one."""
    extension: bytes
    trailer: bytes
    pieces: tuple[int, ...]
    """Sizes of the first pieces that are sent; the rest is one."""
    cut: int | None
    """Bytes of the wire after which the line breaks, None where it holds."""
    resets: bool
    """Whether it breaks by a reset."""

    def __call__(self, exchange: Exchange) -> None:
        """Answer."""
        wire = self._wire(exchange)[: self.cut]
        at = 0
        for size in (*self.pieces, len(wire)):
            exchange.conn.sendall(wire[at : at + size])
            at += size
        exchange.keeps = self.cut is None and self.framing != "close"
        if self.cut is not None and self.resets:
            exchange.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _wire(self, exchange: Exchange) -> bytes:
        status, headers, body = exchange.right()
        if self.framing != "length" and status != 416:
            del headers["Content-Length"]
        if self.framing == "chunked" and status != 416:
            headers["Transfer-Encoding"] = "chunked"
            body = self._chunked(body)
        lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    def _chunked(self, body: bytes) -> bytes:
        framed, at = [], 0
        for size in (*self.chunks, len(body)):
            if piece := body[at : at + size]:
                framed.append(b"%x%b\r\n%b\r\n" % (len(piece), self.extension, piece))
            at += size
        return b"".join([*framed, b"0" + self.extension + b"\r\n" + self.trailer + b"\r\n"])


_ARRIVALS = st.builds(
    Arrival,
    framing=st.sampled_from(["length", "chunked", "close"]),
    chunks=st.lists(st.integers(1, 3000), max_size=6).map(tuple),
    extension=st.sampled_from([b"", b";a", b";a=1", b';a="b c";d=e']),
    trailer=st.sampled_from([b"", b"X: y\r\n", b"X: y\r\nZ:\r\n"]),
    pieces=st.lists(st.integers(1, 400) | st.integers(1, _LARGEST), max_size=6).map(tuple),
    cut=st.none() | st.integers(0, 400) | st.integers(0, 2 * _LARGEST),
    resets=st.booleans(),
)


@pytest.fixture(scope="module", params=PATHS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OriginServer]:
    with (
        pytest.MonkeyPatch.context() as environ,
        reached_by(request.param, tmp_path_factory.mktemp("path"), environ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def origin(server: OriginServer) -> Iterator[Origin]:
    assert server
    with origin_here() as asked:
        yield asked


def _is_beginning(part: PlainPart, body: bytes) -> bool:
    return not part.path.exists() or body.startswith(part.bytes)


def _tried(tries: Try, url: str) -> Fetched:
    """Try once, from where the last try ended."""
    return tries.go_on(url) if tries.heads and tries.part.path.exists() else tries.fetch(url)


@settings(max_examples=150, deadline=None)
@given(
    size=st.integers(1, _LARGEST),
    arrivals=st.lists(_ARRIVALS, max_size=4),
    buffer_size=st.integers(1, 600) | st.integers(1, 2 * _LARGEST),
    has_etag=st.booleans(),
)
def test_however_the_bytes_arrive_the_file_and_its_digest_are_the_same(
    *, server: OriginServer, origin: Origin, size: int, arrivals: list[Arrival], buffer_size: int, has_etag: bool
) -> None:
    body = video(size, seed=size)
    url = server.add("/a.mp4", body, etag="" if has_etag else None)
    server.forget("/a.mp4")
    server.script("/a.mp4", arrivals)
    with tempfile.TemporaryDirectory() as directory:
        tries = Try(origin, PlainPart(Path(directory) / "a.part"), buffer_size=buffer_size)
        fetched, failures = None, 0
        while fetched is None:
            try:
                fetched = _tried(tries, url)
            except TransferError:
                failures += 1
                assert _is_beginning(tries.part, body)
                assert failures <= len(arrivals)  # Each failure has its cause.

        assert body == tries.part.bytes
        assert (size, hashlib.sha256(body).hexdigest()) == (fetched.size, fetched.digests["sha256"])


@settings(max_examples=60, deadline=None)
@given(
    arrivals=st.lists(_ARRIVALS, min_size=1, max_size=6),
    sizes=st.lists(st.integers(1, 3000), min_size=6, max_size=6),
)
def test_files_that_follow_each_other_are_never_mixed_up(
    *, server: OriginServer, origin: Origin, arrivals: list[Arrival], sizes: list[int]
) -> None:
    """A connection that served one file serves the next: what is left of the one must not open the other."""
    with tempfile.TemporaryDirectory() as directory:
        for number, (arrival, size) in enumerate(zip(arrivals, sizes, strict=False)):
            body = video(size, seed=1000 + number)
            url = server.add(f"/{number}.mp4", body)
            server.forget(f"/{number}.mp4")
            server.script(f"/{number}.mp4", [arrival])
            tries = Try(origin, PlainPart(Path(directory) / f"{number}.part"))
            try:
                tries.fetch(url)
            except TransferError:
                assert _is_beginning(tries.part, body)
            else:
                assert body == tries.part.bytes
