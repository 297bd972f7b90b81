"""The bulk path loses, doubles and mixes up nothing, however the bytes arrive. Both kinds of body pass."""

import contextlib
import hashlib
import itertools
import os
import resource
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from origin import Behaviour, Exchange, OriginServer
from origin_faults import chunked
from transfer_cases import PlainPart, Try, origin_here, video

from fetcher.domain.errors import RangeMismatchError, TransferInterruptedError, TransferStoppedError
from fetcher.transfer.body import Body
from fetcher.transfer.digests import Digests
from fetcher.transfer.meter import Meter
from fetcher.transfer.ordinary import OrdinaryTransport
from fetcher.transfer.pace import Pace
from fetcher.transfer.receive import receive
from fetcher.transfer.transport import BulkTransport
from fetcher.transfer.turn import Turn


class _Arrivals:
    """A body that comes in given pieces and may break off."""

    def __init__(self, pieces: list[bytes], *, breaks: bool = False) -> None:
        self._pieces = [piece for piece in pieces if piece]
        self._breaks = breaks

    def readinto(self, view: memoryview) -> int:
        """Give the next piece."""
        if not self._pieces:
            if self._breaks:
                raise httpx.ReadError("gone")
            return 0
        piece = self._pieces.pop(0)
        count = min(len(view), len(piece))
        view[:count] = piece[:count]
        if piece[count:]:
            self._pieces.insert(0, piece[count:])
        return count

    def close(self) -> None:
        """Let go."""
        self._pieces.clear()

    def abort(self) -> None:
        """Break off."""
        self._breaks = True


def _received(
    body: Body, path: Path, buffer_size: int, limit: int | None = None, pace: Pace | None = None
) -> tuple[Digests, Meter]:
    digests, meter = Digests(), Meter(pace=pace)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    try:
        receive(
            body,
            descriptor,
            limit=limit,
            digests=digests,
            meter=meter,
            buffer=memoryview(bytearray(buffer_size)),
        )
    finally:
        os.close(descriptor)
    return digests, meter


def _pace(piece: int | None) -> Pace | None:
    """Return a rate whose bytes are read in such pieces, by a clock so fast that nobody ever waits."""
    hours = itertools.count(0.0, 3600.0)
    return None if piece is None else Pace(64 * piece, monotonic=hours.__next__)


@given(
    pieces=st.lists(st.binary(max_size=90), max_size=12),
    buffer_size=st.integers(1, 200),
    breaks=st.booleans(),
    piece=st.none() | st.integers(1, 200),
)
def test_whatever_arrives_is_on_the_disk_and_in_the_digest(
    *, pieces: list[bytes], buffer_size: int, breaks: bool, piece: int | None
) -> None:
    """What came before a break is written as well: it need not come again."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.part"
        with contextlib.suppress(httpx.ReadError):
            digests, meter = _received(_Arrivals(pieces, breaks=breaks), path, buffer_size, pace=_pace(piece))
            assert not breaks
            assert hashlib.sha256(b"".join(pieces)).hexdigest() == digests.values()["sha256"]
            assert len(b"".join(pieces)) == meter.fetched

        assert b"".join(pieces) == path.read_bytes()


def test_no_read_takes_more_than_the_rate_lets_through_at_once(tmp_path: Path) -> None:
    """A read of a whole buffer would leave a tiny rate's line alone for minutes, and its origin would hang up."""
    asked: list[int] = []

    class _Noting(_Arrivals):
        def readinto(self, view: memoryview) -> int:
            """Give what comes, and note for how much there was room."""
            asked.append(len(view))
            return super().readinto(view)

    _received(_Noting([b"x" * 250, b"y" * 30]), tmp_path / "a", 1000, pace=_pace(100))

    assert [100, 100, 100, 50, 20] == asked


def test_bodies_smaller_than_a_piece_are_within_the_rate_too(tmp_path: Path) -> None:
    began = time.monotonic()
    pace = Pace(64_000)
    for _ in range(40):
        _received(_Arrivals([b"x" * 400]), tmp_path / "a", 1000, pace=pace)

    assert time.monotonic() - began >= 40 * 400 / 64_000


def test_f14_more_than_was_promised_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(RangeMismatchError):
        _received(_Arrivals([b"x" * 10, b"y"]), tmp_path / "a", 4, limit=10)

    assert set(b"x") == set((tmp_path / "a").read_bytes())


def test_an_abort_before_the_next_read_ends_it_and_keeps_what_came(tmp_path: Path) -> None:
    meter, descriptor = Meter(), os.open(tmp_path / "a", os.O_RDWR | os.O_CREAT)
    stopped = TransferStoppedError("enough")

    class _Endless(_Arrivals):
        def readinto(self, view: memoryview) -> int:
            """Give a little, for ever."""
            meter.abort(stopped)
            view[:3] = b"abc"
            return 3

    with pytest.raises(TransferStoppedError):
        receive(
            _Endless([]),
            descriptor,
            limit=None,
            digests=Digests(),
            meter=meter,
            buffer=memoryview(bytearray(100)),
        )
    os.close(descriptor)

    assert b"abc" == (tmp_path / "a").read_bytes()


def test_f79_what_the_disk_refused_is_not_written_a_second_time(tmp_path: Path) -> None:
    """Room comes back the moment after the refusal: a second go would leave the same bytes there twice."""
    content, (soft, hard) = video(200), resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, lambda *_: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            _received(_Arrivals([content]), tmp_path / "a", 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)

    assert content[:150] == (tmp_path / "a").read_bytes()


@pytest.fixture(params=["bulk", "ordinary"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextlib.contextmanager
def _body_of(kind: str, url: str) -> Iterator[Body]:
    """Yield the body of *url* as the bulk path reads it, or as the ordinary one does."""
    if kind == "bulk":
        with contextlib.closing(BulkTransport(read_timeout_s=5)) as bulk:
            body: Body = bulk.ask(url, {}, attach=lambda _: None).body
            yield body
            body.close()
    else:
        context = httpx.create_ssl_context()
        ordinary = OrdinaryTransport(context=context, connect_timeout_s=5, read_timeout_s=5, turn=Turn())
        with contextlib.closing(ordinary):
            _, _, body = ordinary.ask(url, {}, attach=lambda _: None)
            yield body
            body.close()


@pytest.fixture(scope="module")
def server() -> Iterator[OriginServer]:
    with OriginServer() as running:
        yield running


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 400_000), buffer_size=st.integers(1_000, 500_000), is_chunked=st.booleans())
def test_both_kinds_of_body_give_the_same_bytes(
    *, server: OriginServer, kind: str, size: int, buffer_size: int, is_chunked: bool
) -> None:
    body = video(size, seed=size)
    url = server.add("/a.mp4", body)
    if is_chunked:
        server.script("/a.mp4", [chunked(size=max(size // 7, 1))])
    with tempfile.TemporaryDirectory() as directory, _body_of(kind, url) as coming:
        digests, _ = _received(coming, Path(directory) / "a", buffer_size)

        assert body == (Path(directory) / "a").read_bytes()
        assert hashlib.sha256(body).hexdigest() == digests.values()["sha256"]


def _in_pieces(sizes: list[int], cut_at: int) -> Behaviour:
    """Return a behaviour: the right answer in packets of *sizes*, ended after *cut_at* bytes."""

    def behave(exchange: Exchange) -> None:
        status, headers, body = exchange.right()
        exchange.head(status, headers)
        at = 0
        for size in sizes:
            exchange.conn.sendall(body[at : min(at + size, cut_at)])
            at += size
        exchange.conn.sendall(body[at:cut_at])
        exchange.keeps = False

    return behave


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(1, 200_000),
    cuts=st.lists(st.integers(0, 200_000), max_size=4),
    sizes=st.lists(st.integers(1, 40_000), max_size=5),
    buffer_size=st.integers(500, 300_000),
    has_etag=st.booleans(),
)
def test_f12_wherever_the_line_is_cut_every_byte_comes_once(
    *, server: OriginServer, size: int, cuts: list[int], sizes: list[int], buffer_size: int, has_etag: bool
) -> None:
    """The file and its digest are right, and nothing was fetched that was there already: a validator proves it."""
    body = video(size, seed=size)
    url = server.add("/c.mp4", body, etag="" if has_etag else None)
    server.files["/c.mp4"].last_modified = None if has_etag else "Sat, 01 Jan 2022 00:00:00 GMT"
    server.script("/c.mp4", [_in_pieces(sizes, min(cut, size)) for cut in cuts])
    with tempfile.TemporaryDirectory() as directory, origin_here() as origin:
        part = PlainPart(Path(directory) / "c.part")
        tries = Try(origin, part, buffer_size=buffer_size)
        fetched = None
        for attempt in range(len(cuts) + 1):
            with contextlib.suppress(TransferInterruptedError):
                fetched = tries.fetch(url) if attempt == 0 else tries.go_on(url)
                break

        assert body == part.bytes
        assert fetched is not None
        assert hashlib.sha256(body).hexdigest() == fetched.digests["sha256"]
        assert size == tries.meter.fetched
        server.forget("/c.mp4")
