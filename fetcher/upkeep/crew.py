"""Threads that read files. The digest is computed outside the interpreter's lock, so several are read at once."""

import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from fetcher.archive.rereading import Rereader, StoppedError
from fetcher.domain.verification import Seen

T = TypeVar("T")
_MOST_JOBS: Final = 4
_TICK_S: Final = 0.25
_PATIENCE_S: Final = 1.0
"""Seconds for which a stop waits for what is being read: a disk may not answer at all."""


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """One file to read."""

    about: T
    """What the file is to whoever wants it read."""
    path: str
    """Below the archive."""
    size: int
    """Bytes that it has to have; another one is not read."""
    sha256: str | None
    """What is expected, None where nothing is."""


class Crew:
    """Reads files below *root*, up to *jobs* at once.

    Args:
        root: The archive.
        jobs: Threads.
    """

    def __init__(self, root: Path, *, jobs: int) -> None:
        self._root = root
        self._jobs = jobs
        self._orders: queue.SimpleQueue[Order[Any] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Order[Any], Seen | BaseException | None]] = queue.SimpleQueue()
        self._read = [0] * jobs
        self._under_way = 0
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def bytes_read(self) -> int:
        """Bytes that were read so far."""
        return sum(self._read)

    def stop(self) -> None:
        """Break off what is being read. Safe to call from a signal's handler."""
        self._stopping.set()

    def close(self) -> None:
        """End the threads, and wait a little for them."""
        for _ in self._threads:
            self._orders.put(None)
        until = time.monotonic() + _PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def results(self, orders: Iterable[Order[T]]) -> Iterator[tuple[Order[T], Seen] | None]:
        """Yield what was found, as it comes; None now and then where nothing has come for a while.

        After ``stop`` no further order is taken, and what was read to its end by then is yielded.

        Raises:
            Exception: One of ours went wrong in a way that nobody foresaw.
        """
        self._start()
        for order in orders:
            self._orders.put(order)
            self._under_way += 1
            while self._under_way >= 2 * self._jobs and not self._stopping.is_set():
                yield self._next()
            if self._stopping.is_set():
                break
        until: float | None = None
        while self._under_way and (until is None or time.monotonic() < until):
            if until is None and self._stopping.is_set():
                until = time.monotonic() + _PATIENCE_S
            yield self._next()

    def _next(self) -> tuple[Order[T], Seen] | None:
        """Return the next result, None where there is none yet, or one was broken off."""
        try:
            order, seen = self._results.get(timeout=_TICK_S)
        except queue.Empty:
            return None
        self._under_way -= 1
        if isinstance(seen, BaseException):
            raise seen
        return None if seen is None else (order, seen)

    def _start(self) -> None:
        for number in range(len(self._threads), self._jobs):
            thread = threading.Thread(target=self._work, args=(number,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _work(self, number: int) -> None:
        def heed(count: int) -> None:
            self._read[number] += count
            if self._stopping.is_set():
                raise StoppedError

        rereader = Rereader(self._root, heed=heed)
        while (order := self._orders.get()) is not None:
            self._results.put((order, self._seen(rereader, order)))

    def _seen(self, rereader: Rereader, order: Order[Any]) -> Seen | BaseException | None:
        """Return what one file is, or what went wrong; None where it was broken off."""
        if self._stopping.is_set():
            return None
        try:
            return rereader.read(order.path, size=order.size, sha256=order.sha256)
        except StoppedError:
            return None
        except Exception as exc:  # noqa: BLE001 - raised again where the results are taken
            return exc


def usual_jobs(root: Path) -> int:
    """Return how many files to read at once: one from a disk that turns, where heads would go to and fro.

    Source: Linux, Documentation/ABI/stable/sysfs-block, queue/rotational; virtual disks often call themselves so.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if _turns(root) else min(_MOST_JOBS, processors)


def _turns(root: Path) -> bool:
    """Tell whether the disk of *root* turns, as far as the kernel knows."""
    try:
        device = os.stat(root).st_dev
        block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
        for place in (block, block.parent):  # A partition has no queue of its own.
            if (told := place / "queue" / "rotational").is_file():
                return told.read_text(encoding="ascii").strip() == "1"
    except OSError:
        pass
    return False
