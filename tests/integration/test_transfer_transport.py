"""Which connection is used, kept, given up."""

import time
from contextlib import closing
from typing import TYPE_CHECKING

import httpx
import pytest
from origin import Exchange, OriginServer, Reply, rightly
from origin_faults import (
    chunked,
    cut,
    mute,
    reset,
    status,
    then_stray,
    until_close,
    with_headers,
)
from transfer_cases import open_descriptors, video
from transport_cases import ask, read, serving_both, settle, trusting

from fetcher.transfer.transport import BulkTransport

if TYPE_CHECKING:
    from fetcher.transfer.connection import Breakable

_BODY = video(300_000)

server = serving_both(_BODY)


def test_files_of_one_origin_share_a_connection(server: OriginServer, transport: BulkTransport) -> None:
    for _ in range(3):
        assert _BODY == read(ask(transport, server.url("/a.mp4")))

    assert 1 == server.connections


def test_an_idle_connection_that_the_origin_closed_is_replaced_unnoticed(
    server: OriginServer, transport: BulkTransport
) -> None:
    read(ask(transport, server.url("/a.mp4")))
    server.break_connections()
    time.sleep(0.05)

    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


def test_a_connection_that_closes_as_it_is_taken_is_replaced_unnoticed(
    server: OriginServer, transport: BulkTransport
) -> None:
    server.script("/b.mp4", [b""])
    read(ask(transport, server.url("/a.mp4")))

    assert _BODY[::-1] == read(ask(transport, server.url("/b.mp4")))
    assert 2 == server.connections


@pytest.mark.parametrize("reply", [cut(1000), reset(1000)])
def test_a_connection_that_was_cut_is_not_used_again(
    server: OriginServer, transport: BulkTransport, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])
    with pytest.raises(httpx.TransportError):
        read(ask(transport, server.url("/a.mp4")))

    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


def test_a_connection_whose_end_is_the_bodys_end_is_not_used_again(
    server: OriginServer, transport: BulkTransport
) -> None:
    server.script("/a.mp4", [until_close()])

    assert [_BODY] * 2 == [read(ask(transport, server.url("/a.mp4"))) for _ in range(2)]
    assert 2 == server.connections


def test_a_connection_whose_body_was_not_wanted_is_not_used_again(
    server: OriginServer, transport: BulkTransport
) -> None:
    ask(transport, server.url("/a.mp4")).body.close()

    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


def test_a_connection_is_used_again_after_the_few_bytes_of_a_redirect_that_nobody_reads(
    server: OriginServer, transport: BulkTransport
) -> None:
    """Else each file of an origin that sends on to another node would cost a handshake."""

    def sent_on(exchange: Exchange) -> None:
        exchange.conn.sendall(b"HTTP/1.1 302 Found\r\nLocation: /b.mp4\r\nContent-Length: 5\r\n\r\nmoved")

    server.script("/a.mp4", [sent_on])
    ask(transport, server.url("/a.mp4")).body.close()

    assert _BODY[::-1] == read(ask(transport, server.url("/b.mp4")))
    assert 1 == server.connections


def test_f14_what_follows_a_redirect_that_nobody_reads_is_never_the_next_answer(
    server: OriginServer, transport: BulkTransport
) -> None:
    def sent_on(exchange: Exchange) -> None:
        head = b"HTTP/1.1 302 Found\r\nLocation: /b.mp4\r\nContent-Length: 5\r\n\r\nmoved"
        exchange.conn.sendall(head + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

    server.script("/a.mp4", [sent_on])
    ask(transport, server.url("/a.mp4")).body.close()

    assert _BODY[::-1] == read(ask(transport, server.url("/b.mp4")))
    assert 2 == server.connections


def test_as_many_connections_are_kept_as_files_are_fetched_at_once() -> None:
    with OriginServer() as server, closing(BulkTransport(most_idle=40)) as transport:
        server.add("/a.mp4", b"x")
        for _ in range(2):
            for response in [ask(transport, server.url("/a.mp4")) for _ in range(40)]:
                read(response)

        assert 40 == server.connections


@pytest.mark.parametrize("size", [10, 300_000])
def test_f14_what_follows_a_body_is_never_the_next_answer(
    server: OriginServer, transport: BulkTransport, size: int
) -> None:
    """A second answer in the same packet or TLS record would be taken for that of the next file."""
    server.files["/a.mp4"].body = _BODY[:size]
    stray = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"
    server.script("/a.mp4", [then_stray(stray)])

    assert _BODY[:size] == read(ask(transport, server.url("/a.mp4")), size=1 << 20)
    assert _BODY[::-1] == read(ask(transport, server.url("/b.mp4")))
    assert 2 == server.connections


def test_f14_stray_bytes_on_an_idle_connection_are_never_the_next_answer(
    server: OriginServer, transport: BulkTransport
) -> None:
    def stray_later(exchange: Exchange) -> None:
        rightly(exchange)
        exchange.stopping.wait(0.2)
        exchange.conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

    server.script("/a.mp4", [stray_later])
    read(ask(transport, server.url("/a.mp4")))
    time.sleep(0.4)

    assert _BODY[::-1] == read(ask(transport, server.url("/b.mp4")))
    assert 2 == server.connections


def test_an_interim_answer_is_never_followed_by_another_files(
    server: OriginServer, transport: BulkTransport
) -> None:
    """The final answer would come over a connection that somebody else uses by then."""
    server.script("/a.mp4", [status(103)])

    with pytest.raises(httpx.RemoteProtocolError):
        ask(transport, server.url("/a.mp4"))

    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


def test_a_chunked_body_ends_where_it_says_and_the_connection_is_kept(
    server: OriginServer, transport: BulkTransport
) -> None:
    server.script("/a.mp4", [chunked(), chunked(size=1000, trailer=b"X: y\r\n")])

    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert _BODY == read(ask(transport, server.url("/a.mp4")), size=333)
    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 1 == server.connections


def test_headers_need_not_be_ascii(server: OriginServer, transport: BulkTransport) -> None:
    name = 'attachment; filename="视频.mp4"'.encode().decode("latin-1")
    server.script("/a.mp4", [with_headers(content_disposition=name)])

    response = ask(transport, server.url("/a.mp4"))

    assert 'attachment; filename="视频.mp4"' == response.headers["content-disposition"]
    assert _BODY == read(response)


def test_an_abort_after_the_end_does_not_break_the_next_file(
    server: OriginServer, transport: BulkTransport
) -> None:
    lines: list[Breakable] = []
    first = ask(transport, server.url("/a.mp4"), lines.append)
    read(first)
    second = ask(transport, server.url("/b.mp4"))

    lines[-1].abort()
    first.body.abort()

    assert _BODY[::-1] == read(second)
    assert 1 == server.connections


def test_idle_connections_do_not_pile_up(transport: BulkTransport) -> None:
    """An origin that sends every file on to another node would use up all descriptors."""
    with OriginServer() as server:
        server.add("/a.mp4", b"x")
        before = open_descriptors()
        responses = [ask(transport, server.url("/a.mp4")) for _ in range(60)]
        for response in responses:
            read(response)

        settle(lambda: open_descriptors() - before <= 2 * 32)


def test_closing_leaves_no_descriptor(server: OriginServer) -> None:
    before = open_descriptors()
    with closing(BulkTransport(context=trusting())) as bulk:
        server.script("/a.mp4", [cut(5), b"nonsense", status(302, Location="/b.mp4")])
        for _ in range(4):
            try:
                read(ask(bulk, server.url("/a.mp4")))
            except httpx.TransportError:
                continue
    server.break_connections()

    settle(lambda: open_descriptors() <= before)


@pytest.mark.parametrize(
    "interim", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"]
)
def test_interim_answers_are_passed_over(server: OriginServer, transport: BulkTransport, interim: bytes) -> None:
    def hinting(exchange: Exchange) -> None:
        exchange.conn.sendall(interim * 3)
        rightly(exchange)

    server.script("/a.mp4", [hinting])

    assert [_BODY] * 2 == [read(ask(transport, server.url("/a.mp4"))) for _ in range(2)]
    assert 1 == server.connections


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 8,
    ],
)
def test_an_interim_answer_that_is_more_than_one_is_refused(
    server: OriginServer, transport: BulkTransport, interim: bytes
) -> None:
    server.script("/a.mp4", [lambda exchange: exchange.conn.sendall(interim)])

    with pytest.raises(httpx.RemoteProtocolError):
        ask(transport, server.url("/a.mp4"))


@pytest.mark.parametrize("head", [b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 200 OK\r\nConnection: close\r\n"])
def test_a_connection_that_the_origin_will_not_keep_is_not_used_again(
    server: OriginServer, transport: BulkTransport, head: bytes
) -> None:
    server.script("/a.mp4", [lambda exchange: exchange.conn.sendall(head + b"Content-Length: 3\r\n\r\nabc")])

    assert b"abc" == read(ask(transport, server.url("/a.mp4")))
    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


@pytest.mark.parametrize("stray", [b"H", b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"])
def test_f14_what_follows_the_last_chunk_is_never_the_next_answer(
    server: OriginServer, transport: BulkTransport, stray: bytes
) -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + stray
    server.script("/a.mp4", [lambda exchange: exchange.conn.sendall(raw)])

    assert b"abc" == read(ask(transport, server.url("/a.mp4")))
    assert _BODY == read(ask(transport, server.url("/a.mp4")))
    assert 2 == server.connections


@pytest.mark.parametrize("endless", [b"1;" + b"x" * 200_000, b"0\r\n" + b"X: y\r\n" * 40_000])
def test_f15_framing_without_end_is_given_up(
    server: OriginServer, transport: BulkTransport, endless: bytes
) -> None:
    server.script("/a.mp4", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + endless])

    with pytest.raises(httpx.TransportError, match="without end"):
        read(ask(transport, server.url("/a.mp4")))


def test_a_connection_that_was_idle_for_long_is_not_used_again(server: OriginServer) -> None:
    """Whatever lies between may have forgotten it, and tells nobody."""
    with closing(BulkTransport(context=trusting(), longest_idle_s=0.05)) as transport:
        read(ask(transport, server.url("/a.mp4")))
        time.sleep(0.1)
        read(ask(transport, server.url("/a.mp4")))

    assert 2 == server.connections


def test_one_dead_connection_is_enough_to_give_up_the_others(server: OriginServer) -> None:
    """Each would cost a try of its own, and as long as a line may be silent."""
    with closing(BulkTransport(context=trusting(), read_timeout_s=1.5)) as transport:
        bodies = [ask(transport, server.url("/a.mp4")) for _ in range(3)]
        for body in bodies:
            read(body)
        server.script("/a.mp4", [mute])
        with pytest.raises(httpx.ReadTimeout):
            ask(transport, server.url("/a.mp4"))

        assert _BODY == read(ask(transport, server.url("/a.mp4")))
        assert 4 == server.connections
