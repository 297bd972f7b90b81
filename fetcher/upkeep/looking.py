"""A first look, without reading: which done files are gone, where they are now, and what no video has."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from fetcher.archive.rereading import glance
from fetcher.domain.verification import DoneFile, Kind, judge
from fetcher.ledger.paging import Reading
from fetcher.ledger.verifying import done_files, is_still
from fetcher.report.strangers import strangers
from fetcher.upkeep.course import Course, Wish
from fetcher.upkeep.crew import Crew, Order
from fetcher.upkeep.findings import Finding
from fetcher.upkeep.gone import Gone
from fetcher.upkeep.mending import Mending


class Look:
    """Looks at every name, and reads only what may be a missing file under another one.

    Args:
        root: The archive.
        reading: Opens the ledger for a moment.
        wish: What is to be looked at.
        course: How far it is.
        mending: Does about it what is wished.
        jobs: Files read at once.
    """

    def __init__(
        self, root: Path, reading: Reading, wish: Wish, course: Course, *, mending: Mending, jobs: int
    ) -> None:
        self._root = root
        self._reading = reading
        self._wish = wish
        self._course = course
        self._mending = mending
        self.crew = Crew(root, jobs=jobs)
        """Reads what may be a missing file."""
        self.gone = Gone()

    def findings(self) -> Iterator[Finding]:
        """Yield what is missing, moved, or no video's; with --quick, what has another size, too."""
        yield from self._present()
        if self._wish.named is None or self._wish.is_quick:
            yield from self._extras()
        if self.gone and not self._wish.is_quick:
            yield from self._candidates()
            self.crew.close()
        self._mending.require_calm(len(self.gone) - self.gone.moved, self._course.tally.looked_at, "missing")
        for page in self.gone.pages(self._reading):
            yield from self._gone(page)

    def _present(self) -> Iterator[Finding]:
        tally = self._course.tally
        for done in self._scope():
            if self._course.is_look_over():
                return
            tally.looked_at += 1
            seen = glance(self._root, done.path)
            verdict = judge(done, seen)
            if verdict.kind is Kind.MISSING:
                self.gone.add(done)
            elif self._wish.is_quick and verdict.kind is Kind.OK:
                tally.counts[Kind.OK] += 1
            elif self._wish.is_quick and self._is_still(done):
                yield self._mending.damaged(done, seen, verdict)

    def _scope(self) -> Iterator[DoneFile]:
        if self._wish.named is not None:
            yield from sorted(self._wish.named, key=lambda done: done.video_id)
            return
        yield from done_files(self._reading)

    def _is_still(self, done: DoneFile) -> bool:
        with self._reading() as connection:
            return is_still(connection, done)

    def _extras(self) -> Iterator[Finding]:
        """Yield what no video has and cannot be a missing file, nor the sidecar of one; with --quick, all of it."""
        if self._wish.named is not None and not self.gone:
            return
        for path in strangers(self._root, self._reading):
            if self._course.is_look_over():
                return
            size = self._size_if_sought(path)
            if self._wish.is_quick and size is not None:
                self.gone.seen(size)
            may_be_one = size is not None or self._is_beside_one(path)
            if self._wish.named is None and (self._wish.is_quick or not may_be_one):
                yield _extra(path)

    def _candidates(self) -> Iterator[Finding]:
        """Read what no video has and may be a missing file; yield what is none."""
        for result in self.crew.results(self._orders()):
            if self._course.is_look_over():
                self.crew.stop()
            if result is None:
                continue
            order, seen = result
            is_one = seen.sha256 is not None and self.gone.found(order.path, seen.sha256)
            if not is_one and self._wish.named is None:
                yield _extra(order.path)

    def _orders(self) -> Iterator[Order[None]]:
        for path in strangers(self._root, self._reading):
            if self._course.is_look_over():
                return
            if (size := self._size_if_sought(path)) is not None:
                yield Order(None, path, size, None)

    def _size_if_sought(self, path: str) -> int | None:
        """Return the size of a file that may be a missing one, None for any other."""
        size = glance(self._root, path).size
        return size if size is not None and self.gone.is_sought(size) else None

    def _is_beside_one(self, path: str) -> bool:
        """Tell whether a file may be the sidecar of one that was moved."""
        named = path.removesuffix(".json")
        return named != path and self._size_if_sought(named) is not None

    def _gone(self, page: Sequence[DoneFile]) -> Iterator[Finding]:
        """Yield what is told of missing files, as the ledger has them by now."""
        elsewhere = [(done, place) for done in page if (place := self.gone.place(done.video_id)) is not None]
        for done, place in elsewhere:
            yield self._mending.moved(done, place)
        found = {done.video_id for done, _ in elsewhere}
        left = [done for done in page if done.video_id not in found]
        yield from self._mending.perhaps_moved([done for done in left if self._may_be_moved(done)])
        yield from self._mending.missing([done for done in left if not self._may_be_moved(done)])

    def _may_be_moved(self, done: DoneFile) -> bool:
        """Tell whether a missing file may be elsewhere: not all was looked at, or one as large was not read."""
        return self._course.is_look_cut or self.gone.may_be_moved(done)


def _extra(path: str) -> Finding:
    return Finding(kind=Kind.EXTRA, path=path, detail="no video has it")
