"""Bytes to Polyv and back: the only module of this floor that knows httpx, and where its errors end."""

import asyncio
import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpx

from fetcher.domain.errors import PolyvUnavailableError, UsageError
from fetcher.domain.identifiers import printable
from fetcher.domain.link import is_loopback
from fetcher.domain.proxy import named_proxy
from fetcher.polyv.failures import NeverSentError, TlsRefusedError

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes. A task of 100 videos answers with about 40 000."""

_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    UnicodeError,  # A host, or a proxy's, that no resolver takes.
)
_HOPELESS_TLS: Final = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "WRONG_VERSION_NUMBER"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer, whatever its status."""

    status_code: int
    headers: Mapping[str, str]
    """Looked up without regard to case."""
    body: bytes = field(repr=False)


class Exchange(Protocol):
    """Who carries a request to Polyv and its answer back."""

    async def __aenter__(self) -> object: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def exchange(
        self,
        method: Literal["GET", "POST"],
        path: str,
        params: Mapping[str, str],
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Send *params* and return the answer.

        Args:
            method: Of the request.
            path: Of the call.
            params: What is sent.
            timeout_s: Longest time for all of it, in seconds; None for the usual one.

        Raises:
            PolyvUnavailableError: No whole answer.
        """
        ...


class Transport:
    """A pool of connections to one API address."""

    def __init__(self, *, api_url: str, timeout_s: float) -> None:
        """Check the address; nothing is opened yet.

        Args:
            api_url: ``https://host[:port][/prefix]``; plain http only where the host is this machine.
            timeout_s: Longest time for one exchange from connecting to the last byte, in seconds.

        Raises:
            UsageError: The address is not fit to carry a signature.
        """
        self._host = _checked_host(api_url)
        self._api_url = api_url.rstrip("/")
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Read proxies and certificates from the environment.

        Raises:
            UsageError: They cannot be used.
        """
        _mask_queries_in_httpx_log()
        try:
            self._client = self._new_client()
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as exc:
            text = f"a proxy or certificate setting of the environment cannot be used ({type(exc).__name__})"
        else:
            return self
        # Without a cause: what httpx says of a proxy may hold its password.
        raise UsageError(f"{text}: check HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _new_client(self) -> httpx.AsyncClient:
        # A transport of our own keeps environment proxies away from this machine; certificates stay as configured.
        direct = httpx.AsyncHTTPTransport() if is_loopback(self._host) else None
        return httpx.AsyncClient(
            transport=direct,
            trust_env=True,
            # A redirect would send the signature wherever an answer points.
            follow_redirects=False,
            # identity, not gzip: a bounded read of what is never inflated cannot be made to blow up.
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def exchange(
        self,
        method: Literal["GET", "POST"],
        path: str,
        params: Mapping[str, str],
        *,
        timeout_s: float | None = None,
    ) -> Answer:
        """Send *params*, as the query of a GET or the form of a POST, and return the answer.

        Args:
            method: Of the request.
            path: Of the call.
            params: What is sent.
            timeout_s: Longest time from connecting to the last byte, in seconds; None for the usual one.

        Raises:
            NeverSentError: No connection came about.
            PolyvUnavailableError: No whole answer, or none that is acceptable.
        """
        longest_s = self._timeout_s if timeout_s is None else timeout_s
        try:
            async with asyncio.timeout(longest_s):
                return await self._exchange(method, path, params, longest_s)
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, UnicodeError) as exc:
            failure, cause = self._translated(exc, longest_s), _root(exc)
        # Raised out here: httpx's exception, whose request holds the signed address, is not even its context.
        raise failure from cause

    async def _exchange(self, method: str, path: str, params: Mapping[str, str], longest_s: float) -> Answer:
        if self._client is None:
            raise RuntimeError("the transport is not open")
        where: dict[str, Any] = {"params" if method == "GET" else "data": dict(params)}
        # The first half is for connecting, so that "never sent" is known before the whole time is up.
        timeout = httpx.Timeout(longest_s, connect=self._timeout_s / 2)
        async with self._client.stream(method, self._api_url + path, timeout=timeout, **where) as response:
            encoding = response.headers.get("content-encoding", "identity")
            if encoding.lower() != "identity":
                raise PolyvUnavailableError(f"Polyv's answer is encoded ({printable(encoding)}) and was not to be")
            body = await _bounded(response)
            return Answer(status_code=response.status_code, headers=response.headers, body=body)

    def _translated(self, exc: Exception, longest_s: float) -> PolyvUnavailableError:
        root = _root(exc)
        if isinstance(root, ssl.SSLCertVerificationError):
            return TlsRefusedError(
                f"the certificate of {self._host} is not accepted ({root.verify_message}): "
                f"check this machine's clock, SSL_CERT_FILE{self._via()}"
            )
        if isinstance(root, ssl.SSLError) and root.reason in _HOPELESS_TLS:
            return TlsRefusedError(f"no common TLS version with {self._host} ({root.reason}){self._via()}")
        if isinstance(exc, _NEVER_SENT):
            return NeverSentError(f"no connection to {self._host}: {_why(exc, root)}{self._via()}")
        if isinstance(exc, httpx.TimeoutException | TimeoutError):
            return PolyvUnavailableError(f"no whole answer from {self._host} within {longest_s:g} s")
        return PolyvUnavailableError(f"the connection to {self._host} broke: {_why(exc, root)}{self._via()}")

    def _via(self) -> str:
        """Name the proxy, without user and password: cron's environment is not the shell's."""
        named = "" if is_loopback(self._host) else named_proxy(getproxies(), "https")
        return f" ({named})" if named else ""


def _checked_host(api_url: str) -> str:
    try:
        parts = urlsplit(api_url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise UsageError("the API's address is no address; it looks like https://api.polyv.net") from None
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise UsageError("the API's address is https://host[:port][/prefix], without user, query or fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise UsageError(
            "the API's address has to begin with https://, plain http only to this machine; "
            f"it names {printable(host)} over {printable(parts.scheme)}"
        )
    return host


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_raw():
        body += piece
        if len(body) > LARGEST_BODY:
            raise PolyvUnavailableError(
                f"Polyv's answer is longer than {LARGEST_BODY} bytes; the rest was not read"
            )
    return bytes(body)


def _why(exc: Exception, root: OSError | None) -> str:
    if isinstance(exc, httpx.TimeoutException):
        # What lies behind a time-out is the TLS layer's "not yet", which explains nothing.
        return "not in time"
    if isinstance(exc, httpx.ProxyError):
        # The proxy's own status line, such as 407: it was given a host and a port only.
        return f"the proxy says {printable(exc)}"
    return type(exc).__name__ if root is None else printable(root)


def _root(exc: BaseException) -> OSError | None:
    """Return the operating system's or TLS's own error behind *exc*: it knows no address with a signature."""
    deeper = exc.__cause__ or exc.__context__
    while deeper is not None:
        exc, deeper = deeper, deeper.__cause__ or deeper.__context__
    return exc if isinstance(exc, OSError) else None


class _QueryMask(logging.Filter):
    """Cuts the query out of every address that httpx logs: Polyv's hold a signature, links an ``auth_key``."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args
            )
        return True


_QUERY_MASK: Final = _QueryMask()


def _mask_queries_in_httpx_log() -> None:
    """Put the mask on httpx's logger; put there twice it is there once."""
    logging.getLogger("httpx").addFilter(_QUERY_MASK)
