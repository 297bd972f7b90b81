"""Exports and rebuilds that are stopped, or find no room: told by code and line, and nothing half is left."""

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest
from done_archive import DoneArchive, lose_ledger, names_in
from ledger_cases import vid
from small_disk import small_disk


@pytest.fixture
def archive(tmp_path: Path) -> DoneArchive:
    """Some done files."""
    made = DoneArchive(tmp_path / "archive")
    made.fill([f"{vid(number)}.mp4" for number in range(1, 1001)])
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_rebuild_that_is_stopped_in_mid_file_ends_at_once(archive: DoneArchive, number: signal.Signals) -> None:
    """Exit code 130 or 143; no ledger, and the next one has all."""
    lose_ledger(archive.root)
    large = archive.root / f"{vid(2000)}.mp4"
    os.truncate(os.open(large, os.O_CREAT | os.O_WRONLY), 60 << 30)
    running = archive.start("ledger", "rebuild", "--jobs", "2")
    notes = archive.root / ".fetcher" / "rebuild.db"
    until = time.monotonic() + 60
    while not notes.exists() or not _is_reading(running.pid, large):
        assert time.monotonic() < until
        time.sleep(0.05)

    began = time.monotonic()
    running.send_signal(number)
    running.communicate(timeout=60)

    assert time.monotonic() - began < 10
    assert 128 + number == running.returncode
    assert not archive.ledger.exists()
    large.unlink()
    assert 0 == archive.run("ledger", "rebuild").returncode
    assert 1000 == len(archive.rows())


def _is_reading(pid: int, path: Path) -> bool:
    for opened in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # It was closed meanwhile.
            if str(path) == os.readlink(opened):
                return True
    return False


def test_an_export_that_finds_no_room_leaves_nothing(archive: DoneArchive, tmp_path: Path) -> None:
    """Exit code 7, one line, and the earlier one is as it was."""
    with small_disk(tmp_path / "small") as disk:
        to = disk.place / "sums"
        assert 0 == archive.run("export", "--format", "sha256sum", "-o", str(to)).returncode
        before = to.read_bytes()
        filler = disk.fill()

        full = archive.run("export", "--format", "sha256sum", "-o", str(to))

        assert (7, 1, True) == (full.returncode, len(full.stderr.splitlines()), "no room to write" in full.stderr)
        assert before == to.read_bytes()
        assert ["filler", "sums"] == names_in(disk.place)
        filler.unlink()


def test_a_rebuild_that_finds_no_room_for_the_ledger_is_told(archive: DoneArchive, tmp_path: Path) -> None:
    """Exit code 7; what was read is not read again once there is room."""
    with small_disk(tmp_path / "small") as disk:
        environ = {"FETCHER_LEDGER": str(disk.place / "ledger.db")}
        filler = disk.fill()

        full = archive.run("ledger", "rebuild", **environ)
        filler.unlink()
        again = archive.run("ledger", "rebuild", **environ)
        listed = archive.run("list", "--format", "ids", **environ)

    assert (7, 1) == (full.returncode, len(full.stderr.splitlines()))
    assert (0, "") == (again.returncode, again.stderr)
    assert 1000 == len(listed.stdout.splitlines())


def test_an_export_that_is_stopped_takes_its_draft_away(tmp_path: Path) -> None:
    """By Ctrl-C; a bag of many files."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill([f"{vid(number)}.mp4" for number in range(1, 6001)])
    running = archive.start("export", "--format", "bagit", "-o", str(tmp_path / "bag"))
    until = time.monotonic() + 60
    while not (tmp_path / ".bag.fetcher-unfinished" / "data").exists():
        assert time.monotonic() < until
        time.sleep(0.005)

    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)

    assert 130 == running.returncode
    assert ["archive"] == names_in(tmp_path)
