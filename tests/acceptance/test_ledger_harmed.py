"""A ledger that is harmed while a run or a command works with it: told with one line, and no file is lost."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw
from small_disk import small_disk

from fetcher.ledger.write_lock import WriteLock
from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video


def _begun(case: ArchiveCase, **environ: str) -> tuple[subprocess.Popen[bytes], Video]:
    """Start a run, wait until a file is on its way."""
    video = case.simulator.library.add_video(size=500_000, faults=[Fault.drip(rate=600_000)])
    task_id = case.simulator.library.create_task([video.vid])
    assert 0 == case.run("add", task_id, **environ).returncode
    running = case.start("sync", **environ)
    while case.fetched_bytes(video) < 50_000:
        assert running.poll() is None
    return running, video


def _told(running: subprocess.Popen[bytes]) -> tuple[int, list[str]]:
    """Return how a run ended, and the lines that it said."""
    _, said = running.communicate(timeout=60)
    return running.returncode, said.decode().splitlines()


def _replace(ledger: Path) -> None:
    shutil.copy(ledger, f"{ledger}.other")
    os.replace(f"{ledger}.other", ledger)


_HARMS: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "replaced": _replace,
    "garbage": lambda ledger: ledger.write_bytes(os.urandom(65536)),
}


@pytest.mark.parametrize("harm", _HARMS)
def test_a_ledger_harmed_under_a_run_ends_it_and_no_other_is_made(case: ArchiveCase, harm: str) -> None:
    """F73, F77: exit code 10, one line; what was fetched stays, whole or as a part, until a copy is put back."""
    shutil.copy(case.ledger, case.root.parent / "copy.db")
    running, video = _begun(case)
    _HARMS[harm](case.ledger)

    code, (line,) = _told(running)

    assert 10 == code
    assert "Restore a copy" in line
    assert "'fetcher ledger rebuild --help'" in line
    if harm == "deleted":
        assert not case.ledger.exists()
        _put_back(case)
        assert 0 == case.sync("--until-done").returncode
        case.require_right([video])
        assert [] == case.parts()


def _put_back(case: ArchiveCase) -> None:
    """Restore the copy, and record its tasks once more."""
    for end in ("", "-wal", "-shm"):
        Path(f"{case.ledger}{end}").unlink(missing_ok=True)
    shutil.copy(case.root.parent / "copy.db", case.ledger)
    assert 0 == case.run("add", *case.simulator.library.tasks).returncode


def test_commands_wait_for_one_that_writes(case: ArchiveCase) -> None:
    """F70: for a second, by either of the two locks; nothing is lost."""
    task_ids = [f"{number:032x}" for number in range(2)]
    lock = WriteLock(case.ledger)
    with lock.held():
        adding = [case.start("add", task_ids[0])]
        time.sleep(1.0)
        assert adding[0].poll() is None
    assert 0 == adding[0].wait(10)
    lock.close()
    with raw(case.ledger) as connection:
        connection.execute("BEGIN IMMEDIATE")
        adding.append(case.start("add", task_ids[1]))
        time.sleep(1.0)
        assert adding[1].poll() is None
        connection.execute("ROLLBACK")

    assert [0, 0] == [one.wait(10) for one in adding]
    assert [(b"", b"")] * 2 == [one.communicate() for one in adding]
    assert {"open": 2} == case.status()["tasks"]


def test_a_disk_that_is_full_when_a_file_is_to_be_called_done(case: ArchiveCase) -> None:
    """F79, F75: exit code 7; the file is in place, and is neither lost nor fetched again once there is room."""
    place = case.root.parent / "small"
    with small_disk(place) as disk:
        environ = {"FETCHER_LEDGER": str(place / "ledger.db")}
        shutil.copy(case.ledger, place / "ledger.db")
        running, video = _begun(case, **environ)
        filler = disk.fill()

        code, (line,) = _told(running)
        filler.unlink()
        healed = case.sync(**environ)

        assert 7 == code
        assert "no room to write" in line
        assert (0, "") == (healed.returncode, healed.stderr)
        rows = case.run("list", "--format", "ids", "--status", "done", **environ)
        assert f"{video.vid}\n" == rows.stdout
        assert video.size == case.fetched_bytes(video)


def test_a_ledger_on_a_disk_that_is_read_only(case: ArchiveCase) -> None:
    """F75: told before anything is asked; looking at it and copying it work, so that it can be saved."""
    place = case.root.parent / "small"
    with small_disk(place) as disk:
        environ = {"FETCHER_LEDGER": str(place / "ledger.db")}
        shutil.copy(case.ledger, place / "ledger.db")
        assert 0 == case.run("add", "a" * 32, **environ).returncode
        disk.make_read_only()

        synced = case.sync(**environ)
        checked = case.run("ledger", "check", **environ)
        copied = case.run("ledger", "backup", str(case.root.parent / "copy.db"), **environ)

    assert (7, 1, []) == (synced.returncode, len(synced.stderr.splitlines()), list(case.simulator.requests))
    assert [(0, "", "")] * 2 == [(one.returncode, one.stdout, one.stderr) for one in (checked, copied)]
    with raw(case.root.parent / "copy.db") as connection:
        assert [(1,)] == connection.execute("SELECT count(*) FROM tasks").fetchall()


def test_a_copy_without_its_wal_lacks_the_latest_and_is_brought_up(case: ArchiveCase) -> None:
    """F76: what a crash left in the -wal file is found; a copy that was made without it is a ledger of before."""
    video = case.simulator.library.add_video(size=100_000)
    case.add(video)
    with raw(case.ledger) as holding:
        holding.execute(
            "SELECT count(*) FROM videos"
        ).fetchall()  # Nobody folds the -wal file in while this is open.
        assert 0 == case.sync().returncode
        images = {end: Path(f"{case.ledger}{end}").read_bytes() for end in ("", "-wal")}
    for end in ("-wal", "-shm"):
        Path(f"{case.ledger}{end}").unlink(missing_ok=True)
    case.ledger.write_bytes(images[""])

    assert {} == case.rows()
    assert 1 == case.run("-v", "ledger", "check").stderr.count("1 other in the archive")
    Path(f"{case.ledger}-wal").write_bytes(images["-wal"])
    case.require_right([video])
    Path(f"{case.ledger}-wal").unlink(missing_ok=True)
    case.ledger.write_bytes(images[""])

    assert 0 == case.sync("--until-done").returncode
    case.require_right([video])
    assert [] == case.parts()


def test_a_ledger_whose_upgrade_was_never_finished_is_refused(case: ArchiveCase) -> None:
    """F74: tables without a version; exit code 10 for whoever looks and whoever works, and no table is made."""
    with raw(case.ledger) as connection:
        connection.execute("DELETE FROM alembic_version")
    before = case.ledger.read_bytes()

    ended = [case.sync(), case.run("ledger", "check")]

    assert [10, 10] == [one.returncode for one in ended]
    assert all("never finished" in one.stderr for one in ended)
    assert before == case.ledger.read_bytes()


def test_a_ledger_that_others_may_read_is_told_at_each_run(case: ArchiveCase) -> None:
    """F92: it holds links; what is made beside it is private whatever the umask."""
    video = case.simulator.library.add_video()
    case.add(video)
    case.ledger.chmod(0o644)
    before = os.umask(0)
    try:
        ended = case.sync()
    finally:
        os.umask(before)

    assert 0 == ended.returncode
    (line,) = ended.stderr.splitlines()
    assert f"{case.ledger} is open to others; run: chmod go= {case.ledger}" in line
    dot = case.root / ".fetcher"
    assert {"ledger.db"} == {path.name for path in dot.iterdir() if path.stat().st_mode & 0o077}
