"""Heads of responses, read to the letter."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.transfer.head import LengthError, parse_head

_OK = b"HTTP/1.1 200 OK\r\n"


def test_a_head_is_read_whole() -> None:
    head = parse_head(
        b"HTTP/1.1 206 Partial Content\r\nContent-Length:  5 \r\nX-A: 1\r\nx-a: 2\r\nEmpty:\r\n"
        b"Name: \xe8\xa7\x86\r\nOld: \xe9\r\n\r\n"
    )

    assert (206, 5, True, False) == (head.status_code, head.length, head.is_kept, head.is_coded)
    assert {"content-length": "5", "x-a": "1, 2", "empty": "", "name": "视", "old": "é"} == head.headers


@pytest.mark.parametrize(
    ("text", "length", "is_kept", "is_coded"),
    [
        (_OK + b"\r\n", None, True, False),
        (_OK + b"Content-Length: 0\r\n\r\n", 0, True, False),
        (_OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\n", 5, False, False),
        (_OK + b"Content-Length: 5\r\nConnection: x, close\r\n\r\n", 5, False, False),
        (_OK + b"Content-Length: 5\r\nConnection: keep-alive\r\nUpgrade: x\r\n\r\n", 5, True, False),
        (_OK + b"Transfer-Encoding: chunked\r\n\r\n", None, True, True),
        (_OK + b"Transfer-Encoding: gzip\r\n\r\n", None, True, True),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 5, False, False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n", 5, False, False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 0, True, False),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 0, True, False),
        (b"HTTP/1.1 599\r\n\r\n", None, True, False),
    ],
)
def test_how_a_body_ends_and_what_becomes_of_its_connection(
    *, text: bytes, length: int | None, is_kept: bool, is_coded: bool
) -> None:
    head = parse_head(text)

    assert (length, is_kept, is_coded) == (head.length, head.is_kept, head.is_coded)


@pytest.mark.parametrize(
    "lines",
    [
        b"X: a\r\n b\r\n",
        b"X: a\r\n\tb\r\n",
        b"X: a\rb\r\n",
        b"X: a\nY: b\r\n",
        b"X: a\x00b\r\n",
        b"X : a\r\n",
        b": a\r\n",
        b" X: a\r\n",
        b"no header\r\n",
        b"\xe9: a\r\n",
        b"X: y\r\n" * 101,
    ],
)
def test_a_line_that_is_no_header_makes_no_head(lines: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        parse_head(_OK + lines + b"\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\ncontent-length: 6\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: 1_0\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: \xd9\xa5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
    ],
)
def test_f28_a_length_that_two_readers_could_take_for_two_makes_no_head(lines: bytes) -> None:
    with pytest.raises(LengthError):
        parse_head(_OK + lines + b"\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/2.0 200 OK",
        b"HTTP/0.9 200 OK",
        b"HTTP/1.2 200 OK",
        b"RTSP/1.0 200 OK",
        b"ICY 200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1 000 OK",
        b"HTTP/1.1 20 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 abc OK",
        b"HTTP/1.1",
        b"\r\nHTTP/1.1 200 OK",
        b" HTTP/1.1 200 OK",
        b"GET / HTTP/1.1",
        b"HTTP/1.1 200 OK\nX: y",
        b"",
    ],
)
def test_a_status_line_that_is_none_makes_no_head(line: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        parse_head(line + b"\r\n\r\n")


@pytest.mark.parametrize("text", [_OK, _OK + b"X: y\r\n", _OK + b"Content-Length: 3\r\n\r\nabc", _OK + b"\r\nabc"])
def test_what_does_not_end_with_its_blank_line_is_no_head(text: bytes) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        parse_head(text)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_whatever_comes_is_a_head_or_refused_in_one_way(first: bytes, second: bytes) -> None:
    for text in (first, _OK + first + b"\r\n\r\n", b"HTTP/1.1 " + first + b"\r\n" + second + b"\r\n\r\n"):
        try:
            head = parse_head(text)
        except httpx.RemoteProtocolError:
            continue
        assert text.endswith(b"\r\n\r\n")
        assert head.length is None or head.length >= 0
