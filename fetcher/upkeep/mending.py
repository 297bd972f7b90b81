"""Put damaged files back to work, and take in where moved ones are. Nothing is removed or overwritten."""

import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.home import Home
from fetcher.archive.names import is_portable, path_key
from fetcher.archive.quarantine import quarantine
from fetcher.archive.rereading import glance
from fetcher.archive.sidecars import move_sidecar
from fetcher.archive.told import vid_of_name
from fetcher.domain.errors import ConflictError, StorageError
from fetcher.domain.verification import DoneFile, Kind, Seen, Verdict, is_alarming, judge
from fetcher.ledger.verifying import move, want_again
from fetcher.ledger.views import shown
from fetcher.sync.sidecars import sidecar_text
from fetcher.upkeep.course import Course, Wish
from fetcher.upkeep.findings import Action, Finding, finding_of
from fetcher.upkeep.gone import Place

_log: Final = logging.getLogger(__name__)
Writing = Callable[[], AbstractContextManager[Connection]]


class Mending:
    """Does about damage what is wished. Who has it changed anything holds the archive's lock.

    Args:
        home: The archive.
        writing: Opens a write transaction of the ledger; None where only what would be done is to be told.
        wish: What is wished.
        course: How far it is.
        now: Returns ms UTC.
    """

    def __init__(
        self, home: Home, writing: Writing | None, wish: Wish, course: Course, *, now: Callable[[], int]
    ) -> None:
        self._home = home
        self._writing = writing
        self._wish = wish
        self._course = course
        self._now = now
        self._archive = _identity(home)

    def require_calm(self, damaged: int, looked_at: int, what: str) -> None:
        """Put nothing back from now on where so much is damaged that something else is wrong."""
        if self._repairs() and not self._wish.is_forced and is_alarming(damaged, looked_at):
            self._course.tally.refusal = f"{damaged} of {looked_at} files are {what}"

    def missing(self, files: Sequence[DoneFile]) -> list[Finding]:
        """Return what is told of missing files; they are fetched again, those that are still missing.

        Raises:
            StorageError: The archive itself is not there any more.
        """
        back: set[int] = set()
        if files and self._repairs():
            seen = [(done, judge(done, glance(self._home.root, done.path))) for done in files]
            self._require_archive()
            back = self._want_again([(done, found.detail) for done, found in seen if found.kind is Kind.MISSING])
        return [
            finding_of(done, judge(done, Seen()), action=Action.PUT_BACK if done.video_id in back else None)
            for done in files
        ]

    def perhaps_moved(self, files: Sequence[DoneFile]) -> list[Finding]:
        """Return what is told of missing files that may be elsewhere. To fetch them again would be paid for."""
        self._course.tally.perhaps_moved += len(files)
        detail = "the file is gone; one as large stands elsewhere, which may be it"
        if self._course.is_look_cut:
            detail = "the file is gone; there was no time to look whether it was moved"
        return [finding_of(done, Verdict(kind=Kind.MISSING, detail=detail)) for done in files]

    def moved(self, done: DoneFile, place: Place) -> Finding:
        """Return what is told of a file that is elsewhere; the ledger takes that in."""
        action = None
        detail = f"it is {place.path} now"
        if not place.is_certain:
            detail = f"the same bytes are {place.path}, but another file or video has them, too"
        elif vid_of_name(place.path) not in (None, done.vid):  # A rebuilt ledger would take it for that video's.
            detail = f"it is {place.path} now, which is the name of another video's file"
        elif self._wish.accepts_moves and not self._course.is_interrupted and self._accept(done, place.path):
            action = Action.ACCEPTED
        return finding_of(done, Verdict(kind=Kind.MOVED, detail=detail), moved_to=place.path, action=action)

    def damaged(self, done: DoneFile, seen: Seen, verdict: Verdict) -> Finding:
        """Return what is told of a file that is not right; a changed one is put aside and fetched again.

        One that was there when all were looked at, and is missing now, is told only: its disk may just have gone.
        """
        tally = self._course.tally
        if verdict.kind is Kind.CHANGED:
            self.require_calm(tally.counts[Kind.CHANGED] + 1, tally.judged + 1, "changed")
        if verdict.kind is not Kind.CHANGED or not self._repairs():
            return finding_of(done, verdict)
        if self._writing is None:
            return finding_of(done, verdict, action=Action.PUT_BACK)
        return self._put_back(done, seen, verdict)

    def _put_back(self, done: DoneFile, seen: Seen, verdict: Verdict) -> Finding:
        """Keep the file for a person, then want it again: in this order a crash leaves a file that is missing."""
        try:
            kept = quarantine(self._home, done.path, vid=done.vid, identity=seen.identity)
        except (ConflictError, OSError) as exc:
            _log.warning("%s stays where it is, and is not fetched again: %s", done.path, exc)
            return finding_of(done, verdict)
        told = Verdict(kind=verdict.kind, detail=f"{verdict.detail}; kept as {kept}")
        self._want_again([(done, told.detail)])
        return finding_of(done, told, action=Action.PUT_BACK)

    def _accept(self, done: DoneFile, path: str) -> bool:
        """Take *path* in for where a file is; False where no file of ours may be called so."""
        if not is_portable(path) or not self._is_moved(done, path):
            return False
        if self._writing is None:
            return True
        with self._writing() as connection:
            is_taken_in = move(connection, done, path, path_key(path), now=self._now())
            if is_taken_in:  # Before the commit: who dies in between finds the move again, and does both again.
                self._move_sidecar(connection, done, path)
            return is_taken_in

    def _move_sidecar(self, connection: Connection, done: DoneFile, path: str) -> None:
        """Have the sidecar follow its file, if it has one."""
        (row,) = shown(connection, [done.video_id])
        why = move_sidecar(self._home.root, done.path, path, vid=done.vid, text=sidecar_text(row))
        if why is not None:
            _log.warning("%s: its sidecar does not follow it: %s", path, why)

    def _is_moved(self, done: DoneFile, path: str) -> bool:
        """Tell whether a file is still elsewhere: it was read there some time ago, and may have been moved back."""
        before, after = glance(self._home.root, done.path), glance(self._home.root, path)
        return judge(done, before).kind is Kind.MISSING and judge(done, after).kind is Kind.OK

    def _require_archive(self) -> None:
        """See that files are missing from the archive, and not the archive from its mount point.

        Raises:
            StorageError: It is not there.
        """
        if self._archive is None or self._archive != _identity(self._home):
            raise StorageError(
                f"{self._home.root} is not there any more, or another one: is its disk still mounted? "
                "Nothing more was put back; run again when it is."
            )

    def _want_again(self, damaged: Sequence[tuple[DoneFile, str]]) -> set[int]:
        if self._writing is None or not damaged:
            return {done.video_id for done, _ in damaged}
        with self._writing() as connection:
            return want_again(connection, damaged, now=self._now())

    def _repairs(self) -> bool:
        """Tell whether damaged files are put back now."""
        return self._wish.repairs and self._course.tally.refusal is None and not self._course.is_interrupted


def _identity(home: Home) -> tuple[int, int] | None:
    """Return what tells an archive from an empty mount point, or from another archive; None where there is none."""
    try:
        found = os.stat(home.dot)
    except OSError:
        return None
    return found.st_dev, found.st_ino
