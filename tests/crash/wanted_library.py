"""One video that is wanted, an archive that nothing was asked for in, and what may be true after a crash."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive_case import ArchiveCase, archive_case
from crash.runs import Ended, Runs, runs_under
from crash.shim import Injection
from crash.small_library import copied_ledger
from wanted_cases import want_videos

_CREATE: Final = "/source-file-task/create"
_UNTOUCHED: Final = Injection()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How things stand with the one video."""

    video: str
    """Its status."""
    tasks: list[tuple[str, bool]]
    """Status of each task in the ledger, and whether its id is known."""
    calls: int
    """How often Polyv was asked for a task since the beginning."""
    made: int
    """How many tasks it made."""


class WantedLibrary:
    """A simulator, an archive at its beginning, and runs on copies of it."""

    def __init__(self, case: ArchiveCase, runs: Runs, directory: Path) -> None:
        self._case = case
        self._runs = runs
        self._root = directory / "archive"
        self._scratch = directory / "scratch"
        self._scratch.mkdir()
        self._video = case.simulator.library.add_video(size=40_000, ready_after=3600)
        want_videos(case.root, [self._video])

    def begin(self) -> None:
        """Put a new archive in place, and forget what was asked of Polyv."""
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._case.root, self._root)
        self._case.simulator.library.tasks.clear()
        self._case.simulator.requests.clear()

    def sync(self, injection: Injection = _UNTOUCHED) -> Ended:
        """Run one pass."""
        kept = {name: text for name, text in self._case.environ.items() if name.startswith(("POLYV", "FETCHER"))}
        environ = {**kept, "FETCHER_ARCHIVE": str(self._root), "FETCHER_POLL_INTERVAL": "3600"}
        return self._runs.run("sync", "--json", root=self._root, environ=environ, injection=injection)

    def look(self) -> Asked:
        """Return how things stand; the ledger has to be sound in itself."""
        path = copied_ledger(self._root / ".fetcher", self._scratch)
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as ledger:
            assert [("ok",)] == ledger.execute("PRAGMA integrity_check").fetchall()
            assert [] == ledger.execute("PRAGMA foreign_key_check").fetchall()
            ((video,),) = ledger.execute("SELECT status FROM videos").fetchall()
            tasks = ledger.execute("SELECT status, task_id IS NOT NULL FROM tasks").fetchall()
        simulator = self._case.simulator
        return Asked(
            video=video,
            tasks=[(status, bool(is_known)) for status, is_known in tasks],
            calls=len(simulator.requests.to(_CREATE)),
            made=len(simulator.library.tasks_of(self._video.vid)),
        )


def told(ended: Ended, kind: str) -> int:
    """Return how many lines of ``--json`` are of one *kind*."""
    return sum(json.loads(line)["type"] == kind for line in ended.stdout.splitlines())


@contextmanager
def wanted_library(directory: Path, shim: Path) -> Iterator[WantedLibrary]:
    """Yield the library, its simulator running."""
    with archive_case(directory / "beginning") as case, runs_under(shim, directory) as runs:
        yield WantedLibrary(case, runs, directory)
