"""The bulk path: one request over a kept connection, its body read into the caller's buffer.

Connections and TLS are the standard library's, heads and chunks are read by llhttp, errors are httpx's as on the
ordinary path. What is ours is the short way of a body from the socket into one reused buffer, without a copy or an
allocation in between, and the care about which connection is used again.
"""

import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from fetcher.transfer.chunked import ChunkedReader
from fetcher.transfer.connection import Address, Attach, Connection, Line
from fetcher.transfer.head import RawHead, read_head
from fetcher.transfer.pool import LONGEST_IDLE_S, MOST_IDLE, ConnectionPool
from fetcher.transfer.request import Wanted, wanted
from fetcher.transfer.turn import Turn


class _NoLine:
    """Nothing to break yet."""

    def abort(self) -> None:
        """Do nothing."""


_NO_LINE: Final = _NoLine()


class BulkTransport:
    """Ask origins for files. Safe to share between threads. Proxies and redirects are not its business."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        connect_timeout_s: float = 15.0,
        read_timeout_s: float = 60.0,
        turn: Turn | None = None,
        longest_idle_s: float = LONGEST_IDLE_S,
        most_idle: int = MOST_IDLE,
    ) -> None:
        self._pool = ConnectionPool(
            context=context or httpx.create_ssl_context(),
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            turn=turn or Turn(),
            longest_idle_s=longest_idle_s,
            most_idle=most_idle,
        )

    def ask(self, url: str, headers: Mapping[str, str], *, attach: Attach) -> "Response":
        """Request *url* and return the response as soon as its head is here.

        Args:
            url: http or https.
            headers: The request's own.
            attach: Told what to break on an abort.

        Raises:
            httpx.HTTPError: No answer, or none that is HTTP.
            httpx.InvalidURL: No link.
        """
        request = wanted(url, headers)
        try:
            return self._send(request, attach)
        except (OSError, ValueError) as exc:
            raise _translation(exc) from exc

    def _send(self, request: Wanted, attach: Attach) -> "Response":
        kept = self._pool.take_idle(request.address)
        if kept is not None:
            # Where the origin let go of the idle connection as we took it, it was not the request's fault.
            try:
                with contextlib.suppress(ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                    return self._exchange(request, kept, attach)
            except TimeoutError:
                self._pool.forget(request.address)  # Whoever forgot this one has forgotten the others.
                raise
        attach(_NO_LINE)  # It may have been an abort that closed the idle connection.
        return self._exchange(request, self._pool.connect(request.address, attach), attach)

    def _exchange(self, request: Wanted, connection: Connection, attach: Attach) -> "Response":
        line = Line(connection.sock)
        try:
            attach(line)
            connection.send(request.text)
            head = read_head(connection)
        except BaseException:
            line.let_go()
            connection.close()
            raise
        body = BulkBody(head, line=line, connection=connection, address=request.address, pool=self._pool)
        return Response(head.status_code, head.headers, body)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()


class BulkBody:
    """The body of one response."""

    def __init__(
        self, head: RawHead, *, line: Line, connection: Connection, address: Address, pool: ConnectionPool
    ) -> None:
        self._left = head.length
        self._chunks = ChunkedReader(connection, head) if head.is_coded else None
        self._is_kept = head.is_kept
        self._line = line
        self._connection = connection
        self._address = address
        self._pool = pool
        self._is_open = True

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what one read of the socket gives; 0 at the proper end.

        Raises:
            httpx.HTTPError: The body broke off, or the line did.
        """
        try:
            return self._read_plain(view) if self._chunks is None else self._chunks.readinto(view)
        except (OSError, ValueError) as exc:
            raise _translation(exc) from exc

    def _read_plain(self, view: memoryview) -> int:
        if self._left is None:
            return self._connection.readinto(view)
        if not self._left:
            return 0
        count = self._connection.readinto(view[: self._left])
        if count == 0:
            raise httpx.RemoteProtocolError(f"the body broke off, {self._left} bytes short")
        self._left -= count
        return count

    def close(self) -> None:
        """Keep the connection if the body was read to its end and nothing follows, else close it.

        The few bytes that a redirect has behind its head count as read where they came with it: else each file of
        an origin that sends on to another node would cost a handshake.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._line.let_go()
        # What follows would be taken for the answer to the next request.
        if self._is_spent() and self._is_kept and not self._connection.has_more():
            self._pool.give_back(self._address, self._connection)
        else:
            self._connection.close()

    def _is_spent(self) -> bool:
        if self._chunks is not None:
            return self._chunks.is_spent
        return self._left is not None and self._connection.has_passed(self._left)

    def abort(self) -> None:
        """Break the connection from any thread, as long as it is this body's."""
        self._line.abort()


@dataclass(frozen=True, slots=True)
class Response:
    """What came: a head that nobody has judged, and a body that nobody has read."""

    status_code: int
    headers: Mapping[str, str]
    """By lower-case name; repeated ones joined with ``, ``."""
    body: BulkBody


def _translation(exc: OSError | ValueError) -> httpx.HTTPError:
    """Return httpx's error for one of the standard library's: the ordinary path raises those."""
    if isinstance(exc, TimeoutError):
        return httpx.ReadTimeout(f"nothing came: {exc}")
    if isinstance(exc, ssl.SSLError):
        return httpx.ConnectError(f"TLS: {exc}")
    if isinstance(exc, ConnectionError):
        return httpx.ReadError(f"the connection broke: {exc}")
    if isinstance(exc, OSError):
        return httpx.ConnectError(f"no connection: {exc}")
    return httpx.RemoteProtocolError(f"not HTTP: {type(exc).__name__}")
