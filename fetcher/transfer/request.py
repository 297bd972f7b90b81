"""The text of one request: nothing that a link or a header says can begin another line or another request.

Source: RFC 9112 sections 3 and 5; RFC 9110 sections 5.5, 5.6.2 (header values and names) and 7.2 (Host).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from fetcher.transfer.connection import Address

_CHARACTERS: Final = r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*"
_PLAIN: Final = re.compile(
    rf"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::(\d{{1,5}}))?((?:/{_CHARACTERS})?(?:\?{_CHARACTERS})?)"
)
"""A link that is sent as it stands: what httpx would make of it is the same."""

_TARGET: Final = re.compile(r"/[!-~]*")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r"(?:[!-~](?:[ -~]*[!-~])?)?")
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked, and of whom."""

    address: Address
    text: bytes
    """The whole request; a GET has no body."""


def wanted(url: str, headers: Mapping[str, str]) -> Wanted:
    """Return the request for *url*.

    Args:
        url: http or https, with a host.
        headers: The request's own; ``Host`` is added.

    Raises:
        httpx.InvalidURL: The link has no host, or something in it that no link may have.
        httpx.LocalProtocolError: A header that would not be one header.
    """
    scheme, host, port, target = _parts(url)
    named = host if port == _PORTS[scheme] else f"{host}:{port}"
    lines = [f"GET {target} HTTP/1.1\r\nHost: {named}\r\n"]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise httpx.LocalProtocolError("a request's header has something in it that no header may have")
        lines.append(f"{name}: {value}\r\n")
    lines.append("\r\n")
    return Wanted(Address(scheme == "https", host.strip("[]"), port), "".join(lines).encode("ascii"))


def _parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and target. What is not plain ASCII to the letter is put in order by httpx."""
    piece = _PLAIN.fullmatch(url)
    if piece is None or "/." in piece[4]:
        return _ordered(httpx.URL(url))
    scheme, host, port, target = piece.groups()
    return scheme, host.lower(), int(port or _PORTS[scheme]), target if target[:1] == "/" else f"/{target}"


def _ordered(url: httpx.URL) -> tuple[str, str, int, str]:
    host, target = url.raw_host.decode("ascii"), url.raw_path.decode("ascii")
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    if url.scheme not in _PORTS or not _HOST.fullmatch(host) or not _TARGET.fullmatch(target):
        raise httpx.InvalidURL("the link has something in it that no link may have")
    return url.scheme, host, _PORTS[url.scheme] if url.port is None else url.port, target
