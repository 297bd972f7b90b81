"""What the CDN is about to send, as a value, and what each fault makes of it."""

import gzip
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from fetcher.simulator.body import PIECE, Body
from fetcher.simulator.faults import Fault, FaultKind, Faults

_PORTAL: Final = b"<!DOCTYPE html><html><body><h1>Please log in to the network</h1></body></html>"


class Ending(Enum):
    """What happens where a body is broken off."""

    CLOSE = auto()
    RESET = auto()
    HOLD = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One answer with a body.

    Attributes:
        body: The object as it was when the request came in.
        start: Of what is sent, an offset in the object.
        stop: Its end, exclusive.
        partial: Whether it is a 206.
        etag: None means the header is missing.
        last_modified: An HTTP date.
        content_type: As sent.
        crc64: Of the whole object, decimal; None means the header is missing.
        content: Bytes sent instead of the object's; None means the object's.
        encoding: Content-Encoding; None means the header is missing.
        is_framed: Whether a length tells where the body ends; else the close does.
        cut_after: Bytes after which the body is broken off; None means it is sent whole.
        ending: How it is broken off.
        rate: Bytes per second; None means as fast as the client reads.
        flip_at: Offset in the object of a byte that is sent wrong; None means all are right.
    """

    body: Body
    start: int
    stop: int
    partial: bool
    etag: str | None
    last_modified: str
    content_type: str
    crc64: str | None = None
    content: bytes | None = None
    encoding: str | None = None
    is_framed: bool = True
    cut_after: int | None = None
    ending: Ending = Ending.CLOSE
    rate: float | None = None
    flip_at: int | None = None

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return 206 if self.partial else 200

    @property
    def length(self) -> int:
        """Return how many bytes a sound answer has."""
        return self.stop - self.start if self.content is None else len(self.content)

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers, those without a value left out."""
        span = f"bytes {self.start}-{self.stop - 1}/{self.body.size}"
        named = {
            "content-type": self.content_type,
            "content-length": str(self.length) if self.is_framed else None,
            "content-range": span if self.partial else None,
            "content-encoding": self.encoding,
            "accept-ranges": "bytes",
            "etag": self.etag,
            "last-modified": self.last_modified,
            "x-oss-hash-crc64ecma": self.crc64,
            "server": "Tengine",
        }
        return [(name.encode(), value.encode()) for name, value in named.items() if value is not None]

    def pieces(self) -> Iterator[bytes]:
        """Yield what is really sent."""
        left = self.length if self.cut_after is None else min(self.cut_after, self.length)
        if self.content is not None:
            yield self.content[:left]
            return
        for at in range(self.start, self.start + left, PIECE):
            stop = min(at + PIECE, self.start + left)
            yield _flipped(self.body.read(at, stop), at, self.flip_at)


def _flipped(piece: bytes, at: int, flip_at: int | None) -> bytes:
    if flip_at is None or not at <= flip_at < at + len(piece):
        return piece
    wrong = bytearray(piece)
    wrong[flip_at - at] ^= 1
    return bytes(wrong)


def _broken_off(plan: Plan, fault: Fault, ending: Ending) -> Plan:
    if plan.cut_after is not None and plan.cut_after <= fault.at:
        return plan
    return replace(plan, cut_after=fault.at, ending=ending)


def _cut(plan: Plan, fault: Fault) -> Plan:
    return _broken_off(plan, fault, Ending.RESET if fault.reset else Ending.CLOSE)


def _truncated(plan: Plan, fault: Fault) -> Plan:
    return replace(_broken_off(plan, fault, Ending.CLOSE), is_framed=False)


def _gzipped(plan: Plan, _: Fault) -> Plan:
    content = gzip.compress(plan.body.read(plan.start, plan.stop), compresslevel=1)
    return replace(plan, content=content, encoding="gzip")


def _portal(plan: Plan, _: Fault) -> Plan:
    return replace(plan, content=_PORTAL, content_type="text/html", partial=False, etag=None, crc64=None)


EFFECTS: Final[Mapping[FaultKind, Callable[[Plan, Fault], Plan]]] = {
    FaultKind.GZIP: _gzipped,
    FaultKind.HTML: _portal,
    FaultKind.BIT_FLIP: lambda plan, fault: replace(plan, flip_at=fault.at),
    FaultKind.DRIP: lambda plan, fault: replace(plan, rate=fault.rate),
    FaultKind.CUT: _cut,
    FaultKind.STALL: lambda plan, fault: _broken_off(plan, fault, Ending.HOLD),
    FaultKind.TRUNCATED_NO_LENGTH: _truncated,
}
"""What each fault does to a body, in the order in which they are applied."""

_BREAK_OFF: Final = frozenset({FaultKind.CUT, FaultKind.STALL, FaultKind.TRUNCATED_NO_LENGTH})


def spoil(plan: Plan, faults: Faults[Fault]) -> Plan:
    """Apply every fault that has its turn; one that would change nothing here keeps its turn."""
    for kind, effect in EFFECTS.items():
        fault = faults.take(kind, applies=_applies(plan))
        if fault is not None:
            plan = effect(plan, fault)
    return plan


def _applies(plan: Plan) -> Callable[[Fault], bool]:
    def applies(fault: Fault) -> bool:
        if fault.kind in _BREAK_OFF:
            return fault.at < plan.length
        return fault.kind is not FaultKind.BIT_FLIP or plan.start <= fault.at < plan.stop

    return applies
