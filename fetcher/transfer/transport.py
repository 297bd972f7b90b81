"""An httpx transport whose bodies are read into the caller's buffer: the bulk path.

httpx keeps what it is good at: URLs, headers, the shape of requests and of errors. Connections, heads and TLS are
the standard library's ``http.client``. What is ours is the short way of a body from the socket into one reused
buffer, without a copy or an allocation in between, and the care about which connection is used again.
"""

import contextlib
import email.errors
import http
import http.client
import socket
import ssl
from collections.abc import Iterator

import httpx

from fetcher.transfer.chunked import ChunkedReader
from fetcher.transfer.connection import Address, Attach, Breakable, ConnectionPool, Line

BODY: str = "fetcher.body"
"""The name under which a response's extensions hold its Body."""

ATTACH: str = "fetcher.attach"
"""The name under which a request's extensions may hold who is told what to break on an abort."""

_PIECE = 65536


class BulkTransport(httpx.BaseTransport):
    """Send requests over ``http.client``; the response's Body stands in its extensions.

    Safe to share between threads. Proxies are not its business.
    """

    def __init__(
        self,
        *,
        context: ssl.SSLContext | None = None,
        connect_timeout_s: float = 15.0,
        read_timeout_s: float = 60.0,
    ) -> None:
        self._pool = ConnectionPool(
            context=context or httpx.create_ssl_context(),
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send *request* and return the response as soon as its head is here."""
        with _translated(request):
            return self._send(request)

    def _send(self, request: httpx.Request) -> httpx.Response:
        address = _address_of(request.url)
        kept = self._pool.take_idle(address)
        if kept is not None:
            try:
                return self._exchange(request, address, kept)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
                kept.close()  # The origin let go of the idle connection as we took it: not the request's fault.
        return self._exchange(request, address, self._pool.connect(address, _attach_of(request)))

    def _exchange(
        self, request: httpx.Request, address: Address, connection: http.client.HTTPConnection
    ) -> httpx.Response:
        line = Line(connection.sock)
        try:
            _attach_of(request)(line)
            _write_head(connection, request)
            sock, raw = connection.sock, connection.getresponse()
            _require_final(raw)
            body = BulkBody(
                raw, request=request, sock=sock, line=line, connection=connection, address=address, pool=self._pool
            )
            return httpx.Response(
                raw.status, headers=_headers_of(raw), stream=body, extensions={BODY: body}, request=request
            )
        except BaseException:
            line.let_go()
            connection.close()
            raise

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()


class BulkBody(httpx.SyncByteStream):
    """The body of one response."""

    def __init__(
        self,
        raw: http.client.HTTPResponse,
        *,
        request: httpx.Request,
        sock: socket.socket,
        line: Line,
        connection: http.client.HTTPConnection,
        address: Address,
        pool: ConnectionPool,
    ) -> None:
        self._raw = raw
        self._request = request
        self._sock = sock
        self._line = line
        self._connection = connection
        self._address = address
        self._pool = pool
        self._left = raw.length
        self._chunks = ChunkedReader(raw.fp) if raw.chunked else None
        self._is_open = True

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what one read of the socket gives; 0 at the proper end."""
        with _translated(self._request):
            if self._chunks is not None:
                return self._chunks.readinto(view)
            return self._read_plain(view)

    def _read_plain(self, view: memoryview) -> int:
        """Read past the response object: its own ``readinto`` waits until the buffer is full."""
        if self._left is None:
            return self._raw.fp.readinto1(view)
        if not self._left:
            return 0
        count: int = self._raw.fp.readinto1(view[: self._left])
        if count == 0:
            raise http.client.IncompleteRead(b"", self._left)
        self._left -= count
        return count

    def __iter__(self) -> Iterator[bytes]:
        buffer = memoryview(bytearray(_PIECE))
        while count := self.readinto(buffer):
            yield bytes(buffer[:count])

    def close(self) -> None:
        """Keep the connection if the body was read to its end and nothing follows, else close it."""
        if not self._is_open:
            return
        self._is_open = False
        self._line.let_go()
        is_spent = self._left == 0 if self._chunks is None else self._chunks.is_at_end
        is_kept = is_spent and not self._raw.will_close and not self._has_more()
        self._raw.close()
        if is_kept:
            self._pool.give_back(self._address, self._connection)
        else:
            self._connection.close()

    def _has_more(self) -> bool:
        """Tell whether bytes follow the body, read ahead or decrypted ones too.

        They would be taken for the answer to the next request.
        """
        timeout = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            return bool(self._raw.fp.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            return True
        finally:
            self._sock.settimeout(timeout)

    def abort(self) -> None:
        """Break the connection from any thread, as long as it is this body's."""
        self._line.abort()


def _attach_of(request: httpx.Request) -> Attach:
    attach: Attach = request.extensions.get(ATTACH, _ignore)
    return attach


def _ignore(_: Breakable) -> None:
    """Nobody wants to break this one."""


def _require_final(raw: http.client.HTTPResponse) -> None:
    """Refuse an interim answer, whose final one would answer the next request, and a head that breaks off.

    A line that is no header ends the head for the standard library's parser: what stood below it would be lost.
    """
    if raw.status < http.HTTPStatus.OK:
        raise http.client.HTTPException("an interim answer")
    if any(isinstance(defect, email.errors.MissingHeaderBodySeparatorDefect) for defect in raw.msg.defects):
        raise http.client.HTTPException("a head with a line that is no header")


def _headers_of(raw: http.client.HTTPResponse) -> list[tuple[bytes, bytes]]:
    """Return the headers as bytes: a file name in one of them need not be ASCII."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in raw.getheaders()]


def _address_of(url: httpx.URL) -> Address:
    secure = url.scheme == "https"
    return Address(secure, url.raw_host.decode("ascii").strip("[]"), url.port or (443 if secure else 80))


def _write_head(connection: http.client.HTTPConnection, request: httpx.Request) -> None:
    connection.putrequest(
        request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
    )
    for name, value in request.headers.raw:
        connection.putheader(name.decode("ascii"), value)
    connection.endheaders()


@contextlib.contextmanager
def _translated(request: httpx.Request) -> Iterator[None]:
    """Turn the standard library's errors into httpx's, which the ordinary path raises too."""
    try:
        yield
    except TimeoutError as exc:
        raise httpx.ReadTimeout(f"nothing came: {exc}", request=request) from exc
    except ssl.SSLError as exc:
        raise httpx.ConnectError(f"TLS: {exc}", request=request) from exc
    except (http.client.HTTPException, ValueError) as exc:
        raise httpx.RemoteProtocolError(_protocol_text(exc), request=request) from exc
    except ConnectionError as exc:
        raise httpx.ReadError(f"the connection broke: {exc}", request=request) from exc
    except OSError as exc:
        raise httpx.ConnectError(f"no connection: {exc}", request=request) from exc


def _protocol_text(exc: Exception) -> str:
    if isinstance(exc, http.client.IncompleteRead):
        return f"the body broke off, {exc.expected} bytes short"
    return f"not HTTP: {type(exc).__name__}"
