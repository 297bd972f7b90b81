"""Read files of the archive in threads, and note what was read from one."""

import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from fetcher.archive.reading import Bytes, read_through
from fetcher.domain.errors import ConflictError, TransferStoppedError
from fetcher.ledger.findings import Findings, Found

_Waiting: TypeAlias = dict[Future[Bytes | None], Found]
_AHEAD: Final = 4
"""Files for each thread that wait to be read, or to be noted."""
_SHOWN_EVERY_S: Final = 0.2
_NOTED_EVERY_S: Final = 2.0
_MOST_UNNOTED: Final = 500


class Reading:
    """Reads the files that were found and not read yet.

    Args:
        root: The archive.
        findings: Has the files, and takes what was read.
        clock: Returns ms UTC.
    """

    def __init__(self, root: Path, findings: Findings, clock: Callable[[], int]) -> None:
        self._root = root
        self._findings = findings
        self._clock = clock
        self._lock = threading.Lock()
        self._is_stopped = False
        self._bytes = 0
        self._read: list[Found] = []
        self._noted_at = time.monotonic()

    def run(self, jobs: int, progress: Callable[[int], None]) -> None:
        """Read them all; what was read is noted too where that is broken off.

        Args:
            jobs: Files at once.
            progress: Called a few times a second with the bytes that were read so far.
        """
        files = self._findings.unread()
        with ThreadPoolExecutor(jobs, thread_name_prefix="reading") as pool:
            waiting: _Waiting = {}
            try:
                while True:
                    for file in itertools.islice(files, jobs * _AHEAD - len(waiting)):
                        waiting[pool.submit(self._try, file.path)] = file
                    if not waiting:
                        return
                    self._take_in(waiting)
                    progress(self._bytes)
            except BaseException:
                self._is_stopped = True
                pool.shutdown(cancel_futures=True)
                raise
            finally:
                self._note()

    def _take_in(self, waiting: _Waiting) -> None:
        """Take in which files have been read, after waiting a little for one."""
        ended, _ = wait(waiting, _SHOWN_EVERY_S, return_when=FIRST_COMPLETED)
        for one in ended:
            file, found = waiting.pop(one), one.result()
            if found is not None:
                self._read.append(
                    msgspec.structs.replace(
                        file,
                        sha256=found.sha256,
                        container=found.container,
                        stamp=found.stamp,
                        size=found.size,
                        read_at=self._clock(),
                    )
                )
        if len(self._read) >= _MOST_UNNOTED or time.monotonic() > self._noted_at + _NOTED_EVERY_S:
            self._note()

    def _note(self) -> None:
        read, self._read = self._read, []
        self._findings.note_read(read)
        self._noted_at = time.monotonic()

    def _try(self, path: str) -> Bytes | None:
        """Read one file; None where it cannot be."""
        try:
            return read_through(self._root, path, self._heed)
        except (ConflictError, OSError):
            return None

    def _heed(self, count: int) -> None:
        if self._is_stopped:
            raise TransferStoppedError("the rebuild is ending")
        with self._lock:
            self._bytes += count
