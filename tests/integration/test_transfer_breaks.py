"""Answers that are none, lines that stand, and how both are broken off."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import httpx
import pytest
from origin import OriginServer, Reply
from origin_faults import (
    mute,
    stall,
)
from threaded_server import closed_port
from transfer_cases import certificate, open_descriptors, video
from transport_cases import CA, ask, read, serving_both, settle, trusting

from fetcher.transfer.connection import Breakable
from fetcher.transfer.transport import BulkTransport

_BODY = video(300_000)

server = serving_both(_BODY)
_AT_ONCE_S = 10.0
"""Seconds, of the thirty that it would take else."""


@pytest.fixture
def patient() -> Iterator[BulkTransport]:
    """Yield a transport that gives nothing up by itself while a test runs."""
    with closing(BulkTransport(context=trusting(), connect_timeout_s=60, read_timeout_s=60)) as bulk:
        yield bulk


def _abort_last(lines: list[Breakable]) -> None:
    lines[-1].abort()


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nabc\r\n0\r\n\r\n",
        b"-3\r\nabc\r\n0\r\n\r\n",
        b"0x3\r\nabc\r\n0\r\n\r\n",
        b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
        b"3\r\nabcdef\r\n0\r\n\r\n",
        b"3\r\nabcXY0\r\n\r\n",
        b"5\r\nabc",
        b"3\r\nabc\r\n",
        b"3\r\nabc\r\n0\r\n",
        b"3\r\nabc\r\n0\r\nX: y",
        b"\r\n",
        b"",
        b"f" * 20_000,
        b"fffffffffffffffff\r\nabc",
    ],
)
def test_f15_a_chunk_that_is_not_to_the_letter_is_a_broken_body(
    server: OriginServer, transport: BulkTransport, chunks: bytes
) -> None:
    server.script("/a.mp4", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks])

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        read(ask(transport, server.url("/a.mp4")))


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01 not http at all",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nno header\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ],
)
def test_a_head_that_is_none_is_a_broken_answer(server: OriginServer, transport: BulkTransport, raw: bytes) -> None:
    server.script("/a.mp4", [raw])
    before = open_descriptors()

    with pytest.raises(httpx.TransportError):
        read(ask(transport, server.url("/a.mp4")))

    server.break_connections()
    settle(lambda: open_descriptors() <= before)


def test_f46_a_line_without_a_byte_runs_into_the_time_out(server: OriginServer, transport: BulkTransport) -> None:
    server.script("/a.mp4", [stall(1000)])

    with pytest.raises(httpx.ReadTimeout):
        read(ask(transport, server.url("/a.mp4")))


@pytest.mark.parametrize("reply", [stall(1000), mute])
def test_f08_an_abort_from_another_thread_is_noticed_at_once(
    server: OriginServer, patient: BulkTransport, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])
    lines: list[Breakable] = []
    threading.Timer(0.3, _abort_last, [lines]).start()
    began = time.monotonic()

    with pytest.raises(httpx.TransportError):
        read(ask(patient, server.url("/a.mp4"), lines.append))

    assert time.monotonic() - began < _AT_ONCE_S


def test_f48_a_handshake_can_be_broken_off(patient: BulkTransport) -> None:
    with OriginServer(tls=certificate(CA)) as slow:
        slow.handshake_wait_s = 30
        lines: list[Breakable] = []
        threading.Timer(0.3, _abort_last, [lines]).start()
        began = time.monotonic()

        with pytest.raises(httpx.TransportError):
            ask(patient, slow.url("/a.mp4"), lines.append)

        assert time.monotonic() - began < _AT_ONCE_S


def test_f48_a_handshake_that_takes_too_long_is_given_up() -> None:
    with OriginServer(tls=certificate(CA)) as slow, closing(BulkTransport(connect_timeout_s=0.3)) as hasty:
        slow.handshake_wait_s = 5

        with pytest.raises(httpx.TimeoutException):
            ask(hasty, slow.url("/a.mp4"))


def test_f48_nobody_listens(transport: BulkTransport) -> None:
    with pytest.raises(httpx.NetworkError):
        ask(transport, f"http://127.0.0.1:{closed_port()}/a.mp4")


def test_f48_connecting_can_be_broken_off(patient: BulkTransport) -> None:
    """A full backlog answers no SYN, as a host that is not there."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.settimeout(0)
            client.connect_ex(full.getsockname())
        lines: list[Breakable] = []
        threading.Timer(0.3, _abort_last, [lines]).start()
        began = time.monotonic()

        with pytest.raises(httpx.TransportError):
            ask(patient, f"http://127.0.0.1:{full.getsockname()[1]}/a.mp4", lines.append)

        assert 0.2 < time.monotonic() - began < _AT_ONCE_S
