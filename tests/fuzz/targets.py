"""What foreign bytes go into, and what has to hold of what comes out: one function for each, for any bytes."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import httpx

from fetcher.archive.home import Home
from fetcher.domain.errors import CredentialsRefusedError, PolyvError, TransferError, UsageError
from fetcher.domain.identifiers import printable
from fetcher.domain.link import Link, auth_timestamp, is_usable, without_secret
from fetcher.domain.opening import is_page
from fetcher.polyv.answers import parse_envelope
from fetcher.polyv.tasks import parse_task, parse_task_id
from fetcher.settings import load_settings
from fetcher.transfer.head import parse_head
from fetcher.transfer.judge import Asked, judge

Target = Callable[[bytes], None]
_HAVE: Final = 1000
_SIZE: Final = 5000
_ASKED: Final = (
    Asked(),
    Asked(as_range=True),
    Asked(have=_HAVE, size=_SIZE, etag='"e"', last_modified="m"),
    Asked(have=_HAVE, is_digested=True),
)


def answers(body: bytes) -> None:
    """An answer of Polyv's is an envelope with rows, or an error; no word of it that is kept drives a terminal."""
    with contextlib.suppress(PolyvError, CredentialsRefusedError):
        data = parse_envelope(body, http_status=200)
        with contextlib.suppress(PolyvError):
            parse_task_id(data)
        for item in parse_task(data).items:
            assert printable(item.raw_status) == item.raw_status
            if is_usable(item.url, loopback_too=False):
                assert item.url is not None
                link(item.url.encode(errors="surrogatepass"))


def link(url: bytes) -> None:
    """Of a link that can be used the timestamp is an instant, and what is shown has no query."""
    text = url.decode(errors="replace")
    if is_usable(text, loopback_too=False):
        at = auth_timestamp(text)
        assert at is None or 0 < at < 10**17
        assert "?" not in without_secret(text)
        Link(url=text, obtained_at=1, success_at=1).deadline(lifetime_s=1800)
    assert without_secret(text).isprintable()


def content_range(named: bytes) -> None:
    """A head that is believed puts its body where it was asked for, or at the beginning."""
    value = named.decode("latin-1")
    for asked in _ASKED:
        for status in (200, 206, 416):
            headers = {"content-range": value, "etag": '"e"', "last-modified": "m"}
            _judged(status, headers, asked)
            _judged(status, {"content-length": value, "content-range": "bytes 1000-4999/5000"}, asked)


def response_head(text: bytes) -> None:
    """A head is one that can be judged, or an error of the line."""
    with contextlib.suppress(httpx.RemoteProtocolError):
        head = parse_head(text)
        assert head.length is None or head.length >= 0
        for asked in _ASKED:
            _judged(head.status_code, head.headers, asked)


def _judged(status: int, headers: Mapping[str, str], asked: Asked) -> None:
    with contextlib.suppress(TransferError):
        head = judge(status, headers, asked)
        assert head.offset in (0, asked.have)
        assert head.length is None or head.length >= 0
        assert head.size is None or head.length is None or head.offset + head.length <= head.size
        assert asked.size is None or head.offset == 0 or head.size == asked.size


def config(text: bytes) -> None:
    """A configuration is settings, or one clear refusal."""
    home = Home(Path(_place.name))
    home.config.write_bytes(text)
    with contextlib.suppress(UsageError):
        load_settings(home, {}, {})


def opening(data: bytes) -> None:
    """The first bytes of anything are a page or none; a video's are none, whatever follows."""
    is_page(data)
    assert not is_page(b"\0\0\0\x18ftyp" + data)


_place: Final = tempfile.TemporaryDirectory(prefix="fetcher-fuzz-")
Path(_place.name, ".fetcher").mkdir()

_TASK: Final = (
    b'{"requestId":"r","code":200,"status":"success","error":null,"data":[{"vid":"1b448be32370f4822ac40fd926112a66_1",'
    b'"url":"https://video-dl-2.videocc.net/1/a.mp4?auth_key=1694663401-3iwF-ac59-c71c","status":"SUCCESS",'
    b'"createTime":1694663401000,"successTime":"1694663401"},{"vid":"x","url":null,"status":"PROCESS"}]}'
)
TARGETS: Final[Mapping[str, tuple[Target, tuple[bytes, ...]]]] = {
    "answers": (answers, (_TASK, b'{"code":403,"error":{"code":104,"desc":"invalid signature"},"data":null}')),
    "auth_key": (
        link,
        (b"https://h.example/a/b.mp4?auth_key=1694663401-3iwF-ac59-c71c", b"https://u:p@[::1]:1/?a;b"),
    ),
    "config": (config, (b'jobs = 4\nlimit_rate = "20M"\nlayout = "{vid}{ext}"\n', b"[a]\nb = 1979-05-27\n")),
    "content_range": (content_range, (b"bytes 1000-4999/5000", b"bytes */1000", b"bytes 0-9/*", b"4000")),
    "opening": (opening, (b"<!DOCTYPE html>", b'\xef\xbb\xbf {"a": 1}', b"\0\0\0\x18ftypmp42")),
    "response_head": (
        response_head,
        (
            b'HTTP/1.1 206 P\r\nContent-Range: bytes 1000-4999/5000\r\nContent-Length: 4000\r\nETag: "e"\r\n\r\n',
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nRepr-Digest: sha-256=:AAAA:\r\n\r\n",
            b"HTTP/1.0 503 X\r\nRetry-After: Fri, 01 Jan 2100 00:00:00 GMT\r\nX-Oss-Hash-Crc64ecma: 1\r\n\r\n",
        ),
    ),
}
"""By name: the function, and inputs to begin with."""
