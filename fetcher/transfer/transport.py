"""An httpx transport whose bodies are read into the caller's buffer: the bulk path.

httpx keeps what it is good at: URLs, headers, the shape of requests and of errors. Connections, parsing, chunked
bodies and TLS are the standard library's ``http.client``. What is ours is the short way of a plain body from
the socket into one reused buffer, without a parser, a copy or an allocation in between.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator

import httpx

from fetcher.transfer.connection import Address, ConnectionPool, shut

BODY: str = "fetcher.body"
"""The name under which a response's extensions hold its Body."""

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
            except (ConnectionError, http.client.RemoteDisconnected):
                kept.close()  # The origin let go of the idle connection as we took it: not the request's fault.
        return self._exchange(request, address, self._pool.connect(address))

    def _exchange(
        self, request: httpx.Request, address: Address, connection: http.client.HTTPConnection
    ) -> httpx.Response:
        sock = connection.sock
        try:
            _write_head(connection, request)
            raw = connection.getresponse()
        except BaseException:
            connection.close()
            raise
        body = BulkBody(raw, request=request, sock=sock, connection=connection, address=address, pool=self._pool)
        return httpx.Response(raw.status, headers=raw.getheaders(), stream=body, extensions={BODY: body})

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
        connection: http.client.HTTPConnection,
        address: Address,
        pool: ConnectionPool,
    ) -> None:
        self._raw = raw
        self._request = request
        self._sock = sock
        self._connection = connection
        self._address = address
        self._pool = pool
        self._left = raw.length
        self._is_plain = not raw.chunked and raw.length is not None
        self._is_open = True

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what one read of the socket gives; 0 at the proper end."""
        with _translated(self._request):
            return self._read_plain(view) if self._is_plain else self._read_framed(view)

    def _read_plain(self, view: memoryview) -> int:
        """Read past the response object: its own ``readinto`` waits until the buffer is full."""
        if not self._left:
            return 0
        count: int = self._raw.fp.readinto1(view[: self._left])
        if count == 0:
            raise http.client.IncompleteRead(b"", self._left)
        self._left -= count
        return count

    def _read_framed(self, view: memoryview) -> int:
        """Read a chunked body, or one that ends with its connection, as the library frames it."""
        piece = self._raw.read1(len(view))
        view[: len(piece)] = piece
        return len(piece)

    def __iter__(self) -> Iterator[bytes]:
        buffer = memoryview(bytearray(_PIECE))
        while count := self.readinto(buffer):
            yield bytes(buffer[:count])

    def close(self) -> None:
        """Keep the connection if the body was read to its end, else close it."""
        if not self._is_open:
            return
        self._is_open = False
        is_spent = self._left == 0 if self._is_plain else self._raw.isclosed()
        self._raw.close()
        if is_spent and not self._raw.will_close:
            self._pool.give_back(self._address, self._connection)
        else:
            self._connection.close()

    def abort(self) -> None:
        """Break the connection from any thread."""
        shut(self._sock)


def _address_of(url: httpx.URL) -> Address:
    secure = url.scheme == "https"
    return Address(secure, url.host, url.port or (443 if secure else 80))


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
