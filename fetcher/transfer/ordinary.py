"""The ordinary path: httpx's own transport behind the proxy of the environment, breakable like the other one."""

import contextlib
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx

from fetcher.domain.errors import TransferInterruptedError, UsageError
from fetcher.domain.identifiers import printable
from fetcher.domain.proxy import named_proxy
from fetcher.transfer.body import IteratedBody
from fetcher.transfer.connection import Attach, Line
from fetcher.transfer.turn import Turn

_NO_REUSE: Final = httpx.Limits(max_connections=None, max_keepalive_connections=0)
"""httpcore takes what an origin sends behind a body, and h11 keeps, for the answer to the next request."""


class OrdinaryTransport:
    """Asks origins through the proxy of the environment. Safe to share between threads.

    Args:
        context: For the origins' certificates.
        connect_timeout_s: Seconds for a proxy to answer.
        read_timeout_s: Seconds without a byte after which the line counts as dead.
        turn: Left wherever the network is waited for.
    """

    def __init__(
        self, *, context: ssl.SSLContext, connect_timeout_s: float, read_timeout_s: float, turn: Turn
    ) -> None:
        self._context = context
        self._timeout = httpx.Timeout(read_timeout_s, connect=connect_timeout_s)
        self._turn = turn
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def ask(
        self, url: str, headers: Mapping[str, str], *, attach: Attach
    ) -> tuple[int, Mapping[str, str], IteratedBody]:
        """Request *url* and return status, headers and unread body.

        Args:
            url: https or http.
            headers: The request's own.
            attach: Told what to break on an abort, as soon as the proxy is connected.

        Raises:
            TransferInterruptedError: The proxy refuses, or cannot be asked at all; it is named.
            UsageError: A proxy setting cannot be used.
            httpx.HTTPError: No answer, or none that is HTTP.
        """
        client, line = self._opened(), ProxiedLine()
        request = httpx.Request("GET", url, headers=headers, extensions={"trace": _on_connection(line, attach)})
        try:
            with self._turn.left(), _named(request.url.scheme, line):
                response = client.send(request, stream=True)
        except BaseException:
            line.let_go()
            raise
        return response.status_code, response.headers, IteratedBody(response, line=line, turn=self._turn)

    def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            self._client.close()

    def _opened(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> httpx.Client:
        try:
            return httpx.Client(
                verify=self._context, timeout=self._timeout, limits=_NO_REUSE, follow_redirects=False
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as exc:
            kind = type(exc).__name__
        # Without a cause: what httpx says of a proxy may hold its password.
        raise UsageError(f"a proxy setting of the environment cannot be used ({kind}); see HTTPS_PROXY, NO_PROXY")


class ProxiedLine(Line):
    """The connection to a proxy, by a descriptor of our own: TLS takes the first one away from its socket."""

    def __init__(self) -> None:
        super().__init__(None)

    @property
    def is_held(self) -> bool:
        """Whether there is a connection."""
        return self._sock is not None

    def hold(self, sock: socket.socket) -> None:
        """Take hold of what has just been connected."""
        self._sock = sock.dup()

    def let_go(self) -> None:
        """Say that this exchange is over."""
        with self._lock:
            if self._sock is not None:
                self._sock.close()
                self._sock = None


def _on_connection(line: ProxiedLine, attach: Attach) -> Callable[[str, Mapping[str, Any]], None]:
    """Return what httpcore is to tell of its steps.

    Source: https://www.encode.io/httpcore/extensions/#trace; ``socks.`` for a SOCKS proxy.
    """

    def trace(event: str, told: Mapping[str, Any]) -> None:
        if not event.endswith(".connect_tcp.complete"):
            return
        stream = told["return_value"]
        try:
            line.hold(stream.get_extra_info("socket"))
            attach(line)
        except BaseException:
            stream.close()  # Nobody else knows of it yet.
            raise

    return trace


@contextlib.contextmanager
def _named(scheme: str, line: ProxiedLine) -> Iterator[None]:
    """Name the proxy, without its password, where it is what went wrong."""
    try:
        yield
    except httpx.ProxyError as exc:
        # Its status line, such as 407; it was given a host and a port only.
        raise TransferInterruptedError(f"the proxy refuses ({printable(exc)}): {_setting(scheme)}") from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as exc:
        if line.is_held:
            raise
        raise TransferInterruptedError(
            f"no connection to the proxy ({printable(exc)}): {_setting(scheme)}"
        ) from None
    except ValueError as exc:  # A name that no resolver takes.
        raise TransferInterruptedError(
            f"no connection to the proxy ({type(exc).__name__}): {_setting(scheme)}"
        ) from None


def _setting(scheme: str) -> str:
    return f"{named_proxy(urllib.request.getproxies(), scheme)}; see NO_PROXY too"
