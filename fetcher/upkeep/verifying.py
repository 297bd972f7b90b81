"""Verify what is done: first which files are there at all, then every byte, the longest unread ones first."""

import time
from collections.abc import Callable, Generator, Iterator
from typing import Final

from fetcher.archive.home import Home
from fetcher.domain.verification import DoneFile, Kind, Seen, judge
from fetcher.ledger.paging import Reading
from fetcher.ledger.verifying import Due, due_after, forget_future, is_still, keep_verified
from fetcher.upkeep.course import Course, Wish
from fetcher.upkeep.crew import Crew, Order
from fetcher.upkeep.findings import Action, Finding
from fetcher.upkeep.looking import Look
from fetcher.upkeep.mending import Mending, Writing

_GROUP: Final = 1000
_GROUP_S: Final = 2.0
"""Files, or seconds, whose verification is written down together: what a kill may cost."""
_EVER: Final = 1 << 62
"""Later than any moment, ms UTC."""


class Verifying:
    """One verification.

    Args:
        home: The archive.
        reading: Opens the ledger for a short look.
        writing: Opens a write transaction; None where nothing is to be changed, not even what was verified when.
        wish: What is to be done.
        jobs: Files read at once.
        now: Returns ms UTC.
    """

    def __init__(
        self,
        home: Home,
        reading: Reading,
        writing: Writing | None,
        wish: Wish,
        *,
        jobs: int,
        now: Callable[[], int],
    ) -> None:
        self._reading = reading
        self._writing = writing
        self._wish = wish
        self._now = now
        self.crew = Crew(home.root, jobs=jobs)
        self.course = Course(wish, end=self._break_off)
        self._mending = Mending(home, writing, wish, self.course, now=now)
        self._look = Look(home.root, reading, wish, self.course, mending=self._mending, jobs=jobs)
        self._verified: list[tuple[int, str, int]] = []
        self._kept_at = time.monotonic()
        self._began_at = 0

    @property
    def bytes_read(self) -> int:
        """Bytes that were read so far, those of files that no video has among them."""
        return self.crew.bytes_read + self._look.crew.bytes_read

    def _break_off(self) -> None:
        self._look.crew.stop()
        self.crew.stop()

    def findings(self) -> Generator[Finding, None, None]:
        """Yield what is not as it has to be, as it is found.

        Raises:
            LedgerError: The ledger failed.
            StorageError: The ledger's disk, or the archive is not there any more.
        """
        tally = self.course.tally
        try:
            for finding in self._findings():
                tally.counts[finding.kind] += 1
                tally.put_back += finding.action is Action.PUT_BACK
                tally.accepted += finding.action is Action.ACCEPTED
                yield finding
        finally:
            self._break_off()
            self.crew.close()
            self._keep()

    def _findings(self) -> Iterator[Finding]:
        yield from self._look.findings()
        if not self._wish.is_quick and self.course.tally.refusal is None:
            yield from self._read()

    def _read(self) -> Iterator[Finding]:
        """Read every byte. One file is read to its end, however long that takes, or a large one would never be."""
        is_first = True
        for result in self.crew.results(self._orders()):
            if result is not None:
                is_first = False
                yield from self._judged(result[0].about, result[1])
            if not is_first:
                self.course.is_over()
            if time.monotonic() - self._kept_at >= _GROUP_S or len(self._verified) >= _GROUP:
                self._keep()

    def _orders(self) -> Iterator[Order[DoneFile]]:
        """Yield what is to be read; what is missing was told."""
        for done in self._due():
            if self.course.ended_by is not None:
                return
            if done.video_id not in self._look.gone:
                yield Order(done, done.path, done.size, done.sha256)

    def _due(self) -> Iterator[DoneFile]:
        """Yield what has its turn, page by page; what is verified meanwhile is not met again."""
        if self._wish.named is not None:
            yield from self._wish.named
            return
        before, last = self._begin(), None
        while page := self._page(last, before):
            yield from (due.done for due in page)
            last = page[-1]

    def _begin(self) -> int:
        """Return before which moment a file was verified that has its turn now."""
        if self._writing is None:
            return _EVER
        self._began_at = self._now()
        is_more = True
        while is_more:
            with self._writing() as connection:
                is_more = forget_future(connection, now=self._began_at) > 0
        return self._began_at

    def _page(self, last: Due | None, before: int) -> list[Due]:
        with self._reading() as connection:
            return due_after(connection, last, before=before)

    def _judged(self, done: DoneFile, seen: Seen) -> Iterator[Finding]:
        """Note what is right; yield what is not, where the ledger still says that it has to be."""
        verdict, tally = judge(done, seen), self.course.tally
        tally.files_read += seen.sha256 is not None
        if verdict.kind is Kind.OK:
            tally.counts[Kind.OK] += 1
            # A clock that was set back meanwhile must not give it another turn.
            self._verified.append((done.video_id, done.sha256, max(self._now(), self._began_at)))
            return
        with self._reading() as connection:
            is_told = is_still(connection, done)
        if is_told:
            yield self._mending.damaged(done, seen, verdict)

    def _keep(self) -> None:
        """Write down what was verified."""
        if self._verified and self._writing is not None:
            with self._writing() as connection:
                keep_verified(connection, self._verified)
        self._verified = []
        self._kept_at = time.monotonic()
