"""The whole job as its user has it: a library is wanted, fetched by cron, handed on, and its ledger is lost."""

import json
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bagit  # type: ignore[import-untyped]
import pytest
from archive_case import ArchiveCase

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.library import PUBLISHED, Library, Video
from fetcher.simulator.stock import stock

_CREATE: Final = "/source-file-task/create"
_BUDGET: Final = 250_000
"""An eighth of the library or so: some hundred videos at once, whose MD5s come in time on a busy machine too."""
_CONFIG: Final = f'layout = "{{category}}/{{title}}{{ext}}"\nsidecars = true\nthaw_budget = "{_BUDGET}"\n'
_STRANGERS: Final = [f"{number:032x}_1" for number in (7, 8, 9)]
_LOSSES: Final = {1: [ApiFault.truncated_json], 3: [ApiFault.unheard, ApiFault.reset]}
"""From which pass on the next answers are lost: of the first task of all, and of two when files are fetched
already. Where Polyv did not hear, there is no task."""
_LOST: Final = sum(map(len, _LOSSES.values()))
_LINK_SAID: Final = "auth_key="
_MOST_PASSES: Final = 40
_BINNED: Final = -1


class _Heard(ArchiveCase):
    """An archive of which all is kept that any command has said."""

    said = ""

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the installed command to its end."""
        ended = super().run(*arguments, stdin=stdin, **environ)
        self.said += ended.stdout + ended.stderr
        return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shelf:
    """What becomes of the library's videos.

    Attributes:
        had: Those that Polyv gives.
        failing: Those that it fails to prepare.
        withdrawn: Published when they were wanted, and not any more.
        hidden: Never published.
    """

    had: Sequence[Video]
    failing: Sequence[Video]
    withdrawn: Sequence[Video]
    hidden: Sequence[Video]

    @property
    def reasons(self) -> dict[str, str]:
        """Return why which video is not to be had, strangers included."""
        refused = [*(video.vid for video in self.withdrawn), *_STRANGERS]
        return {video.vid: "vendor_failed" for video in self.failing} | dict.fromkeys(refused, "refused_by_polyv")


@pytest.fixture
def archive(case: ArchiveCase) -> _Heard:
    """An empty archive of somebody who has the main account's credentials too."""
    with (case.root / ".fetcher" / "config.toml").open("a", encoding="utf-8") as config:
        config.write(_CONFIG)
    heard = _Heard(case.root, case.simulator)
    heard.environ |= {"POLYV_USER_ID": case.simulator.user_id, "POLYV_USER_SECRET": case.simulator.user_secret}
    heard.environ |= {"FETCHER_POLL_INTERVAL_MAX": "0.2"}
    return heard


def _stocked(library: Library) -> _Shelf:
    """Put a thousand videos in forty categories; every tenth one takes Polyv until the second question."""
    videos = stock(library, unpublished_every=40, failing_every=60)
    for video in videos[::10]:
        video.ready_after_polls = 1
    published = [video for video in videos if video.status in PUBLISHED]
    given = [video for video in published if not video.fails]
    return _Shelf(
        had=[video for video in given if video not in given[100:103]],
        failing=[video for video in published if video.fails],
        withdrawn=given[100:103],
        hidden=[video for video in videos if video.status not in PUBLISHED],
    )


def _want(archive: _Heard, shelf: _Shelf) -> None:
    """Want some by their ids, foreign and unpublished ones among them, then the library."""
    named = [*_STRANGERS[:2], shelf.had[5].vid, shelf.hidden[0].vid, shelf.failing[0].vid, _STRANGERS[2]]
    by_id = archive.run("submit", "-", stdin="# by hand\n" + "\n".join(named))
    assert (3, "") == (by_id.returncode, by_id.stdout)  # One is not published; three are not known.
    assert all(stranger in by_id.stderr for stranger in _STRANGERS)
    rest = archive.run("-v", "submit", "--library")
    assert 0 == rest.returncode
    assert "973 of 1000 videos wanted now (2 under way, 25 not published)" in rest.stderr
    for video in shelf.withdrawn:
        video.status = 10


def _passes(archive: _Heard) -> list[subprocess.CompletedProcess[str]]:
    """Run passes as cron would until nothing is left to do, and one more."""
    passes: list[subprocess.CompletedProcess[str]] = []
    while len(passes) < _MOST_PASSES:
        for fault in _LOSSES.get(len(passes) + 1, ()):
            archive.simulator.api_faults.append(fault(path=_CREATE))
        passes.append(archive.sync())
        _let_windows_of_lost_tasks_pass(archive.root)
        if len(passes) > max(_LOSSES) and not _left(archive):
            break
    return [*passes, archive.sync()]


def _left(archive: _Heard) -> int:
    """Return how many videos a pass may still have to do with."""
    counts = archive.status()["counts"]
    return sum(int(counts[status]) for status in ("wanted", "waiting", "ready"))


def _let_windows_of_lost_tasks_pass(root: Path) -> None:
    """Have them be eight days older than they are."""
    with closing(sqlite3.connect(root / ".fetcher" / "ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE tasks SET added_at = added_at - 8 * 86400000 WHERE status = 'lost'")


def _require_told_once(passes: Sequence[subprocess.CompletedProcess[str]], reasons: Mapping[str, str]) -> None:
    """See that cron had a line to mail for each loss and each video that needs a person, and no other."""
    lines = [line for ended in passes for line in ended.stderr.splitlines()]
    lost = [line for line in lines if "whether it made a task is not known" in line]
    assert _LOST == len(lost)
    assert sorted(reasons) == sorted(
        line.removeprefix("fetcher: ").partition(": ")[0] for line in lines if line not in lost
    )
    assert {""} == {ended.stdout for ended in passes}
    assert {3} == {ended.returncode for ended in passes if "is not known" in ended.stderr}
    assert (4, "") == (passes[-1].returncode, passes[-1].stderr)


def _require_asked_once(archive: _Heard, shelf: _Shelf) -> None:
    """See that each video stood in one task, and in one more for each lost one that named it; fetched once."""
    tasks = archive.simulator.library.tasks.values()
    lost = Counter(vid for task in tasks if not task.polls for vid in task.vids)
    assert 2 == len([task for task in tasks if not task.polls])
    once = Counter(video.vid for video in [*shelf.had, *shelf.failing])
    assert once + lost == Counter(vid for task in tasks for vid in task.vids)
    fetched = Counter(request.vid for request in archive.simulator.requests if request.vid)
    assert Counter(video.vid for video in shelf.had) == fetched


def _require_archived(archive: _Heard, shelf: _Shelf) -> None:
    """See that what Polyv gives is here byte for byte, each with its sidecar, and what it does not give is told."""
    archive.require_right(shelf.had)
    rows = archive.rows()
    assert shelf.reasons == {vid: row["reason"] for vid, row in archive.rows("--status", "failed").items()}
    done = {vid: row for vid, row in rows.items() if row["status"] == "done"}
    assert {video.vid for video in shelf.had} == done.keys() == rows.keys() - shelf.reasons.keys()
    assert {video.vid: video.md5() for video in shelf.had} == {vid: row["md5"] for vid, row in done.items()}
    paths = {row["path"] for row in done.values()}
    assert sorted([*paths, *(f"{path}.json" for path in paths)]) == archive.files()
    assert len(paths) == len({path.casefold() for path in paths})
    assert [] == archive.parts()
    for row in done.values():
        told = json.loads((archive.root / f"{row['path']}.json").read_text(encoding="utf-8"))
        assert {name: row[name] for name in told} == told


def _require_sound(archive: _Heard, shelf: _Shelf) -> None:
    """See that each of the commands that look finds nothing but what Polyv does not give."""
    ended = archive.run("reconcile", "--json")
    *_, summary = map(json.loads, ended.stdout.splitlines())
    expected = {
        "archived": len(shelf.had),
        "failed": len(shelf.failing) + len(shelf.withdrawn),
        "unpublished": len([video for video in shelf.hidden if video.status != _BINNED]),
        "gone": len(_STRANGERS),
    }
    assert (4, expected) == (ended.returncode, {name: count for name, count in summary["counts"].items() if count})
    for arguments in (["verify"], ["ledger", "check"]):
        looked = archive.run(*arguments)
        assert (0, "", "") == (looked.returncode, looked.stdout, looked.stderr), arguments


def _require_handed_on(archive: _Heard, shelf: _Shelf, bag: Path) -> None:
    """See that other programs find every byte right by what 'export' gives them."""
    for program in ("sha256sum", "md5sum"):
        listed = archive.run("export", "--format", program)
        assert (0, "", len(shelf.had)) == (listed.returncode, listed.stderr, len(listed.stdout.splitlines()))
        checked = subprocess.run(
            [program, "--check", "--strict", "--quiet"],
            input=listed.stdout.encode(),
            cwd=archive.root,
            capture_output=True,
            check=False,
        )
        assert (0, b"", b"") == (checked.returncode, checked.stdout, checked.stderr)
    ended = archive.run("export", "--format", "bagit", "-o", str(bag))
    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    read = bagit.Bag(str(bag))
    assert read.validate()
    assert ({"md5", "sha256"}, len(shelf.had)) == (set(read.algorithms), len(read.payload_entries()))


def _require_made_anew(archive: _Heard, shelf: _Shelf, elsewhere: Path) -> None:
    """Lose the ledger; see that files and sidecars give it back, and that nothing is asked for or fetched again."""
    done, since = archive.rows("--status", "done"), len(archive.simulator.requests)
    tasks = set(archive.simulator.library.tasks)
    for path in (archive.root / ".fetcher").glob("ledger.db*"):
        path.rename(elsewhere / path.name)
    rebuilt = archive.run("ledger", "rebuild")
    assert (0, "", "") == (rebuilt.returncode, rebuilt.stdout, rebuilt.stderr)

    assert 0 == archive.run("submit", "--library").returncode
    assert {4} == {archive.sync().returncode for _ in range(2)}

    archive.require_right(shelf.had)
    again = archive.rows()
    assert {video.vid: "vendor_failed" for video in shelf.failing} == {
        vid: row["reason"] for vid, row in again.items() if row["status"] != "done"
    }
    kept = ("path", "size", "sha256", "md5", "title", "category", "created_at", "evidence", "task_ids")
    assert {vid: [row[name] for name in kept] for vid, row in done.items()} == {
        vid: [again[vid][name] for name in kept] for vid in done
    }
    library = archive.simulator.library
    asked = {vid for task_id in library.tasks.keys() - tasks for vid in library.tasks[task_id].vids}
    assert {video.vid for video in shelf.failing} >= asked
    assert [] == [request.vid for request in archive.simulator.requests[since:] if request.vid]


def _require_secrets_kept(archive: _Heard) -> None:
    """See that no command has said a secret, that no file has one, and no row of the ledger a link."""
    world = archive.simulator
    ours, links = (world.app_secret, world.user_secret), (world.signer.uid, _LINK_SAID)
    ledger = archive.ledger
    # Not its bytes: of a row that SQLite moved from page to page, some may lie in unused corners.
    with closing(sqlite3.connect(ledger)) as connection:
        rows = "".join(connection.iterdump())
    files = [path for path in archive.root.rglob("*") if path.is_file() and path != ledger]
    written = b"".join(path.read_bytes() for path in files)
    assert [] == [one for one in (*ours, *links) if one in archive.said + rows or one.encode() in written]
    assert [] == [one for one in ours if one.encode() in ledger.read_bytes()]


def test_f84_a_library_of_a_thousand_videos_is_archived_handed_on_and_made_anew_from_its_files(
    archive: _Heard, tmp_path: Path
) -> None:
    """Titles and folders of all kinds, in waves, three lost answers; what Polyv does not give is told, once."""
    shelf = _stocked(archive.simulator.library)
    _want(archive, shelf)

    passes = _passes(archive)

    _require_told_once(passes, shelf.reasons)
    _require_asked_once(archive, shelf)
    _require_archived(archive, shelf)
    assert archive.simulator.most_outstanding <= _BUDGET < sum(video.size for video in shelf.had) / 4
    _require_sound(archive, shelf)
    _require_handed_on(archive, shelf, tmp_path / "bag")
    _require_secrets_kept(archive)
    _require_made_anew(archive, shelf, tmp_path)
    _require_secrets_kept(archive)
    assert [] == archive.simulator.failures
