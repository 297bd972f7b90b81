"""The little library that every crash is tried on, an archive at its beginning, and what has to hold later."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from archive_case import ArchiveCase, archive_case

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_MIB: Final = 1 << 20
_DAY_S: Final = 86_400
SYNCED: Final = _MIB
"""Bytes of the part that count as durable, whatever the boot."""
_CUT_AT: Final = SYNCED + 300_000
_OWN: Final = {"config.toml", "ledger.db", "ledger.db.lock", "lock", "parts", "quarantine"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What the ledger says of a video."""

    status: str
    path: str | None
    size: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand in an archive; paths of finished files."""

    done: set[str]
    placed: set[str]
    """Those that a run gave their names without saying so in the ledger."""

    @property
    def settled(self) -> set[str]:
        """What need not come again."""
        return self.done | self.placed


class SmallLibrary:
    """Four videos, and an archive in which nothing of them is done yet.

    One is smaller than the buffer, and has no memo; one has a memo; one goes on from a part that an earlier run
    left, with a memo as a checkpoint leaves it; the fourth stands under its final name already, byte for byte.
    """

    paths: dict[str, Video]
    """By the path that each gets."""
    whole: str
    """The path of the one that stands there already."""
    late: str
    """The path of the one that goes on."""
    with_memo: set[str]
    """The paths of those that have a memo beside their part."""

    def __init__(self, case: ArchiveCase) -> None:
        self._case = case
        case.simulator.link_lifetime = _DAY_S  # As long as all points may take.
        case.environ["FETCHER_LINK_LIFETIME"] = str(_DAY_S)
        library = case.simulator.library
        small, whole = library.add_video(size=40_000), library.add_video(size=70_000)
        large = library.add_video(size=3 * _MIB + 5)
        cut = library.add_video(size=2 * _MIB + 700, faults=[Fault.cut(after=_CUT_AT)])
        self.paths = {f"films/{video.vid}.mp4": video for video in (small, whole, large)}
        self.late = f"late/{cut.vid}.mp4"
        self.paths[self.late] = cut
        self.with_memo = {f"films/{large.vid}.mp4", self.late}
        self.whole = f"films/{whole.vid}.mp4"
        self.bodies = {path: video.read(0, video.size) for path, video in self.paths.items()}
        self._digests = {path: video.sha256() for path, video in self.paths.items()}
        case.add(cut)
        assert 3 == case.sync(FETCHER_TRIES="1", FETCHER_LAYOUT="late/{vid}{ext}").returncode
        (memo,) = (case.root / ".fetcher" / "parts").glob("*.memo")
        said = json.loads(memo.read_bytes())
        memo.write_text(json.dumps({**said, "synced": SYNCED}), encoding="utf-8")
        case.add(small, large, whole)
        (case.root / "films").mkdir()
        (case.root / self.whole).write_bytes(self.bodies[self.whole])

    @property
    def beginning(self) -> Path:
        """An archive to be copied."""
        return self._case.root

    @property
    def secrets(self) -> list[str]:
        """What may stand in no output."""
        return [self._case.simulator.app_secret, "auth_key", "sign="]

    def environ(self, root: Path) -> dict[str, str]:
        """Return the environment of a run on the archive *root*."""
        kept = {name: text for name, text in self._case.environ.items() if name.startswith(("POLYV", "FETCHER"))}
        return {**kept, "FETCHER_ARCHIVE": str(root), "FETCHER_LAYOUT": "films/{vid}{ext}"}

    def copy_to(self, root: Path) -> None:
        """Put an archive at its beginning in the place of *root*."""
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(self.beginning, root)

    def forget_requests(self) -> None:
        """Let only what is asked of the origin from here on count."""
        self._case.simulator.requests.clear()

    def asked_for(self) -> dict[str, list[str | None]]:
        """Return the ranges that were asked for, by path; None stands for a whole file."""
        asked: dict[str, list[str | None]] = {}
        names = {video.vid: path for path, video in self.paths.items()}
        for request in self._case.simulator.requests:
            if request.vid is not None:
                asked.setdefault(names[request.vid], []).append(request.range)
        return asked

    def require_kept_promise(self, root: Path, scratch: Path) -> Standing:
        """See that no file is wrong and no row says ``done`` of what is not there.

        Args:
            root: An archive that nobody works on. Nothing of it is opened for writing.
            scratch: A directory for a copy of the ledger.
        """
        files = {path: (root / path).read_bytes() for path in _finished(root)}
        return self.require_right(files, read_rows(copied_ledger(root / ".fetcher", scratch)))

    def require_right(self, files: Mapping[str, bytes], rows: Mapping[str, Row]) -> Standing:
        """See that every file is whole, and that what is done is there, with the size and digest it has.

        Args:
            files: The finished ones, by path.
            rows: What the ledger says, by vid.
        """
        assert self.bodies.keys() >= files.keys()
        assert [] == [path for path, data in files.items() if data != self.bodies[path]]
        assert {video.vid for video in self.paths.values()} >= rows.keys()
        done = {row.path: row for row in rows.values() if row.status == "done" and row.path is not None}
        assert set() == done.keys() - files.keys(), "a row is done, and its file is not there"
        for path, row in done.items():
            assert (len(self.bodies[path]), self._digests[path]) == (row.size, row.sha256)
        return Standing(done=set(done), placed=files.keys() - done.keys() - {self.whole})

    def require_all_done(self, root: Path, scratch: Path) -> None:
        """See that everything is done and right, and nothing else is left."""
        self.require_kept_promise(root, scratch)
        rows = read_rows(copied_ledger(root / ".fetcher", scratch))
        assert {video.vid: ("done", path) for path, video in self.paths.items()} == {
            vid: (row.status, row.path) for vid, row in rows.items()
        }
        left = {str(path.relative_to(root / ".fetcher")) for path in (root / ".fetcher").rglob("*")}
        assert _OWN == left - {"ledger.db-wal", "ledger.db-shm"}


def _finished(root: Path) -> list[str]:
    """Return the files outside of ``.fetcher``, below the archive."""
    found = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return [str(path) for path in found if path.parts[0] != ".fetcher"]


def copied_ledger(dot: Path, scratch: Path) -> Path:
    """Copy a ledger as a power cut or a kill left it: what SQLite puts right is put right in the copy."""
    for suffix in ("", "-wal", "-shm"):
        (scratch / f"ledger.db{suffix}").unlink(missing_ok=True)
    for suffix in ("", "-wal"):
        if (dot / f"ledger.db{suffix}").exists():
            shutil.copyfile(dot / f"ledger.db{suffix}", scratch / f"ledger.db{suffix}")
    return scratch / "ledger.db"


def read_rows(path: Path) -> dict[str, Row]:
    """Return what a ledger says, by vid; it has to be sound in itself."""
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as ledger:
        ledger.execute("PRAGMA synchronous = OFF")  # Nobody needs this copy for long.
        assert [("ok",)] == ledger.execute("PRAGMA integrity_check").fetchall()
        assert [] == ledger.execute("PRAGMA foreign_key_check").fetchall()
        found = ledger.execute("SELECT vid, status, path, size, sha256 FROM videos")
        return {vid: Row(status=status, path=path, size=size, sha256=sha) for vid, status, path, size, sha in found}


@contextmanager
def small_library(directory: Path) -> Iterator[SmallLibrary]:
    """Yield the library, its simulator running."""
    with archive_case(directory / "beginning") as case:
        yield SmallLibrary(case)
