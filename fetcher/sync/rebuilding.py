"""Make a ledger anew from what is in the archive: finished files, their sidecars, parts.

Files are read through, several at once, and what was read is noted: a rebuild that was killed goes on.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from fetcher.archive.home import Home
from fetcher.archive.names import path_key
from fetcher.archive.survey import owners_of_parts
from fetcher.archive.told import Lone, Lying, instant_of, is_as_read, lying_files
from fetcher.domain.exit_code import ExitCode, gravest
from fetcher.domain.status import Evidence, Status
from fetcher.ledger.engine import Database
from fetcher.ledger.findings import Findings, Found
from fetcher.ledger.rebuilding import DoneVideo, Rebuilding
from fetcher.sync.claimants import Finding, Kind, sidecar_of, verdict
from fetcher.sync.reading import Reading

_BATCH: Final = 500
_ALONE: Final = "its sidecar is there alone"
_CODES: Final = {
    Kind.DIFFERS: ExitCode.DAMAGE,
    Kind.UNREADABLE: ExitCode.DAMAGE,
    Kind.GONE: ExitCode.DAMAGE,
    Kind.DOUBLE: ExitCode.PERSON,
    Kind.CLASH: ExitCode.PERSON,
}


class Rebuild:
    """One rebuild.

    Args:
        home: The archive, whose lock is held.
        findings: Where what is found is noted.
        tell: Called with what does not become a row.
        clock: Returns ms UTC.
    """

    def __init__(
        self, home: Home, findings: Findings, *, tell: Callable[[Finding], None], clock: Callable[[], int]
    ) -> None:
        self._home = home
        self._findings = findings
        self._tell = tell
        self._clock = clock
        self._unsettled: set[Kind] = set()
        self.counts: Counter[Kind] = Counter()
        """What was told so far."""
        self.with_sidecar = 0
        """Files that say by a sidecar what they are of."""
        self.by_name = 0
        """Those that say it by their names alone."""
        self.done = 0
        """Rows of finished files."""
        self.bytes = 0
        """Of those."""
        self.wanted = 0
        """Rows of videos of which a part is here."""

    @property
    def code(self) -> ExitCode:
        """The exit code that what was told calls for."""
        return gravest(_CODES.get(kind, ExitCode.OK) for kind in self._unsettled)

    def look(self) -> None:
        """Find the files that say what they are of."""
        self._findings.note(self._found())
        self._findings.forget_unseen()
        for path, vid in self._findings.lone(has_files=False):
            self._say(Finding(kind=Kind.GONE, vid=vid, path=path, detail=_ALONE))

    def _found(self) -> Iterator[Found]:
        for lying in lying_files(self._home.root, self._cannot_read):
            if isinstance(lying, Lone):
                self._findings.note_lone(lying.path, lying.vid)
            elif lying.vid is None:
                self._say(
                    Finding(kind=Kind.UNKNOWN, path=lying.path, detail="neither a sidecar nor its name tells")
                )
            else:
                yield self._noted(lying, lying.vid)

    def _noted(self, lying: Lying, vid: str) -> Found:
        told = lying.sidecar
        self.with_sidecar += told is not None
        self.by_name += told is None
        return Found(
            path=lying.path,
            path_key=path_key(lying.path),
            vid=vid,
            told=None if told is None else msgspec.json.encode(told).decode(),
            done_at=None if told is None else instant_of(told.done_at),
            size=lying.size,
            stamp=lying.stamp,
        )

    def _cannot_read(self, path: str, why: str) -> None:
        self._say(Finding(kind=Kind.UNREADABLE, path=path, detail=why))

    def _say(self, finding: Finding) -> None:
        self.counts[finding.kind] += 1
        if not finding.is_settled:
            self._unsettled.add(finding.kind)
        self._tell(finding)

    def read(self, jobs: int, progress: Callable[[int], None]) -> None:
        """Read the files that were not read yet.

        Args:
            jobs: Files at once.
            progress: Called a few times a second with the bytes that were read so far.
        """
        Reading(self._home.root, self._findings, self._clock).run(jobs, progress)

    def judge(self) -> None:
        """Decide which files become rows."""
        taken: list[str] = []
        for files in self._findings.by_vid():
            found = verdict(files)
            for finding in found.findings:
                self._say(finding)
            if found.taken is not None and self._is_as_read(found.taken):
                taken.append(found.taken.path)
            if len(taken) >= _BATCH:
                self._findings.take(taken)
                taken = []
        self._findings.take(taken)
        for file in self._findings.clashing():
            detail = "a file system may take its name for another one's; none of them is taken"
            self._say(Finding(kind=Kind.CLASH, vid=file.vid, path=file.path, detail=detail))
        self._judge_lone()

    def _judge_lone(self) -> None:
        """Tell sidecars that were left where a file was, which is elsewhere now: no damage if it becomes a row."""
        for path, vid in self._findings.lone(has_files=True):
            is_settled = self._findings.is_taken(vid)
            detail = f"{_ALONE}; the video is done by another file" if is_settled else _ALONE
            self._say(Finding(kind=Kind.GONE, vid=vid, path=path, detail=detail, is_settled=is_settled))

    def _is_as_read(self, file: Found) -> bool:
        """Tell whether a file is what was read, maybe hours ago; say so where it is not."""
        if is_as_read(self._home.root, file.path, file.stamp):
            return True
        detail = "it was written to or taken away since it was read; run again"
        self._say(Finding(kind=Kind.DIFFERS, vid=file.vid, path=file.path, detail=detail))
        return False

    def fill(self, database: Database) -> None:
        """Write the rows of a new ledger. Parts come first: each row has the id that its part's name has.

        All other rows have ids beyond those of any part, so that no part can be taken for another video's.
        """
        vids, largest = owners_of_parts(self._home.parts)
        rows = Rebuilding(database, first_id=largest + 1, now=self._clock())
        wanted = {video_id: vid for video_id, vid in vids.items() if not self._findings.is_taken(vid)}
        rows.add_wanted(wanted)
        self.wanted = len(wanted)
        for some in self._findings.taken():
            rows.add_done([self._done(file) for file in some])
            self.done += len(some)
            self.bytes += sum(file.size for file in some)

    def _done(self, file: Found) -> DoneVideo:
        told = sidecar_of(file)
        read_at = file.read_at or self._clock()
        values: dict[str, Any] = {
            "vid": file.vid,
            "status": Status.DONE.value,
            "path": file.path,
            "path_key": file.path_key,
            "size": file.size,
            "sha256": file.sha256,
            "md5": told and told.md5,
            "crc64": told and told.crc64,
            "evidence": told.evidence if told is not None else Evidence.NONE.value,
            "title": told and told.title,
            "category": told and told.category,
            "created_at": instant_of(told.created_at) if told is not None else None,
            "added_at": self._clock(),
            "done_at": file.done_at if file.done_at is not None else read_at,
            "verified_at": read_at,
            "container": file.container,
        }
        whose = "its sidecar agrees" if told is not None else "by its name alone"
        detail = f"found at {file.path}: {file.size} bytes, sha256 {file.sha256}, {whose}"
        return DoneVideo(values=values, task_ids=told.task_ids if told is not None else (), detail=detail)
