"""Hold the ledger against itself and against the archive: what is wrong, one finding at a time. Nothing is changed.

Files are looked at, not read: that their bytes are still the right ones is not told here.
"""

import contextlib
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from fetcher.archive.home import Home
from fetcher.archive.placing import look_at
from fetcher.archive.survey import LeftPart, left_parts
from fetcher.domain.errors import ConflictError
from fetcher.domain.exit_code import ExitCode, gravest
from fetcher.domain.identifiers import printable
from fetcher.domain.status import Status
from fetcher.domain.verification import DoneFile
from fetcher.ledger.damage import damaged, require_damage
from fetcher.ledger.health import doubled_paths, faults, left_claims, statuses
from fetcher.ledger.recovery import owners
from fetcher.ledger.verifying import done_files
from fetcher.report.rows import instant
from fetcher.report.strangers import batches, strangers


class Kind(StrEnum):
    """What can be found."""

    LEDGER = "ledger"
    """The database is damaged, or its rows contradict each other."""
    MISSING = "missing"
    """A done file is gone."""
    WRONG_SIZE = "wrong_size"
    """A done file has another size."""
    NO_FILE = "no_file"
    """A link, a directory or the like stands where a done file has to be, or on the way to it."""
    UNREADABLE = "unreadable"
    """The disk does not let a done file be looked at."""
    STRAY_PART = "stray_part"
    """A part or memo that belongs to no video, to one that is done, or to one that this ledger does not know."""
    BAD_MEMO = "bad_memo"
    """A memo that cannot be read, or names no video: its part is begun anew."""
    LEFT_CLAIM = "left_claim"
    """A claim of a run that has ended; the next run frees it."""


_CODES: Final = {
    Kind.LEDGER: ExitCode.LEDGER,
    Kind.MISSING: ExitCode.DAMAGE,
    Kind.WRONG_SIZE: ExitCode.DAMAGE,
    Kind.NO_FILE: ExitCode.DAMAGE,
    Kind.UNREADABLE: ExitCode.DAMAGE,
}
"""The exit codes of what somebody has to see to; the next run puts the rest in order by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it has to be."""

    kind: Kind
    vid: str | None = None
    path: str | None = None
    """Below the archive."""
    detail: str


class Checkup:
    """One look at everything.

    Args:
        connection: To a ledger of this code's schema, to read.
        home: The archive.
        now: ms UTC.
    """

    def __init__(self, connection: Connection, home: Home, *, now: int) -> None:
        self._connection = connection
        self._home = home
        self._now = now
        self.counts: Counter[Kind] = Counter()
        """Findings so far."""
        self.done = 0
        """Done files that were looked at."""
        self.unknown_files = 0
        """Files of the archive that belong to no video of the ledger."""

    @property
    def code(self) -> ExitCode:
        """The exit code that the findings so far call for."""
        return gravest(_CODES.get(kind, ExitCode.OK) for kind in self.counts)

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong. Where the ledger is, its rows are not relied on, and no file is looked at.

        Raises:
            OSError: The directory of the parts cannot be read.
        """
        yield from self._counted(self._inside())
        if not self.counts:
            yield from self._counted(self._beside())
            self.unknown_files = sum(1 for _ in strangers(self._home.root, self._reading))

    def _reading(self) -> contextlib.AbstractContextManager[Connection]:
        """All of it is looked at in the one transaction that this was begun in."""
        return contextlib.nullcontext(self._connection)

    def _counted(self, findings: Iterator[Finding]) -> Iterator[Finding]:
        for finding in findings:
            self.counts[finding.kind] += 1
            yield finding

    def _inside(self) -> Iterator[Finding]:
        """Yield what is wrong inside of the ledger."""
        for text in faults(self._connection):
            yield Finding(kind=Kind.LEDGER, detail=text)
        try:
            for path, count in doubled_paths(self._connection):
                yield Finding(kind=Kind.LEDGER, path=path, detail=f"{count} videos have this one path")
        except DatabaseError as exc:
            require_damage(exc)
            if not self.counts:
                raise

    def damage(self) -> Iterator[Finding]:
        """Yield which tables of a ledger are damaged of which not even the schema can be told."""
        yield from self._counted(Finding(kind=Kind.LEDGER, detail=text) for text in damaged(self._connection))

    def _beside(self) -> Iterator[Finding]:
        """Yield where rows and files differ."""
        for done in done_files(self._reading):
            self.done += 1
            if (found := _compared(self._home.root, done)) is not None:
                yield found
        for batch in batches(left_parts(self._home.parts)):
            numbers = statuses(self._connection, [part.video_id for part in batch])
            known = owners(self._connection, {part.vid for part in batch if part.vid is not None})
            for part in batch:
                found = _judged(part, numbers.get(part.video_id)) if part.vid is None else _owned(part, known)
                if found is not None:
                    yield found
        for held in left_claims(self._connection, now=self._now):
            detail = f"claimed by {held.owner} until {instant(held.held_until)}"
            yield Finding(kind=Kind.LEFT_CLAIM, vid=held.vid, detail=detail)


def _compared(root: Path, done: DoneFile) -> Finding | None:
    """Hold a done file against what stands there."""
    try:
        found = look_at(root, done.path)
    except ConflictError as exc:
        return Finding(kind=Kind.NO_FILE, vid=done.vid, path=done.path, detail=str(exc))
    except OSError as exc:
        return Finding(kind=Kind.UNREADABLE, vid=done.vid, path=done.path, detail=exc.strerror or str(exc))
    if found is None:
        kind, detail = Kind.MISSING, "the file is gone"
    elif not stat.S_ISREG(found.st_mode):
        kind, detail = Kind.NO_FILE, "no plain file stands there"
    elif found.st_size != done.size:
        kind, detail = Kind.WRONG_SIZE, f"{found.st_size} bytes instead of {done.size}"
    else:
        return None
    return Finding(kind=kind, vid=done.vid, path=done.path, detail=detail)


def _owned(part: LeftPart, known: Mapping[str, int | None]) -> Finding | None:
    """Say what is wrong with a part or memo whose memo says whose it is, None where a later try goes on with it.

    Args:
        part: What lies there.
        known: By vid, the number of each video that the ledger knows, None where it is done.
    """
    if part.vid is None or known.get(part.vid) is not None:
        return None
    detail = "its video is done" if part.vid in known else "this ledger does not know its video; it stays"
    return Finding(kind=Kind.STRAY_PART, vid=part.vid, path=f".fetcher/parts/{part.name}", detail=detail)


def _judged(part: LeftPart, video: tuple[str, Status] | None) -> Finding | None:
    """Say what is wrong with what no memo says whose it is: it has the number of *video* (vid and status)."""
    path = f".fetcher/parts/{part.name}"
    if video is None:
        return Finding(kind=Kind.STRAY_PART, path=path, detail="the ledger has no such video")
    vid, status = video
    if status is Status.DONE:
        return Finding(kind=Kind.STRAY_PART, vid=vid, path=path, detail="its video is done")
    if not part.is_memo:
        return None
    detail = "it cannot be read" if part.memo is None else "it names no video"
    return Finding(kind=Kind.BAD_MEMO, vid=vid, path=path, detail=detail)


def finding_row(finding: Finding) -> dict[str, str | None]:
    """Return a finding as it is shown to programs."""
    return {
        "type": "finding",
        "kind": finding.kind.value,
        "vid": finding.vid,
        "path": finding.path,
        "detail": finding.detail,
    }


def finding_line(finding: Finding) -> str:
    """Return a finding as it is shown to people."""
    where = " ".join(printable(one) for one in (finding.vid, finding.path) if one is not None)
    return f"{finding.kind.value:10}  {where}{': ' if where else ''}{printable(finding.detail, limit=400)}"
