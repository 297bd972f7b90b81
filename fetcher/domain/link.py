"""A link and its clocks.

Two clocks run: the link's own (its ``auth_key`` expires) and the thaw window of the file behind it. Both order
work; neither is ever a reason not to try. Only the origin's answer says "expired".
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from fetcher.domain.identifiers import printable

RISK_MS: Final = 600_000
"""A ready video that has to be begun within this time is at risk: the next pass may come too late for it."""

_AUTH_KEY: Final = re.compile(r"(\d{9,11})-[^-]*-[^-]*-[0-9A-Fa-f]+", re.ASCII)
_DAY_MS: Final = 86_400_000
_HOSTILE: Final = re.compile(r"[\x00-\x20\x7f\\]")
_LONGEST: Final = 8192
_EARLIEST_MS: Final = 1_262_304_000_000
"""2010-01-01: a timestamp before is none."""
_FURTHEST_MS: Final = 30 * _DAY_MS
"""No link outlives its thaw window by this much: a timestamp this far ahead says nothing."""
_SKEW_MS: Final = 5_000
"""By how much two clocks may differ: what is stamped so little ahead was stamped just now."""

_CLOCKS_MS: Final = 185_000
"""By how much Polyv's clock may be ahead of ours where it has accepted our time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a ready video can be fetched for a while."""

    url: str = field(repr=False)
    """The whole link, a secret: whoever has it can read the video."""
    obtained_at: int
    """When Polyv gave it, ms UTC."""
    success_at: int | None = None
    """When Polyv finished preparing the file, ms UTC; None where it did not say."""

    def deadline(self, *, lifetime_s: int) -> int | None:
        """Return the moment by which to start, ms UTC; None where the link does not tell.

        A timestamp after the preparation's end is taken as the moment of expiry. Any other one is the moment of
        signing: *lifetime_s* (seconds) is added. One that no clock can have meant says nothing.

        Source: vendor's sample of the query, whose link is stamped with its own birth; Alibaba Cloud CDN,
        "URL signing, type A", which has meant both in its time.
        """
        stamped_at = auth_timestamp(self.url)
        if stamped_at is None or stamped_at > self.obtained_at + _FURTHEST_MS:
            return None
        return stamped_at if self._is_expiry(stamped_at) else stamped_at + lifetime_s * 1000

    @property
    def signed_at(self) -> int | None:
        """When it was signed, ms UTC; None where it tells the moment of expiry, or nothing."""
        stamped_at = auth_timestamp(self.url)
        return None if stamped_at is None or self._is_expiry(stamped_at) else stamped_at

    def _is_expiry(self, stamped_at: int) -> bool:
        """Tell whether a stamp lies too far ahead for a moment of signing.

        Polyv's moment of success tells by how much its clock may be ahead of ours; hours ahead, it tells nothing.
        """
        born_at = self.obtained_at if self.success_at is None else max(self.success_at, self.obtained_at)
        if born_at > self.obtained_at + _CLOCKS_MS:
            born_at = self.obtained_at
        return stamped_at > born_at + _SKEW_MS

    @property
    def host(self) -> str:
        """Whose link it is; empty where it has no host."""
        return host_of(self.url)

    def window_ends_at(self, *, expire_days: int) -> int | None:
        """Return when the thawed file goes cold again, ms UTC; None where nobody knows.

        It was ready when the link was given, whatever moment Polyv tells.
        """
        if self.success_at is None:
            return None
        return min(self.success_at, self.obtained_at) + expire_days * _DAY_MS


def start_by(*, deadline: int | None, window_ends_at: int | None, signs_anew: bool) -> int | None:
    """Return by when a transfer has to begin so that the video is not lost, ms UTC; None is the most urgent.

    The death of a link that is signed anew at the next question costs that question, and only the end of the thaw
    window loses the video. With any other link it is lost when that dies.

    Args:
        deadline: Of the link, ms UTC; None where it does not tell.
        window_ends_at: When the file behind it goes cold, ms UTC; None where nobody knows.
        signs_anew: Whether links of its host are known to be signed anew.
    """
    if window_ends_at is None:
        return deadline
    if signs_anew:
        return window_ends_at
    return None if deadline is None else min(deadline, window_ends_at)


def auth_timestamp(url: str) -> int | None:
    """Return the timestamp of a link's ``auth_key`` in ms UTC, None where there is none to be read."""
    for name, value in parse_qsl(urlsplit(url).query):
        if name == "auth_key" and (piece := _AUTH_KEY.fullmatch(value)):
            stamped_at = int(piece[1]) * 1000
            return stamped_at if stamped_at >= _EARLIEST_MS else None
    return None


def host_of(url: str) -> str:
    """Return the host of a link, empty where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def without_secret(url: str) -> str:
    """Return host and path of a link, fit for a log: no query, no user, no fragment, nothing behind a semicolon."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "(a link that is none)"
    return printable(f"{host}{parts.path.partition(';')[0]}")


def is_usable(url: object, *, loopback_too: bool) -> bool:
    """Tell whether Polyv's *url* can be a link at all: https with a host, nothing in it that splits a line.

    Args:
        url: What the API said, of any type.
        loopback_too: Whether plain http to this machine counts, as it does where the API itself is there.
    """
    if not isinstance(url, str) or not 0 < len(url) <= _LONGEST or _HOSTILE.search(url):
        return False
    if not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.username is not None or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and loopback_too and is_loopback(host))


def is_loopback(host: str) -> bool:
    """Tell whether *host*, a name or an address without a port, is this machine."""
    return host.lower() in {"localhost", "::1"} or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None
