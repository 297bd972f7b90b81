"""The origin as one history has it: bytes with all that may be wrong with them. Decides; who waits is elsewhere."""

import base64
import hashlib
import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import fastcrc
from simulation.clock import Clock
from simulation.library import Library, Original
from simulation.weather import Weather

_RANGE: Final = re.compile(r"bytes=(\d+)-")
_BUSY: Final = ("origin: 503", "origin: 429")
_INSTEAD: Final = ("origin: page", "origin: gzip", "origin: 500", "origin: 404")
_ON_RANGE: Final = (
    "range: ignored",
    "range: shifted",
    "range: short",
    "range: crumbs",
    "range: no content-range",
    "range: 416",
)
_PAGE: Final = b"<html><body>Please log in</body></html>"
_ON_BODY: Final = ("body: cut", "body: stall", "body: drip")
_PROOFS: Final = frozenset({"crc64", "repr-digest"})


@dataclass(slots=True, kw_only=True)
class Reply:
    """What comes of one request."""

    vid: str
    status: int
    headers: dict[str, str]
    body: bytes = b""
    is_film: bool = False
    """Whether the bytes are some of the file's."""
    pause_s: float = 0.0
    """Before the head."""
    gap_s: float = 0.0
    """Before each piece."""
    piece: int = 65536
    """Bytes at a time."""
    ends_at: int | None = None
    """Where the body breaks off; None where it does not."""
    stalls: bool = False
    """Whether it stands there for ever."""


@dataclass(slots=True, kw_only=True)
class Visit:
    """One request that was answered by the link's clock."""

    at_s: float
    vid: str
    refused: bool
    """Whether the link was too old."""


@dataclass(slots=True)
class Tally:
    """What the origin has given."""

    served: Counter[str] = field(default_factory=Counter)
    """Bytes of the file that came, by vid."""
    visits: list[Visit] = field(default_factory=list)


class SimulatedCdn:
    """Answers requests by the true time."""

    def __init__(self, library: Library, clock: Clock, weather: Weather, rng: random.Random) -> None:
        self._by_path = {original.path: original for original in library.originals.values()}
        self._library = library
        self._clock = clock
        self._weather = weather
        self._rng = rng
        self.tally = Tally()

    def reply(self, url: str, headers: Mapping[str, str]) -> Reply | None:
        """Return what comes of a request; None where there is no connection."""
        parts = urlsplit(url)
        original = self._by_path[parts.path]
        if self._weather.strikes("origin: no connection", original.vid):
            return None
        reply = self._refusal(original, parts.query) or self._trouble(original, headers)
        if reply is None:
            reply = self._film(original, headers)
        reply.pause_s = self._rng.uniform(0.001, 0.4)
        return reply

    def _refusal(self, original: Original, query: str) -> Reply | None:
        vid, now_s = original.vid, self._clock.now_s
        expired = self._is_expired(query)
        self.tally.visits.append(Visit(at_s=now_s, vid=vid, refused=expired))
        if expired:
            self._weather.note("link: expired", vid)
            said = {"x-tengine-error": "denied by req auth: expired timestamp"}
            return Reply(vid=vid, status=403, headers=said, body=b"no")
        if self._weather.strikes("link: denied", vid):
            return Reply(vid=vid, status=403, headers={"x-tengine-error": "denied by ip acl"}, body=b"no")
        if original.cold_at <= now_s:
            self._weather.note("window: closed", vid)
            return Reply(vid=vid, status=403, headers={}, body=b"<Code>InvalidObjectState</Code>")
        if original.gone_at <= now_s:
            self._weather.note("origin: gone", vid)
            return Reply(vid=vid, status=self._rng.choice((401, 404, 410)), headers={}, body=b"no")
        return None

    def _is_expired(self, query: str) -> bool:
        key = query.partition("=")[2]
        born_s = int(key.split("-")[2], 16)
        return self._clock.true_s() > born_s + self._library.lifetime_s

    def _trouble(self, original: Original, asked: Mapping[str, str]) -> Reply | None:
        vid = original.vid
        if busy := self._weather.one_of(_BUSY, vid):
            pause = self._rng.choice(({}, {"retry-after": "2"}, {"retry-after": "90"}))
            return Reply(vid=vid, status=int(busy[-3:]), headers=pause, body=b"busy")
        match self._weather.one_of(_INSTEAD, vid):
            case "origin: page":
                return self._page(original, asked)
            case "origin: gzip":
                coded = {"content-encoding": "gzip", "content-length": "20"}
                return Reply(vid=vid, status=200, headers=coded, body=bytes(20))
            case "origin: 500":
                return Reply(vid=vid, status=500, headers={}, body=b"broken")
            case "origin: 404":
                return Reply(vid=vid, status=404, headers={}, body=b"no")
        return None

    def _page(self, original: Original, asked: Mapping[str, str]) -> Reply:
        """A login page that heeds no range, or says that it is what was asked for."""
        headers = {"content-length": str(len(_PAGE))}
        piece = _RANGE.fullmatch(asked.get("Range", ""))
        if piece is None or self._rng.random() < 0.5:
            return Reply(vid=original.vid, status=200, headers=headers, body=_PAGE)
        first, size = int(piece[1]), len(original.versions[original.number(self._clock.now_s)])
        if first + len(_PAGE) <= size and self._rng.random() < 0.7:
            headers["content-range"] = f"bytes {first}-{first + len(_PAGE) - 1}/{size}"
        return Reply(vid=original.vid, status=206, headers=headers, body=_PAGE)

    def _film(self, original: Original, asked: Mapping[str, str]) -> Reply:
        number = original.number(self._clock.now_s)
        content = original.versions[number]
        headers = _said(original, content, number)
        reply = self._ranged(original, content, headers, asked)
        reply.gap_s = self._rng.choice((0.0, 0.001, 0.05, 0.3))
        reply.piece = self._rng.randint(200, 9000)
        self._spoil(original, reply)
        return reply

    def _ranged(
        self, original: Original, content: bytes, headers: dict[str, str], asked: Mapping[str, str]
    ) -> Reply:
        vid, size = original.vid, len(content)
        whole = Reply(vid=vid, status=200, headers=headers, body=content, is_film=True)
        piece = _RANGE.fullmatch(asked.get("Range", ""))
        if piece is None or asked.get("If-Range", headers.get("etag")) != headers.get("etag"):
            if "length" in original.says:
                headers["content-length"] = str(size)
            return whole
        first, last = int(piece[1]), size - 1
        trouble = self._weather.one_of(_ON_RANGE, vid)
        if trouble == "range: ignored":
            headers["content-length"] = str(size)
            return whole
        if first >= size or trouble == "range: 416":
            headers["content-range"] = f"bytes */{size}"
            return Reply(vid=vid, status=416, headers=headers, body=b"no")
        if trouble == "range: shifted":
            first = max(0, min(last, first + self._rng.choice((-7, 7))))
        elif trouble == "range: short":
            last = self._rng.randint(first, last)
        elif trouble == "range: crumbs":
            last = min(last, first + self._rng.randint(0, 20))
        headers |= {"content-range": f"bytes {first}-{last}/{size}", "content-length": str(last + 1 - first)}
        if trouble == "range: no content-range":
            del headers["content-range"]
        return Reply(vid=vid, status=206, headers=headers, body=content[first : last + 1], is_film=True)

    def _spoil(self, original: Original, reply: Reply) -> None:
        match self._weather.one_of(_ON_BODY, original.vid):
            case "body: cut" | "body: stall" as kind:
                reply.ends_at, reply.stalls = self._rng.randint(0, len(reply.body)), kind == "body: stall"
            case "body: drip":
                reply.gap_s, reply.piece = 0.9, self._rng.randint(1, 300)
        if original.says & _PROOFS and reply.is_film and self._weather.strikes("body: flip", original.vid):
            at = self._rng.randrange(len(reply.body))
            reply.body = reply.body[:at] + bytes([reply.body[at] ^ 0x40]) + reply.body[at + 1 :]


def _said(original: Original, content: bytes, number: int) -> dict[str, str]:
    """Return what an answer says of the whole file."""
    says = original.says
    headers = {"content-type": "text/plain"}
    if "chunked" in says:
        headers["transfer-encoding"] = "chunked"
    if "etag" in says:
        headers["etag"] = f'"v{number}"'
    if "weak" in says:
        headers["etag"] = f'W/"v{number}"'
    if "modified" in says:
        headers["last-modified"] = f"Wed, 18 Jun 2025 0{number}:00:00 GMT"
    if "crc64" in says:
        headers["x-oss-hash-crc64ecma"] = str(fastcrc.crc64.xz(content))
    if "repr-digest" in says:
        headers["repr-digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    return headers
