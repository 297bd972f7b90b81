"""The APIs that misbehave, by name: what each answers, and what a run makes of it."""

import gzip
from collections.abc import Callable, Mapping
from typing import Any, Final

from misbehaviours import Misbehaviour
from origin_faults import LOGIN, status
from polyv_client_cases import VID
from polyv_server import Reply, answer, envelope, refusal
from raw_case import PATH, RawCase

_MIB: Final = 1 << 20
_NEVER_SEEN: Final = (None, None)
_WAITING: Final = ("waiting", None)
_DONE: Final = ("done", None)
_UNTIMELY: Final = refusal(100, "invalid timestamp")
_HUNDRED_MIB: Final = Reply(
    raw=b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (100 * _MIB),
    more=(b" " * _MIB,) * 100,
)


def _always(reply: Reply) -> Callable[[RawCase], None]:
    """Answer everything with *reply*."""
    return lambda case: case.polyv.script.extend([reply] * 20)


def _unusable(fault: str, reply: Reply, *, said: str) -> Misbehaviour:
    """Return a misbehaviour that gives a run nothing to work with: exit code 3."""
    return Misbehaviour(fault=fault, spoil=_always(reply), code=3, said=said, stands=_NEVER_SEEN)


def _nowhere(fault: str, api_url: str, *, said: str) -> Misbehaviour:
    """Return one that is not to be reached: exit code 3."""
    environ = {"FETCHER_API_URL": api_url, "RES_OPTIONS": "timeout:1 attempts:1"}
    return Misbehaviour(fault=fault, spoil=lambda _: None, code=3, said=said, stands=_NEVER_SEEN, environ=environ)


def _refused(fault: str, reply: Reply, *, said: str) -> Misbehaviour:
    """Return one that no other call would end better: exit code 6."""
    return Misbehaviour(fault=fault, spoil=_always(reply), code=6, said=said, stands=_NEVER_SEEN)


def _holding(
    fault: str, rows: Callable[[RawCase], Any], *, said: str = "", stands: tuple[str | None, str | None] = _DONE
) -> Misbehaviour:
    """Return one whose answers are sound but for what is in them; *rows* makes it anew for each."""

    def spoil(case: RawCase) -> None:
        case.polyv.data = lambda: rows(case)

    return Misbehaviour(fault=fault, spoil=spoil, code=0, said=said, stands=stands)


def _row(
    fault: str, *, said: str = "", stands: tuple[str | None, str | None] = _DONE, **changed: Any
) -> Misbehaviour:
    """Return one whose row of the video has other fields."""
    return _holding(fault, lambda case: [case.row(**changed)], said=said, stands=stands)


def _stamped(fault: str, query: str) -> Misbehaviour:
    """Return one whose link is signed in another form."""
    return _holding(fault, lambda case: [case.row(url=f"{case.origin.url(PATH)}{query}")])


def _answering(http_status: int) -> Callable[[RawCase], None]:
    """Answer rightly under another HTTP status."""

    def spoil(case: RawCase) -> None:
        _always(answer(envelope([case.row()]), status=http_status))(case)

    return spoil


def _skewed(ahead_s: float) -> Callable[[RawCase], None]:
    """Have Polyv's clock *ahead_s* ahead of ours."""

    def spoil(case: RawCase) -> None:
        case.polyv.ahead_s = ahead_s

    return spoil


def _untimely(*headers: str) -> Misbehaviour:
    """Return one that refuses every timestamp, with *headers*."""
    return _refused("F68", answer(_UNTIMELY, headers=headers), said="carries no usable Date")


def _take_back(case: RawCase) -> None:
    """Give a link while the origin is busy, then say that the video is still prepared."""
    case.origin.script(PATH, [status(503)] * 2)
    assert 3 == case.pass_once().code
    case.origin.forget(PATH)
    case.polyv.data = lambda: [case.row(status="PROCESS", url=None, successTime=None)]


def _let_vanish(case: RawCase) -> None:
    """Name the video once, then no more."""
    case.polyv.data = lambda: [case.row(status="INIT", url=None, successTime=None)]
    assert 0 == case.pass_once().code
    case.polyv.data = list


def _busy_for(case: RawCase) -> None:
    """Ask for a second's patience, once."""
    case.polyv.script.append(answer(b"busy", status=429, headers=("Retry-After: 1",)))


APIS: Final[Mapping[str, Misbehaviour]] = {
    # Bodies that are no answer. Each costs a run four questions and the pauses between them.
    "is a page": _unusable("F55", answer(LOGIN), said="HTTP 200 with a page"),
    "says nothing": _unusable("F55", answer(b""), said="HTTP 200 with nothing instead of JSON"),
    "breaks off its JSON": _unusable("F55", answer(envelope([])[:40]), said="with broken or unfinished JSON"),
    "breaks off its body": _unusable("F55", answer(envelope([]), cut=5), said="the connection to 127.0.0.1 broke"),
    "begins with a mark": _unusable(
        "F55", answer(b"\xef\xbb\xbf" + envelope([])), said="with broken or unfinished JSON"
    ),
    "compresses": _unusable(
        "F55", answer(gzip.compress(envelope([])), headers=("Content-Encoding: gzip",)), said="is encoded (gzip)"
    ),
    "sends 100 MiB": _unusable("F55", _HUNDRED_MIB, said="longer than 16777216 bytes; the rest was not read"),
    "nests without end": _unusable(
        "F55", answer(b'{"code": 200, "data": ' + b"[" * _MIB), said="with broken or unfinished JSON"
    ),
    "has no code": _unusable("F55", answer(b'{"data": []}'), said="with JSON that has no code in it"),
    "says 403 in its body": _unusable("F56", answer(refusal(99, "forbidden", code=403)), said="code 403, error 99"),
    "says 400 in its body": _unusable("F62", answer(refusal(2001, "task not exist")), said="'task not exist'"),
    "has an object for rows": _unusable("F57", answer(envelope({})), said="an object instead of a list"),
    "resets": _unusable("F48", Reply(reset=True), said="the connection to 127.0.0.1 broke"),
    "has no address": _nowhere("F47", "https://nowhere.invalid", said="no connection to nowhere.invalid"),
    "listens at another port": _nowhere("F48", "http://127.0.0.1:9", said="no connection to 127.0.0.1"),
    "hangs up": _unusable("F48", Reply(), said="the connection to 127.0.0.1 broke"),
    # Refusals.
    "is busy until tomorrow": _unusable(
        "F52", answer(b"busy", status=503, headers=("Retry-After: 86400",)), said="HTTP 503 with 4 bytes"
    ),
    "is busy for a second": Misbehaviour(fault="F52", spoil=_busy_for, code=0, stands=_DONE),
    "does not know the appId": _refused("F56", answer(refusal(101, "?", code=403)), said="POLYV_APP_ID or app_id"),
    "refuses the signature": _refused("F56", answer(refusal(104, "?", code=403)), said="check the app secret"),
    "answers 403 and is right": Misbehaviour(fault="F56", spoil=_answering(403), code=0, stands=_DONE),
    "answers 500 and is right": Misbehaviour(fault="F56", spoil=_answering(500), code=0, stands=_DONE),
    # Clocks.
    "is ten minutes ahead": Misbehaviour(
        fault="F66", spoil=_skewed(600), code=0, said="s behind Polyv's", stands=_DONE
    ),
    "is ten minutes behind": Misbehaviour(
        fault="F66",
        spoil=_skewed(-600),
        code=0,
        said="s ahead of Polyv's",
        stands=_DONE,
    ),
    "refuses the time without a date": _untimely(),
    "refuses the time with a date that is none": _untimely("Date: yesterday"),
    "refuses the time in 1970": _untimely("Date: Thu, 01 Jan 1970 00:00:00 GMT"),
    # Rows.
    "has null for rows": _holding("F57", lambda _: None, stands=_NEVER_SEEN),
    "has no rows": _holding("F57", lambda _: [], stands=_NEVER_SEEN),
    "has rows that are none": _holding(
        "F57",
        lambda case: [None, 3, "x", [], {"vid": 7}, case.row()],
        said="left out a row of Polyv's answer: row 1",
    ),
    "leaves fields out": _holding("F57", lambda _: [{"vid": VID}], said="Polyv says 'null'", stands=_WAITING),
    "has fields of its own": _row("F57", news={"a": [1]}, url2="?"),
    "has a status of its own": _row("F58", status="EXPIRED", said="Polyv says 'EXPIRED'", stands=_WAITING),
    "has a number for a status": _row("F58", status=3, said="Polyv says '3'", stands=_WAITING),
    "has no link": _row("F59", url=None, stands=_WAITING),
    "has half a link": _row("F59", url=PATH, said="is not https to a host", stands=_WAITING),
    "has a file for a link": _row("F59", url="file:///etc/passwd", said="is not https to a host", stands=_WAITING),
    "splits the line in its link": _row(
        "F59", url="https://127.0.0.1/a\r\nHost: b", said="is not https to a host", stands=_WAITING
    ),
    "fails": Misbehaviour(
        fault="F60",
        spoil=lambda case: setattr(case.polyv, "data", [case.row(status="FAIL", url=None)]),
        code=4,
        said="Polyv does not give it in task",
        stands=("failed", "vendor_failed"),
    ),
    "takes its word back": Misbehaviour(fault="F61", spoil=_take_back, code=0, stands=_DONE),
    "lets a row vanish": Misbehaviour(fault="F61", spoil=_let_vanish, code=0, stands=_WAITING),
    "doubles a row": _holding("F63", lambda case: [case.row(), case.row()]),
    "contradicts itself": _holding(
        "F63", lambda case: [case.row(status="FAIL", url=None), case.row(), case.row(status="PROCESS", url=None)]
    ),
    "has times in text": _row("F64", createTime="1694663401000", successTime="soon"),
    "has times in seconds": _row("F64", createTime=1_694_663_401, successTime=4_000_000_000),
    "has times that are none": _row("F64", createTime=-1, successTime=1e308),
    # Links whose stamp says nothing.
    "stamps no link": _stamped("F38", ""),
    "stamps with 2099": _stamped("F38", "?auth_key=4070908800-x-0-abcdef"),
    "stamps by other names": _stamped("F38", "?Expires=1694663401&X-Amz-Expires=1&sign=x&t=5f"),
    "stamps with the link's birth": _stamped("F39", "?auth_key=1694663401-x-0-abcdef"),
}
