"""What was asked of the simulator, in order, and what it sent."""

import itertools
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One request.

    Attributes:
        received_at: Unix seconds by the simulator's clock.
        method: GET, HEAD or POST.
        path: Without the query, which holds secrets.
        range: The Range header as sent, or None.
        vid: The video whose file was asked for, or None.
        task_id: The task that was asked about or created, or None.
        status_code: None while there is no answer, and where the connection was dropped without one.
        bytes_sent: Bytes of the body handed to the socket so far.
        finished: Whether the simulator is done with it.
    """

    received_at: float
    method: str
    path: str
    range: str | None = None
    vid: str | None = None
    task_id: str | None = None
    status_code: int | None = None
    bytes_sent: int = 0
    finished: bool = False


class RequestLog(Sequence[RequestRecord]):
    """All records in the order of asking. Thread-safe; reading gives a snapshot."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys = itertools.count()
        self._records: dict[int, RequestRecord] = {}

    @overload
    def __getitem__(self, index: int) -> RequestRecord: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RequestRecord]: ...
    def __getitem__(self, index: int | slice) -> RequestRecord | Sequence[RequestRecord]:
        return self._snapshot()[index]

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[RequestRecord]:
        return iter(self._snapshot())

    def clear(self) -> None:
        """Forget what was asked so far."""
        with self._lock:
            self._records.clear()

    def of(self, vid: str) -> list[RequestRecord]:
        """Return the requests for one video's file."""
        return [record for record in self if record.vid == vid]

    def to(self, path: str) -> list[RequestRecord]:
        """Return the requests whose path contains *path*."""
        return [record for record in self if path in record.path]

    def start(self, record: RequestRecord) -> "Entry":
        """Add a record and return the handle that completes it."""
        with self._lock:
            key = next(self._keys)
            self._records[key] = record
        return Entry(self, key)

    def update(self, key: int, *, sent: int = 0, **changes: Any) -> None:
        """Change a record, unless it was cleared away."""
        with self._lock:
            if record := self._records.get(key):
                self._records[key] = replace(record, bytes_sent=record.bytes_sent + sent, **changes)

    def _snapshot(self) -> tuple[RequestRecord, ...]:
        with self._lock:
            return tuple(self._records.values())


class Entry:
    """The handle to the record of a request that is being answered."""

    def __init__(self, log: RequestLog, key: int) -> None:
        self._log = log
        self._key = key

    def note(self, **changes: Any) -> None:
        """Write down facts as they are learned."""
        self._log.update(self._key, **changes)

    def count(self, sent: int) -> None:
        """Add bytes of the body."""
        self._log.update(self._key, sent=sent)


def header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str | None:
    """Return the first header of a name, given in lower case; None where it is missing."""
    return next((value.decode("latin-1") for key, value in headers if key == name), None)
