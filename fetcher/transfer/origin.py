"""Ask an origin for a file: redirects under a policy, every foreign error translated at this edge."""

import contextlib
import functools
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from fetcher.domain.errors import (
    CertificateError,
    FramingBrokenError,
    LinkRefusedError,
    RangeMismatchError,
    TransferError,
    TransferInterruptedError,
    TransferStalledError,
    UnsafeLinkError,
    UsageError,
    WindowClosedError,
)
from fetcher.domain.link import is_loopback, is_usable, without_secret
from fetcher.transfer.body import Body
from fetcher.transfer.connection import Attach
from fetcher.transfer.head import LengthError
from fetcher.transfer.ordinary import OrdinaryTransport
from fetcher.transfer.pool import MOST_IDLE
from fetcher.transfer.transport import BulkTransport
from fetcher.transfer.turn import Turn

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS: Final = 5
_ERROR_BODY: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response whose body has not been read."""

    status_code: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: Body


class FileSource(Protocol):
    """Who is asked for files: an origin over the network, or what stands for one."""

    def ask(self, url: str, headers: Mapping[str, str], *, attach: Attach) -> Answer:
        """Request *url* and return the answer, its body unread.

        Raises:
            TransferError: No answer, or one that must not be followed.
        """
        ...

    def close(self) -> None:
        """Let go of idle connections."""
        ...


class Origin:
    """Whoever serves the bytes. Safe to share between threads.

    Args:
        loopback_too: Whether links and redirects may lead to this machine, in plain http too.
        connect_timeout_s: Seconds for one address to answer.
        read_timeout_s: Seconds without a byte after which the line counts as dead.
        turn: Left wherever the network is waited for.
        most_idle: Connections that are kept for the next file; those in use do not count.

    Raises:
        UsageError: The certificates that the environment names cannot be used.
    """

    def __init__(
        self,
        *,
        loopback_too: bool,
        connect_timeout_s: float = 15,
        read_timeout_s: float = 60,
        turn: Turn | None = None,
        most_idle: int = MOST_IDLE,
    ) -> None:
        self._loopback_too = loopback_too
        self._turn = turn or Turn()
        context = _trusting_context()
        self._bulk = BulkTransport(
            context=context,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            turn=self._turn,
            most_idle=most_idle,
        )
        self._ordinary = OrdinaryTransport(
            context=context,
            connect_timeout_s=connect_timeout_s,
            read_timeout_s=read_timeout_s,
            turn=self._turn,
        )
        self._is_proxied = functools.cache(_needs_proxy)

    def ask(self, url: str, headers: Mapping[str, str], *, attach: Attach) -> Answer:
        """Request *url* and return the answer after redirects, its body unread.

        Args:
            url: The link.
            headers: The request's own.
            attach: Told what to break on an abort, while the head is waited for too.

        Raises:
            TransferError: No answer, or one that must not be followed.
            UsageError: A proxy setting cannot be used.
        """
        for hop in range(_MOST_REDIRECTS + 1):
            self._require_safe(url, is_redirect=hop > 0)
            answer = self._ask_once(url, headers, attach)
            location = answer.headers.get("location")
            if answer.status_code not in _REDIRECTS or location is None:
                return answer
            answer.body.close()
            url = _joined(url, location)
        raise UnsafeLinkError(f"more than {_MOST_REDIRECTS} redirects")

    def close(self) -> None:
        """Close idle connections."""
        self._bulk.close()
        self._ordinary.close()

    def _ask_once(self, url: str, headers: Mapping[str, str], attach: Attach) -> Answer:
        asked = {"User-Agent": "fetcher", **headers}
        with translated():
            if self._needs_proxy(url):
                status_code, named, body = self._ordinary.ask(url, asked, attach=attach)
                return Answer(status_code=status_code, headers=named, body=body)
            came = self._bulk.ask(url, asked, attach=attach)
            return Answer(status_code=came.status_code, headers=came.headers, body=came.body)

    def _needs_proxy(self, url: str) -> bool:
        parts = urlsplit(url)
        return self._is_proxied(parts.scheme, parts.hostname or "")

    def _require_safe(self, url: str, *, is_redirect: bool) -> None:
        where = "a redirect" if is_redirect else "the link"
        if not is_usable(url, loopback_too=self._loopback_too):
            raise UnsafeLinkError(f"{where} leads to {without_secret(url)!r}, which is not https to a host")
        if is_redirect and not self._needs_proxy(url):
            self._require_public(urlsplit(url).hostname or "")

    def _require_public(self, host: str) -> None:
        """A redirect must not make this machine ask its own network for something."""
        if self._loopback_too and is_loopback(host):
            return
        with self._turn.left():
            addresses = _addresses(host)
        for address in addresses:
            if not address.is_global:
                raise UnsafeLinkError(f"a redirect leads to the private address {address}")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn httpx's errors into ours, while a body is read too. Their texts hold no link, but ours could: none does.

    Raises:
        TransferError: Instead of any httpx error.
    """
    try:
        yield
    except httpx.TimeoutException as exc:
        raise TransferStalledError("the line was silent for too long") from exc
    except LengthError as exc:
        raise RangeMismatchError("a Content-Length that is no plain number, or more than one") from exc
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        raise _translation(exc) from exc


def _translation(exc: Exception) -> TransferError:
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CertificateError(
                f"the origin's certificate is refused: {cause.verify_message}; see SSL_CERT_FILE"
            )
        cause = cause.__cause__ or cause.__context__
    kind = FramingBrokenError if isinstance(exc, httpx.RemoteProtocolError) else TransferInterruptedError
    return kind(str(exc))


def closed_window(answer: Answer) -> LinkRefusedError | None:
    """Return the error that a 403's body means where it names one that matters, None otherwise.

    Source: Alibaba Cloud OSS, error InvalidObjectState: the object is archived and not (or no longer) thawed.
    """
    if b"InvalidObjectState" in _beginning(answer.body):
        return WindowClosedError("the thawed file has gone cold again (403 InvalidObjectState)")
    return None


def _beginning(body: Body) -> bytes:
    buffer = memoryview(bytearray(_ERROR_BODY))
    have = 0
    with contextlib.suppress(httpx.HTTPError):
        while have < len(buffer) and (count := body.readinto(buffer[have:])):
            have += count
    return bytes(buffer[:have])


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as exc:
        raise UnsafeLinkError("a redirect leads to something that is no link") from exc


def _addresses(host: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise TransferInterruptedError(f"no address for a redirect's host: {exc}") from exc
    return [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]


def _needs_proxy(scheme: str, host: str) -> bool:
    """Tell whether the environment names a proxy for *host*. This machine is never asked through one."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return False
    proxies = urllib.request.getproxies()
    named = scheme in proxies or "all" in proxies
    return named and not is_loopback(host) and not urllib.request.proxy_bypass(host)


def _trusting_context() -> ssl.SSLContext:
    try:
        return httpx.create_ssl_context()
    except OSError as exc:
        raise UsageError(
            f"certificates cannot be loaded ({type(exc).__name__}): check SSL_CERT_FILE and SSL_CERT_DIR"
        ) from exc
