"""Damaged files on their way to quarantine: what is told of one is where it is, whatever call fails."""

import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from archive_case import ArchiveCase, archive_case
from crash.counts import seeds
from crash.disk import Disk
from crash.power import SEEDED, Everything, Nothing, Remains, after_power_cut
from crash.records import read_calls
from crash.runs import Runs, runs_under
from crash.shim import Injection, Mode
from verify_cases import filled, flip, place

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_DAMAGE = 9


@pytest.fixture
def case(tmp_path: Path) -> Iterator[ArchiveCase]:
    with archive_case(tmp_path / "archive") as made:
        yield made


@pytest.fixture
def harmed(case: ArchiveCase) -> Video:
    """Return a done video whose file has changed."""
    (video,) = filled(case, 1)
    flip(place(case, video))
    return video


@pytest.fixture(scope="module")
def runs(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with runs_under(shim, tmp_path_factory.mktemp("runs")) as made:
        yield made


def _left_by_power_cuts(
    case: ArchiveCase, runs: Runs, command: list[str], place: Path, **environ: str
) -> Iterator[tuple[Remains, Path]]:
    """Yield what power cuts leave of an archive, after each call of a command, and a ledger of each."""
    log, beginning = place / "log", shutil.copytree(case.root, place / "beginning")
    scratch = place / "scratch"
    scratch.mkdir()
    runs.run(*command, root=case.root, environ={**case.environ, **environ}, injection=Injection(log=log))
    disk = Disk.holding(beginning)
    for call in read_calls(log, root=case.root):
        disk.apply(call)
        if call.is_change:
            for survival in (Nothing(), Everything(), *(kind(seed) for seed in seeds(usual=1) for kind in SEEDED)):
                remains = after_power_cut(disk, survival)
                yield remains, remains.put_ledger(scratch)


def _status(ledger: Path) -> tuple[str, str]:
    with closing(sqlite3.connect(ledger)) as connection:
        found: tuple[str, str] = connection.execute("SELECT status, coalesce(detail, '') FROM videos").fetchone()
    return found


@pytest.mark.parametrize("command", [["sync"], ["verify", "--repair"]])
def test_f05_f78_no_power_cut_loses_a_damaged_file_on_its_way_to_quarantine(
    case: ArchiveCase, harmed: Video, runs: Runs, tmp_path: Path, command: list[str]
) -> None:
    """F05, F78: it stands where it stood or is kept, whole; it is kept before it is wanted again."""
    file = place(case, harmed)
    os.truncate(file, 50_000)
    body, name, cuts = file.read_bytes(), file.name, 0

    for remains, ledger in _left_by_power_cuts(case, runs, command, tmp_path):
        kept = {path: remains.read(path) for path in remains.files if "/quarantine/" in path}
        is_wanted_again = _status(ledger)[0] != "done"
        assert body in {*kept.values(), *([] if is_wanted_again else [remains.finished().get(name)])}
        cuts += 1

    (path,) = (case.root / ".fetcher" / "quarantine").iterdir()
    assert (True, body) == (path.name.startswith(f"{harmed.vid}-"), path.read_bytes())
    assert cuts > 100


@pytest.mark.parametrize("whose", ["polyv", "origin"])
def test_f05_f29_f30_no_power_cut_loses_what_came_and_was_wrong(
    case: ArchiveCase, runs: Runs, tmp_path: Path, whose: str
) -> None:
    """F05, F29, F30: where the ledger says that it is kept, every byte of it is; whoever says that it is wrong."""
    library = case.simulator.library
    library.crc = whose == "origin"
    faults = [Fault.bit_flip(at=30_000, times=None)] if library.crc else []
    video = library.add_video(size=70_000, listed_size=70_000 + (not library.crc), faults=faults)
    case.add(video)
    body, failed = bytearray(video.read(0, video.size)), 0
    body[30_000] ^= library.crc

    for remains, ledger in _left_by_power_cuts(case, runs, ["sync"], tmp_path):
        if _has_video(ledger) and (status := _status(ledger))[0] == "failed":
            path = next(path for path in remains.files if path in status[1])
            assert body == remains.read(path)
            failed += 1

    assert failed > 10


def _has_video(ledger: Path) -> bool:
    with closing(sqlite3.connect(ledger)) as connection:
        return bool(connection.execute("SELECT count(*) FROM videos").fetchone() == (1,))


def _repaired(case: ArchiveCase, runs: Runs, only: str) -> tuple[dict[str, str | None], str]:
    """Verify while the first call of a kind fails; return what is told of the file, and stderr."""
    failing = Injection(mode=Mode.FAIL, point=1, error=errno.EIO, only=only)
    ran = runs.run("verify", "--repair", "--json", root=case.root, environ=case.environ, injection=failing)
    assert _DAMAGE == ran.code, ran.stderr
    finding, summary = map(json.loads, ran.stdout.splitlines())
    assert (finding["action"] == "put_back") == (summary["put_back"] == 1)
    return finding, ran.stderr


def test_f07_f78_a_flush_that_fails_when_the_file_is_moved_is_told_and_it_counts_as_moved(
    case: ArchiveCase, harmed: Video, runs: Runs
) -> None:
    before = place(case, harmed).read_bytes()

    finding, said = _repaired(case, runs, "fsync:.fetcher/quarantine")

    (kept,) = (case.root / ".fetcher" / "quarantine").iterdir()
    where = kept.relative_to(case.root).as_posix()
    assert ("put_back", True) == (finding["action"], f"kept as {where}" in (finding["detail"] or ""))
    assert f"{harmed.vid}.mp4 is {where} now, but the disk does not say that this is for good" in said
    assert "stays where it is" not in said
    assert before == kept.read_bytes()
    assert 0 == case.sync("--until-done").returncode
    case.require_right([harmed])


def test_f78_a_file_that_cannot_be_moved_stays_and_is_not_fetched_again(
    case: ArchiveCase, harmed: Video, runs: Runs
) -> None:
    finding, said = _repaired(case, runs, "link:.fetcher/quarantine")

    assert (None, "done") == (finding["action"], case.rows()[harmed.vid]["status"])
    assert f"{harmed.vid}.mp4 stays where it is, and is not fetched again" in said
    assert place(case, harmed).exists()
