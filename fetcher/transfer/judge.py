"""Judge a response's head before one byte of its body is used: pure rules, no I/O.

Source: RFC 9110 sections 13.1.5 (If-Range), 14.2-14.4 (Range, Content-Range), 15.3.7 (206), 15.5.17 (416).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from fetcher.domain.errors import (
    EmptyFileError,
    LinkExpiredError,
    LinkRefusedError,
    NotAVideoError,
    ObjectChangedError,
    OriginBusyError,
    RangeMismatchError,
    SourceGoneError,
    TransferInterruptedError,
)
from fetcher.domain.http_time import http_date_s, retry_after_s
from fetcher.transfer.announced import announced_digests

_CONTENT_RANGE: Final = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_UNSATISFIED: Final = re.compile(r"bytes \*/(\d{1,18})", re.ASCII)
_STRONG: Final = re.compile(r'"[!#-~]*"')
"""A strong ETag. Bytes beyond ASCII are allowed in one, but no header of ours has any."""

_NUMBER: Final = re.compile(r"\d{1,18}", re.ASCII)
_GONE: Final = frozenset({401, 404, 410})
_LARGEST: Final = 1 << 44
"""Bytes; no common file system takes a larger file: whoever says so does not tell of a video."""
_REFUSALS: Final[Mapping[str, str]] = {
    "expired": ": expired",
    "md5hash": ": wrong signature",
    "referer": ": its Referer list does not let us in",
    "ip": ": its list of addresses does not let us in",
    "acl": ": its access list does not let us in",
}
"""What the CDN's own header may say. Its text is foreign and never repeated: it may hold the key of the link."""

_BUSY: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the request asked for, and what is known of the file."""

    have: int = 0
    """Bytes in the part, where the request began; 0 for a request without Range."""
    size: int | None = None
    """Bytes of the whole file, None where not known yet."""
    etag: str | None = None
    """The part's strong or weak ETag."""
    last_modified: str | None = None
    """The part's Last-Modified, as sent."""
    as_range: bool = False
    """Whether to ask for a range even from byte 0: its Content-Range tells the size."""
    is_digested: bool = False
    """Whether a digest of the whole file is known, which decides in the end."""

    @property
    def is_provable(self) -> bool:
        """Whether an answer could prove that its bytes and the part's are of the same file."""
        return self.is_digested or self.last_modified is not None or self._strong_etag is not None

    @property
    def _strong_etag(self) -> str | None:
        return self.etag if self.etag is not None and _STRONG.fullmatch(self.etag) else None

    def is_proven(self, headers: Mapping[str, str], announced: Mapping[str, str]) -> bool:
        """Tell whether an answer's bytes are of the same file as the part's, or a digest will tell if not.

        Two versions of a file may be of the same size, and equal but weak ETags say nothing of bytes.
        """
        return self.is_same_version(headers) or self.is_digested or bool(announced)

    def is_same_version(self, headers: Mapping[str, str]) -> bool:
        """Tell whether an answer names the validator of the part's beginning."""
        is_same_etag = self._strong_etag is not None and headers.get("etag") == self._strong_etag
        is_same_moment = self.last_modified is not None and headers.get("last-modified") == self.last_modified
        return is_same_etag or is_same_moment

    def headers(self) -> dict[str, str]:
        """Return the request's own headers. A weak validator never goes into If-Range, nor what is none."""
        headers = {"Accept-Encoding": "identity", "Accept": "*/*"}
        if self.have or self.as_range:
            headers["Range"] = f"bytes={self.have}-"
            if self.have and self._strong_etag is not None:
                headers["If-Range"] = self._strong_etag
        return headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a response's head promises of its body."""

    offset: int
    """Where the body belongs in the part: what was asked, or 0 where the whole file comes."""
    size: int | None
    """Bytes of the whole file; None where the origin does not tell."""
    length: int | None
    """Bytes of this body; None for a chunked one, or one that ends with its connection."""
    is_framed: bool
    """Whether the body's end can be told from a broken line."""
    etag: str | None = None
    last_modified: str | None = None
    announced: Mapping[str, str] = field(default_factory=dict)
    """Digests of the whole file that the origin names, by evidence (``crc64``, ``repr-digest``…)."""


def judge(status_code: int, headers: Mapping[str, str], asked: Asked) -> Head:
    """Return what the response offers.

    Args:
        status_code: The final answer's, after redirects.
        headers: By lower-case name; repeated ones joined with ``, ``.
        asked: What the request asked for.

    Raises:
        TransferError: By what the answer means; nothing of its body may be used then.
    """
    if status_code in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
        encoding = headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            raise NotAVideoError("the body is encoded although identity was asked for")
        _require_known_framing(headers)
        return _whole(headers, asked) if status_code == HTTPStatus.OK else _partial(headers, asked)
    if status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return _unsatisfied(headers, asked)
    raise refusal(status_code, headers)


def _whole(headers: Mapping[str, str], asked: Asked) -> Head:
    """A 200: the file from its start, also where a range was asked for."""
    if "content-range" in headers:
        raise RangeMismatchError("status 200 with a Content-Range: neither the whole nor a part")
    length = _length(headers)
    if length == 0:
        raise EmptyFileError("the body is empty")
    if length is not None and asked.size is not None and length != asked.size and _is_same(headers, asked):
        raise ObjectChangedError(f"the whole file came with {length} bytes instead of {asked.size}")
    return Head(
        offset=0,
        size=length,
        length=length,
        is_framed=length is not None or _is_chunked(headers),
        etag=headers.get("etag"),
        last_modified=headers.get("last-modified"),
        announced=announced_digests(headers, whole=True),
    )


def _partial(headers: Mapping[str, str], asked: Asked) -> Head:
    """A 206: one range, which has to be the one asked for, of the same file."""
    if not asked.have and not asked.as_range:
        raise RangeMismatchError("a partial answer although the whole was asked for")
    first, last, total = _content_range(headers.get("content-range"))
    if first != asked.have:
        raise RangeMismatchError(f"asked from byte {asked.have}, got from byte {first}")
    if total is not None and asked.size is not None and total != asked.size:
        raise ObjectChangedError(f"the file has {total} bytes now, it had {asked.size}")
    if not _is_same(headers, asked):
        raise ObjectChangedError("the file's validator has changed")
    announced = announced_digests(headers, whole=False)
    if asked.have and not asked.is_proven(headers, announced):
        raise RangeMismatchError("nothing proves that the rest is of the same file as the part")
    length = _length(headers)
    if length is not None and length != last + 1 - first:
        raise RangeMismatchError(f"Content-Range says {last + 1 - first} bytes, Content-Length {length}")
    return Head(
        offset=first,
        size=total if total is not None else asked.size,
        length=last + 1 - first,
        is_framed=True,
        etag=headers.get("etag", asked.etag),
        last_modified=headers.get("last-modified", asked.last_modified),
        announced=announced,
    )


def _unsatisfied(headers: Mapping[str, str], asked: Asked) -> Head:
    """A 416: nothing left to send if the part is as long as the file, else the part is wrong."""
    piece = _UNSATISFIED.fullmatch(headers.get("content-range", ""))
    if piece is None or not asked.have or int(piece[1]) != asked.have or not _is_same(headers, asked):
        raise RangeMismatchError(f"the origin has nothing from byte {asked.have} on")
    if asked.size not in (None, asked.have):
        # A node that keeps a file whose end it never got says so of the very piece that it has given.
        raise ObjectChangedError(f"the file has {asked.have} bytes now, it had {asked.size}")
    return Head(
        offset=asked.have,
        size=asked.have,
        length=0,
        is_framed=True,
        etag=asked.etag,
        last_modified=asked.last_modified,
    )


def _is_same(headers: Mapping[str, str], asked: Asked) -> bool:
    """Tell whether nothing speaks against the answer's being of the file whose part we have."""
    for name, ours in (("etag", asked.etag), ("last-modified", asked.last_modified)):
        theirs = headers.get(name)
        if ours is not None and theirs is not None and _opaque(ours) != _opaque(theirs):
            return False
    return True


def _opaque(validator: str) -> str:
    return validator.removeprefix("W/")


def _content_range(text: str | None) -> tuple[int, int, int | None]:
    piece = _CONTENT_RANGE.fullmatch(text or "")
    if piece is None:
        raise RangeMismatchError("a partial answer without a Content-Range that can be read")
    first, last, total = int(piece[1]), int(piece[2]), None if piece[3] == "*" else int(piece[3])
    if last < first or (total is not None and last >= total) or max(last, total or 0) > _LARGEST:
        raise RangeMismatchError(f"an impossible Content-Range: {piece[0]}")
    return first, last, total


def _length(headers: Mapping[str, str]) -> int | None:
    """Return Content-Length, None where there is none; one that is no plain number is refused."""
    text = headers.get("content-length")
    if text is None or _is_chunked(headers):
        return None
    if not _NUMBER.fullmatch(text) or int(text) > _LARGEST:
        raise RangeMismatchError("a Content-Length that is no plain number, or larger than any file")
    return int(text)


def _is_chunked(headers: Mapping[str, str]) -> bool:
    return headers.get("transfer-encoding", "").strip().lower() == "chunked"


def _require_known_framing(headers: Mapping[str, str]) -> None:
    """Refuse what the body may not be read by: codings on top of each other come as they are, frames and all."""
    coding = headers.get("transfer-encoding", "").strip().lower()
    if coding not in ("", "chunked"):
        raise NotAVideoError("the body is encoded for its transfer, and not by chunks")


def refusal(status_code: int, headers: Mapping[str, str]) -> Exception:
    """Return the error that a status without a body to use means."""
    if status_code == HTTPStatus.FORBIDDEN:
        said = headers.get("x-tengine-error", "").lower()
        why = next((text for word, text in _REFUSALS.items() if re.search(rf"\b{word}\b", said)), "")
        kind = LinkExpiredError if why == _REFUSALS["expired"] else LinkRefusedError
        return kind(f"the origin refused the link (403{why})")
    if status_code in _GONE:
        return SourceGoneError(f"the origin does not have the file ({status_code})", status_code=status_code)
    if status_code in _BUSY or status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Against the answer's own Date, so that neither clock has to be right.
        pause = retry_after_s(headers.get("retry-after"), now_s=http_date_s(headers.get("date")))
        return OriginBusyError(f"the origin is busy ({status_code})", status_code=status_code, retry_after=pause)
    return TransferInterruptedError(f"the origin answered {status_code}, which is none of a download's answers")
