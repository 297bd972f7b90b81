"""The bytes of a body with a Transfer-Encoding, unwrapped by llhttp.

Of a file whose size nobody told, this framing is the only proof that it is whole.

Source: RFC 9112 sections 6 and 7.
"""

from typing import Final

import httptools
import httpx

from fetcher.transfer.connection import Connection
from fetcher.transfer.head import RawHead

_MOST_FRAMING: Final = 65536
"""Bytes of sizes, extensions and trailers in a row without a byte of the file."""


class ChunkedReader:
    """The unwrapped body that follows *head*."""

    def __init__(self, connection: Connection, head: RawHead) -> None:
        self._connection = connection
        self._heard = head.heard
        self._parser = head.parser
        self._rest = memoryview(b"")
        self._framing = 0

    @property
    def is_spent(self) -> bool:
        """Whether the body's end was read and nothing follows it."""
        heard = self._heard
        return heard.is_complete and not heard.has_more and not heard.pieces and not self._rest

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what one piece gives; 0 at the proper end.

        Raises:
            httpx.RemoteProtocolError: The framing is broken, or ends too early.
            OSError: The line.
        """
        while not self._rest:
            if self._heard.pieces:
                self._rest = memoryview(self._heard.pieces.popleft())
            elif self._heard.is_complete:
                return 0
            else:
                self._read_on()
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _read_on(self) -> None:
        data = self._connection.read_some()
        if not data:
            raise httpx.RemoteProtocolError("the body broke off between or within its chunks")
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not self._heard.is_complete:
                self._heard.pieces.clear()  # What came with a broken frame is not trusted.
                raise httpx.RemoteProtocolError(f"a broken chunk: {exc}") from exc
            self._heard.has_more = True
        self._framing = 0 if self._heard.pieces else self._framing + len(data)
        if self._framing > _MOST_FRAMING:
            raise httpx.RemoteProtocolError("chunks without end and without a byte")
