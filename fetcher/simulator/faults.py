"""What can be made to go wrong, by name, and the queue that counts how often it still does."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, Protocol, Self, TypeVar


class FaultKind(Enum):
    """The misbehaviours of the CDN."""

    CUT = auto()
    STALL = auto()
    DRIP = auto()
    REFUSE = auto()
    EXPIRED = auto()
    DENIED = auto()
    GONE = auto()
    GZIP = auto()
    HTML = auto()
    TRUNCATED_NO_LENGTH = auto()
    BIT_FLIP = auto()
    REDIRECT = auto()
    LATENCY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One misbehaviour of the CDN towards one video; made by the class methods.

    Attributes:
        kind: Which.
        times: How many answers it spoils; None means every one.
        at: A byte count or offset.
        seconds: For latency.
        rate: Bytes per second, for drip.
        status_code: For refuse and gone.
        text: Retry-After, the name of an ACL, or where a redirect leads; None means none.
        reset: Whether a cut is a TCP reset instead of a clean close.
    """

    kind: FaultKind
    times: int | None = None
    at: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    status_code: int = 0
    text: str | None = None
    reset: bool = False

    @classmethod
    def cut(cls, *, after: int, times: int | None = 1, reset: bool = False) -> Self:
        """Close the connection after *after* bytes of a longer body."""
        return cls(kind=FaultKind.CUT, at=after, times=times, reset=reset)

    @classmethod
    def stall(cls, *, after: int, times: int | None = 1) -> Self:
        """Stop sending after *after* bytes of a longer body and hold the connection."""
        return cls(kind=FaultKind.STALL, at=after, times=times)

    @classmethod
    def drip(cls, *, rate: float, times: int | None = None) -> Self:
        """Send *rate* bytes per second."""
        return cls(kind=FaultKind.DRIP, rate=rate, times=times)

    @classmethod
    def refuse(cls, *, status_code: int = 503, retry_after: str | None = None, times: int | None = 1) -> Self:
        """Answer 503 or another status, such as 429; with Retry-After where it is given."""
        return cls(kind=FaultKind.REFUSE, status_code=status_code, text=retry_after, times=times)

    @classmethod
    def expired(cls, *, times: int | None = 1) -> Self:
        """Issue links that are dead at once: *times* of them, then good ones."""
        return cls(kind=FaultKind.EXPIRED, times=times)

    @classmethod
    def denied(cls, *, acl: str = "Referer ACL", times: int | None = None) -> Self:
        """Answer 403 in the name of an ACL ("Referer ACL", "IP ACL")."""
        return cls(kind=FaultKind.DENIED, text=acl, times=times)

    @classmethod
    def gone(cls, *, status_code: int = 404, times: int | None = None) -> Self:
        """Answer 404 or 410."""
        return cls(kind=FaultKind.GONE, status_code=status_code, times=times)

    @classmethod
    def gzip(cls, *, times: int | None = None) -> Self:
        """Compress the body, whatever was asked."""
        return cls(kind=FaultKind.GZIP, times=times)

    @classmethod
    def html(cls, *, times: int | None = 1) -> Self:
        """Answer 200 with the page of a captive portal."""
        return cls(kind=FaultKind.HTML, times=times)

    @classmethod
    def truncated_no_length(cls, *, after: int, times: int | None = 1) -> Self:
        """Send *after* bytes of a longer body without Content-Length, then close cleanly."""
        return cls(kind=FaultKind.TRUNCATED_NO_LENGTH, at=after, times=times)

    @classmethod
    def bit_flip(cls, *, at: int, times: int | None = 1) -> Self:
        """Turn one bit of the byte at offset *at* of the object."""
        return cls(kind=FaultKind.BIT_FLIP, at=at, times=times)

    @classmethod
    def redirect(cls, *, to: str | None = "/mirror", times: int | None = None) -> Self:
        """Answer 302.

        Args:
            to: A path prefix under which the file is served, an absolute URL, or None for a loop.
            times: How often; None means always.
        """
        return cls(kind=FaultKind.REDIRECT, text=to, times=times)

    @classmethod
    def latency(cls, *, seconds: float, times: int | None = None) -> Self:
        """Wait before the answer begins."""
        return cls(kind=FaultKind.LATENCY, seconds=seconds, times=times)


class _Counted(Protocol):
    @property
    def kind(self) -> Enum: ...

    @property
    def times(self) -> int | None: ...


F = TypeVar("F", bound=_Counted)


class Faults(Generic[F]):
    """Faults that wait for their turn; those of one kind come one after the other. Thread-safe."""

    def __init__(self, faults: Iterable[F] = ()) -> None:
        self._lock = threading.Lock()
        self._waiting: list[tuple[F, int | None]] = [(fault, fault.times) for fault in faults]

    def append(self, fault: F) -> None:
        """Add a fault behind those of its kind."""
        with self._lock:
            self._waiting.append((fault, fault.times))

    def clear(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._waiting.clear()

    def take(self, kind: Enum, *, applies: Callable[[F], bool] = lambda _: True) -> F | None:
        """Use up one turn of the first fault of *kind* that applies here; None where there is none."""
        with self._lock:
            for index, (fault, left) in enumerate(self._waiting):
                if fault.kind is kind and applies(fault):
                    return self._use(index, fault, left)
        return None

    def _use(self, index: int, fault: F, left: int | None) -> F | None:
        if left is not None and left <= 1:
            del self._waiting[index]
        elif left is not None:
            self._waiting[index] = (fault, left - 1)
        return fault if left is None or left > 0 else None
