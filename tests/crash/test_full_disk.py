"""A small file system that really fills up: in the midst of a transfer, and at the commit."""

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from archive_case import ArchiveCase, archive_case, run_fetcher
from crash.lanes import Lane
from telling import Tell

from fetcher.simulator.faults import Fault

_MIB: Final = 1 << 20
_PAGE: Final = 4096


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a directory on a file system of 16 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={16 * _MIB}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system can be mounted by root only, where mounting is allowed")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _fill(disk: Path, *, leave: int = 0) -> Path:
    """Put so much ballast on *disk* that *leave* bytes are free; return where it is."""
    ballast = disk / "ballast"
    found = os.statvfs(disk)
    descriptor = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    os.posix_fallocate(descriptor, 0, found.f_bavail * found.f_frsize - leave)
    os.close(descriptor)
    return ballast


def test_a_disk_that_fills_up_in_mid_transfer(small_disk: Path) -> None:
    """F79: exit code 7 and one line; the part is kept and gone on with once there is room."""
    with archive_case(small_disk / "archive") as case:
        video = case.simulator.library.add_video(size=6 * _MIB, faults=[Fault.drip(rate=3 * _MIB)])
        case.add(video)
        running = case.start("sync")
        _wait_for_part(case, size=_MIB)

        ballast = _fill(small_disk)

        _, said = running.communicate(timeout=30)
        assert 7 == running.returncode
        (line,) = said.decode().splitlines()
        assert line.endswith("run again.")
        assert [] == case.files()
        assert [".memo", ".part"] == sorted({Path(name).suffix for name in case.parts()})
        ballast.unlink()
        assert 0 == case.sync().returncode
        case.require_right([video])
        assert case.fetched_bytes(video) < video.size + 2 * _MIB


def _wait_for_part(case: ArchiveCase, *, size: int) -> None:
    until = time.monotonic() + 30
    while not any(path.stat().st_size >= size for path in (case.root / ".fetcher" / "parts").glob("*.part")):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_disk_with_a_few_pages_left(small_disk: Path, lane: Lane, tell: Tell) -> None:
    """F79: wherever it is that they are used up, the COMMIT included, code 7 and one line; all well with room."""
    here = lane.at(small_disk / "archive")
    refused = placed = 0
    for pages in (*range(2, 76, 6), 1100):
        here.begin()
        ballast = _fill(small_disk, leave=pages * _PAGE)
        ended = here.sync()
        standing = here.require_kept_promise()
        if ended.code == 0:
            assert set(here.library.paths) == standing.done
        else:
            assert (7, 1) == (ended.code, ended.stderr.count("\n"))
            assert "Make room and run again." in ended.stderr or os.strerror(errno.ENOSPC) in ended.stderr
            refused += 1
        placed += len(standing.placed)
        ballast.unlink()
        here.require_healing(standing.settled)

    tell(f"{refused} runs on a full disk, {placed} files in place that could not be called done")
    assert refused > 3


def test_an_archive_and_a_ledger_that_are_made_where_a_few_pages_are_left(small_disk: Path) -> None:
    """F79: code 7 and one line wherever they are used up, no draft is left, and with room it is made whole."""
    place = small_disk / "archive"
    refused = {"init": 0, "rebuild": 0}
    for pages in range(4, 60, 6):
        refused["init"] += _made_with_room(small_disk, pages, "init", str(place))
        refused["rebuild"] += _made_with_room(small_disk, pages, "--archive", str(place), "ledger", "rebuild")
        shutil.rmtree(place)

    assert min(refused.values()) > 3


def _made_with_room(disk: Path, pages: int, *arguments: str) -> int:
    """Make something with *pages* left, and once more with room; return how often it was refused."""
    ballast = _fill(disk, leave=pages * _PAGE)
    first = run_fetcher(*arguments, environ={})
    ballast.unlink()
    if first.returncode == 0:
        return 0
    again = run_fetcher(*arguments, environ={})

    assert (7, 1) == (first.returncode, first.stderr.count("\n")), first.stderr
    assert "Make room" in first.stderr or os.strerror(errno.ENOSPC) in first.stderr
    assert (0, "") == (again.returncode, again.stderr), (pages, first.stderr, again.stderr)
    assert [] == [path.name for path in disk.rglob("*") if ".new" in path.name], (pages, arguments, first.stderr)
    return 1
