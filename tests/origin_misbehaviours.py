"""The origins that misbehave, by name: what each does, and what a run makes of it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from misbehaviours import Misbehaviour
from origin import Exchange, Reply, rightly
from origin_faults import (
    COLD,
    EXPIRED,
    LOGIN,
    bursts,
    chunked,
    cut,
    drip,
    drip_head,
    half_close,
    instead,
    mute,
    overlong,
    redirect,
    reset,
    short_range,
    stall,
    status,
    then_stray,
    unranged,
    until_close,
    whole,
    with_headers,
)
from raw_case import BODY, KEY, PATH, SIZE, RawCase

HAVE: Final = 1_200_000
"""Bytes that have come before an origin begins to misbehave towards ranges."""
_REST: Final = f"{HAVE}-{SIZE - 1}"
_STALL_S: Final = "0.4"
_BROKEN_CHUNK: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcdeXX"


def _spoilt(replies: tuple[Reply, ...], *, heals: bool) -> Callable[[RawCase], None]:
    """Answer one request after the other with *replies*; all that follow with the last one, unless it *heals*."""

    def spoil(case: RawCase) -> None:
        case.origin.script(PATH, replies if heals else (*replies, *[replies[-1]] * 20))

    return spoil


def _heals(fault: str, *replies: Reply, requests: int) -> Misbehaviour:
    """Return a misbehaviour that costs a run nothing but requests."""
    return _healed(fault, _spoilt(replies, heals=True), requests=requests)


def _healed(fault: str, spoil: Callable[[RawCase], None], *, requests: int) -> Misbehaviour:
    return Misbehaviour(fault=fault, spoil=spoil, code=0, stands=("done", None), requests=requests)


def _later(
    fault: str, *replies: Reply, said: str, goes_on_from: int | None = 0, stall_s: str = "60"
) -> Misbehaviour:
    """Return one that uses up the tries of a run: exit code 3."""
    return Misbehaviour(
        fault=fault,
        spoil=_spoilt(replies, heals=False),
        code=3,
        said=f"not fetched this time, left to a later run: 1; the last one: {said}",
        stands=("ready", None),
        goes_on_from=goes_on_from,
        environ={"FETCHER_STALL_SECONDS": stall_s},
    )


def _person(fault: str, *replies: Reply, said: str, reason: str) -> Misbehaviour:
    """Return one that needs a person: exit code 4."""
    spoil = _spoilt(replies, heals=False)
    return Misbehaviour(fault=fault, spoil=spoil, code=4, said=said, stands=("failed", reason))


def _give_one_link_only(case: RawCase) -> None:
    """Have Polyv give the same link again and again, and the origin refuse it."""
    row = case.row()
    case.polyv.data = lambda: [row]
    _spoilt((EXPIRED,), heals=False)(case)


def _die_on_the_way(case: RawCase) -> None:
    """Have the link expire while its file is on the way."""
    soon = int(time.time()) + 1
    case.polyv.data = [case.row(url=f"{case.origin.url(PATH)}?auth_key={soon}-{KEY}-0-abcdef")]
    case.origin.script(PATH, [bursts([SIZE // 4], pause_s=0.6), EXPIRED])


def _lead_on(case: RawCase) -> None:
    """Break off, then lead on to where ranges are not heeded."""
    case.origin.add("/mirror.mp4", BODY, etag=case.origin.files[PATH].etag)
    case.origin.script(PATH, [cut(HAVE), redirect("/mirror.mp4")])
    case.origin.script("/mirror.mp4", [whole])


def _weaken(case: RawCase) -> None:
    """Have a weak ETag, break off, and refuse whoever makes a condition of it."""
    case.origin.files[PATH].etag = 'W/"1"'
    case.origin.script(PATH, [cut(HAVE), _strict])


def _strict(exchange: Exchange) -> None:
    is_weak = exchange.request.headers.get("if-range", "").startswith("W/")
    (status(400) if is_weak else rightly)(exchange)


def _another_size(exchange: Exchange) -> None:
    """Answer a range with the whole of a longer file under the same ETag, and all else rightly."""
    if "range" not in exchange.request.headers:
        with_headers()(exchange)
        return
    unranged(with_headers(content_length=str(SIZE + 4)))(exchange)


def _to_the_rest(**changed: str | None) -> tuple[Reply, Reply]:
    """Break off once, then answer the resuming range with other headers."""
    return cut(HAVE), with_headers(**changed)


ORIGINS: Final[Mapping[str, Misbehaviour]] = {
    # Bodies and their lengths.
    "cuts": _later("F12", cut(700_000), said="the body broke off", goes_on_from=1_400_000),
    "cuts once": _heals("F12", cut(HAVE), requests=2),
    "resets": _later("F12", reset(0), said="the connection broke"),
    "closes one direction": _heals("F12", half_close(HAVE), requests=2),
    "ends early without a length": _heals("F13", *[until_close(700_000)] * 3, requests=4),
    "tells no size at all": _later("F13", unranged(until_close(HAVE)), said="the origin tells no size"),
    "sends more than its range": _later("F14", overlong(b"more"), said=f"more than the {SIZE} bytes"),
    "sends more than its length": _heals("F14", then_stray(b"more"), requests=1),
    "breaks a chunk": _later("F15", _BROKEN_CHUNK, said="a broken chunk"),
    "sends chunks": _heals("F15", chunked(), requests=1),
    "begins before the range": _later(
        "F16", *_to_the_rest(content_range=f"bytes {HAVE - 1}-{SIZE - 1}/{SIZE}"), said="asked from byte 1200000"
    ),
    "begins behind the range": _later(
        "F17", *_to_the_rest(content_range=f"bytes {HAVE + 1}-{SIZE - 1}/{SIZE}"), said="asked from byte 1200000"
    ),
    "has another total": _heals("F18", *_to_the_rest(content_range=f"bytes {_REST}/{SIZE + 1}"), requests=3),
    "sends 206 without a Content-Range": _later(
        "F19", *_to_the_rest(content_range=None), said="a partial answer without a Content-Range"
    ),
    "sends a Content-Range that is none": _later(
        "F19", *_to_the_rest(content_range=f"bytes={_REST}"), said="a partial answer without a Content-Range"
    ),
    "sends less than its range": _heals("F20", cut(HAVE), short_range(100_000), short_range(1), requests=4),
    "sends a few bytes at a time": replace(
        _later(
            "F20",
            cut(HAVE),
            short_range(10),
            said="8 answers in a row ended after a few bytes",
            goes_on_from=HAVE + 80,
        ),
        requests=9,
    ),
    "sends 200 to a range": _heals("F21", cut(HAVE), whole, requests=2),
    "sends 200 with a Content-Range": _later(
        "F22", with_headers(content_range=f"bytes 0-{SIZE - 1}/{SIZE}"), said="status 200 with a Content-Range"
    ),
    "sends 200 of another length": _heals("F22", cut(HAVE), _another_size, requests=3),
    "changes its ETag": _heals("F23", *_to_the_rest(etag='"other"'), requests=3),
    "changes its file each time": _person(
        "F23",
        cut(HAVE),
        with_headers(content_range=f"bytes {_REST}/{SIZE + 1}"),
        until_close(),
        short_range(700_000),
        with_headers(content_range=f"bytes 700000-{SIZE - 1}/{SIZE + 1}"),
        said="the file has 1500001 bytes now, it had 1500000",
        reason="unstable",
    ),
    "marks its ETag as weak": _healed("F24", _weaken, requests=2),
    "sends 416": _later(
        "F25",
        cut(HAVE),
        status(416, Content_Range="bytes */999"),
        said="the origin has nothing from byte 1200000 on",
    ),
    "says that the piece it gave is all": _heals(
        "F25", cut(HAVE), status(416, Content_Range=f"bytes */{HAVE}"), requests=3
    ),
    "compresses": _later(
        "F26", with_headers(content_encoding="gzip"), said="the body is encoded although identity was asked for"
    ),
    "sends nothing": _later("F27", status(200), said="the body is empty"),
    "has a giant length": _later(
        "F28", with_headers(content_length="9223372036854775807"), said="a Content-Length"
    ),
    "has a negative length": _later("F28", with_headers(content_length="-5"), said="a Content-Length"),
    "has two lengths": _later(
        "F28", with_headers(content_length=f"{SIZE}\r\nContent-Length: {SIZE + 1}"), said="a Content-Length"
    ),
    "sends wrong bytes once": _heals("F29", with_headers(x_oss_hash_crc64ecma="1"), requests=2),
    "sends wrong bytes": _person(
        "F29", with_headers(x_oss_hash_crc64ecma="1"), said="expected 1; what came is kept as", reason="mismatch"
    ),
    "is a login page": _later(
        "F31", status(200, LOGIN, Content_Type="text/html"), said="a page or an error document came"
    ),
    "sends a login page in place of the rest": _later(
        "F31",
        cut(HAVE),
        status(200, LOGIN, Content_Type="text/html"),
        said="a page or an error document came",
        goes_on_from=HAVE,
    ),
    "sends a login page that fits the range": _later(
        "F31",
        cut(HAVE),
        instead(LOGIN, ETag=None, Content_Range=f"bytes {HAVE}-{HAVE + len(LOGIN) - 1}/{SIZE}"),
        said="a page or an error document came",
        goes_on_from=HAVE,
    ),
    "sends an error in XML": _later("F32", status(200, COLD), said="a page or an error document came"),
    "sends an error in JSON": _later(
        "F32", status(200, b'{"code": "NoSuchKey", "message": "?"}'), said="a page or an error document came"
    ),
    # Links.
    "has let the link expire": _heals("F33", EXPIRED, requests=2),
    "lets the link expire in the middle": _heals("F34", cut(HAVE), EXPIRED, requests=3),
    "has let the only link expire": Misbehaviour(
        fault="F35",
        spoil=_give_one_link_only,
        code=3,
        said="the origin refused the link (403: expired), and Polyv has no other; asked again later",
        stands=("waiting", None),
    ),
    "refuses fresh links": _later("F35", status(403), said="the origin refused the link (403), a fresh link too"),
    "has the file cold again": _person("F35", status(403, COLD), said="gone cold again", reason="window_closed"),
    "wants a login": _person("F37", status(401), said="the origin does not have the file (401)", reason="gone"),
    "has lost the file": _person("F37", status(404), said="the origin does not have the file (404)", reason="gone"),
    "misses the file once": _heals("F37", status(404), requests=2),
    "lets the link expire on the way": _healed("F42", _die_on_the_way, requests=1),
    # Redirects.
    "drops the range where it leads": _healed("F44", _lead_on, requests=3),
    "leads to a private address": _person(
        "F43", redirect("https://10.0.0.1/a.mp4"), said="private address 10.0.0.1", reason="unsafe_link"
    ),
    "leads to the cloud's own data": _person(
        "F43", redirect("https://169.254.169.254/latest"), said="private address", reason="unsafe_link"
    ),
    "leads in circles": _person("F43", redirect(PATH), said="more than 5 redirects", reason="unsafe_link"),
    "leads nowhere": _later("F43", redirect(None), said="the origin answered 302"),
    # The line.
    "drips": _later("F45", drip(0), said="less than 128 bytes a second", goes_on_from=None, stall_s=_STALL_S),
    "drips its head": _later("F45", drip_head, said="less than 128 bytes a second", stall_s=_STALL_S),
    "stalls": _later(
        "F46", stall(1000), said="the line was silent for too long", goes_on_from=2000, stall_s=_STALL_S
    ),
    "says nothing": _later("F46", mute, said="the line was silent for too long", stall_s=_STALL_S),
    "hangs up": _later("F48", b"", said="the connection broke: closed without an answer"),
    "speaks another language": _later("F48", b"220 smtp.example ESMTP\r\n\r\n", said="not HTTP"),
    "is busy": _later("F52", status(503), said="the origin is busy (503)"),
    "is busy for a moment": _heals("F52", status(429, Retry_After="0"), requests=2),
    "is busy until a date that is none": _later(
        "F52", status(503, Retry_After="soon"), said="the origin is busy (503)"
    ),
    "is broken": _later("F54", status(502), said="the origin is busy (502)"),
}
