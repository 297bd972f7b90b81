"""Read the head of a response to the letter, by llhttp.

llhttp takes no folded lines, no bare CR or LF, no second Content-Length, no length beside a Transfer-Encoding, no
sign before a number. What is added here are limits, and the versions and statuses that a download can meet.

Source: RFC 9112 sections 4 to 6; RFC 9110 section 15.2 (interim answers).
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import httptools
import httpx

from fetcher.transfer.connection import Connection

_MOST_HEADERS: Final = 100
_MOST_INTERIM: Final = 8
_LENGTH_LINE: Final = re.compile(rb"\r\ncontent-length[ \t]*:", re.IGNORECASE)
_BODILESS: Final = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class LengthError(httpx.RemoteProtocolError):
    """The head cannot be read, and it is one with a Content-Length."""


class Heard:
    """What llhttp makes of one response, told piece by piece. What follows that response is left out."""

    __slots__ = ("count", "has_more", "headers", "is_at_body", "is_complete", "pieces")

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.count = 0
        self.pieces: deque[bytes] = deque()
        """Of the body, unchunked."""
        self.is_at_body = False
        self.is_complete = False
        self.has_more = False
        """Whether another response began behind this one."""

    def on_message_begin(self) -> None:
        """See that nothing follows."""
        self.has_more = self.is_complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in one header; a trailer is none."""
        self.count += 1
        if not self.is_at_body:
            key, text = name.decode("latin-1").lower(), _text(value.strip(b" \t"))
            self.headers[key] = f"{self.headers[key]}, {text}" if key in self.headers else text

    def on_headers_complete(self) -> None:
        """See the end of the head."""
        self.is_at_body = True

    def on_body(self, piece: bytes) -> None:
        """Take in a piece of the body."""
        if not self.is_complete:
            self.pieces.append(piece)

    def on_message_complete(self) -> None:
        """See the end of the response."""
        self.is_complete = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RawHead:
    """A response's head, before anybody judged what it means."""

    status_code: int
    headers: Mapping[str, str]
    """By lower-case name; repeated ones joined with ``, ``."""
    is_kept: bool
    """Whether the connection may serve another request once the body is read."""
    length: int | None
    """Bytes of the body; None where another framing, or the connection's end, tells its end."""
    is_coded: bool
    """Whether the body is framed by a Transfer-Encoding."""
    heard: Heard = field(repr=False)
    parser: httptools.HttpResponseParser = field(repr=False)
    """Has read the head and goes on with a coded body."""


def read_head(connection: Connection) -> RawHead:
    """Return the final response's head; interim ones before it are passed over.

    Raises:
        httpx.RemoteProtocolError: It is no head, or one that promises what was never asked for.
        OSError: The line.
    """
    for _ in range(_MOST_INTERIM):
        head = parse_head(connection.read_head())
        if head.status_code >= HTTPStatus.OK:
            return head
        if head.status_code == HTTPStatus.SWITCHING_PROTOCOLS or head.length is not None or head.is_coded:
            raise httpx.RemoteProtocolError("an interim answer that nobody asked for, or with a body")
    raise httpx.RemoteProtocolError("interim answers without end")


def parse_head(text: bytes) -> RawHead:
    """Return what *text* says: one head, from its first byte to its blank line.

    Raises:
        httpx.RemoteProtocolError: It is none.
        LengthError: It is none, and has a Content-Length.
    """
    heard = Heard()
    parser = httptools.HttpResponseParser(heard)
    try:
        parser.feed_data(text)
    except httptools.HttpParserUpgrade as exc:
        raise httpx.RemoteProtocolError("the origin changes to another protocol") from exc
    except httptools.HttpParserError as exc:
        kind = LengthError if _LENGTH_LINE.search(text) else httpx.RemoteProtocolError
        raise kind(f"not HTTP: {exc}") from exc
    status_code, version, headers = parser.get_status_code(), parser.get_http_version(), heard.headers
    if not heard.is_at_body or heard.pieces or heard.has_more or not text.startswith(b"HTTP/1"):
        raise httpx.RemoteProtocolError("not HTTP/1: no head that ends where it has to")
    if status_code < HTTPStatus.CONTINUE or heard.count > _MOST_HEADERS:
        raise httpx.RemoteProtocolError("a head with no known status, or with too many headers")
    length = headers.get("content-length")
    return RawHead(
        status_code=status_code,
        headers=headers,
        is_kept=version == "1.1" and not _says_close(headers.get("connection", "")),
        length=0 if status_code in _BODILESS else None if length is None else int(length),
        is_coded="transfer-encoding" in headers,
        heard=heard,
        parser=parser,
    )


def _says_close(connection: str) -> bool:
    return "close" in [word.strip() for word in connection.lower().split(",")]


def _text(value: bytes) -> str:
    """Return a header's text: a file name in it need not be ASCII."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
