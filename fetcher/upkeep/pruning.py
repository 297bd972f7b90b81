"""Clear away what nobody needs. Never a finished file, never a part that a later try goes on with."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fetcher.archive.home import Home
from fetcher.archive.leftovers import LeftKind, Leftover, drafts, in_parts, in_quarantine, remove
from fetcher.domain.status import Status
from fetcher.ledger import pruning
from fetcher.ledger.health import statuses
from fetcher.ledger.paging import Reading
from fetcher.ledger.recovery import owners
from fetcher.report.strangers import batches
from fetcher.upkeep.mending import Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How old what goes has to be, ms UTC."""

    history_before: int
    quarantine_before: int | None = None
    """None: quarantine is left alone."""


@dataclass(slots=True, kw_only=True)
class Freed:
    """What was removed, or would be. Grows meanwhile."""

    files: Counter[LeftKind] = field(default_factory=Counter)
    bytes: int = 0
    events: int = 0
    runs: int = 0
    unknown: set[str] = field(default_factory=set)
    """Videos that this ledger does not know and of which a part is here: an older copy of it may have been put
    back. Those parts are left alone."""


class Pruning:
    """One clearing away, for who holds the archive's lock, unless nothing is written.

    Args:
        home: The archive.
        reading: Opens the ledger for a short look.
        writing: Opens a write transaction; None where only what would be removed is to be told.
        limits: How old it has to be.
    """

    def __init__(self, home: Home, reading: Reading, writing: Writing | None, limits: Limits) -> None:
        self._home = home
        self._reading = reading
        self._writing = writing
        self._limits = limits
        self.freed = Freed()

    def files(self) -> Iterator[Leftover]:
        """Remove files, and yield each.

        Raises:
            OSError: The disk.
        """
        for leftover in self._needless():
            if self._writing is not None:
                remove(self._home, leftover)
            self.freed.files[leftover.kind] += 1
            self.freed.bytes += leftover.frees
            yield leftover

    def rows(self) -> None:
        """Remove history, a little at a time."""
        with self._reading() as connection:
            spans = list(pruning.spans(connection))
        for span in spans:
            self.freed.events += self._events(span)
        self.freed.runs += self._runs()

    def _needless(self) -> Iterator[Leftover]:
        for batch in batches(in_parts(self._home)):
            with self._reading() as connection:
                numbers = statuses(connection, [one.video_id for one in batch if one.video_id is not None])
                known = owners(connection, {one.vid for one in batch if one.vid is not None})
            yield from (one for one in batch if self._is_needless(one, numbers, known))
        yield from drafts(self._home)
        if self._limits.quarantine_before is not None:
            yield from in_quarantine(self._home, before=self._limits.quarantine_before)

    def _is_needless(
        self, left: Leftover, numbers: Mapping[int, tuple[str, Status]], known: Mapping[str, int | None]
    ) -> bool:
        """Tell whether a part or memo is of no use: by the vid in the memo, without one by the number in the name.

        Numbers are this ledger's; what came after the copy that it was brought back from, it does not know.
        """
        if left.kind is LeftKind.DRAFT:
            return True
        if left.vid is None:
            video = None if left.video_id is None else numbers.get(left.video_id)
            return video is None or video[1] is Status.DONE
        if left.vid not in known:
            self.freed.unknown.add(left.vid)
            return False
        return known[left.vid] is None

    def _events(self, span: tuple[int, int]) -> int:
        before = self._limits.history_before
        with self._reading() as connection:
            count = pruning.old_events(connection, span, before=before)
        if not count or self._writing is None:
            return count
        with self._writing() as connection:
            return pruning.remove_old_events(connection, span, before=before)

    def _runs(self) -> int:
        before = self._limits.history_before
        if self._writing is None:
            with self._reading() as connection:
                return pruning.old_runs(connection, before=before)
        with self._writing() as connection:
            return pruning.remove_old_runs(connection, before=before)
