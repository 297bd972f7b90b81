"""Descriptors, memory and mounts that fall short: a word that helps, no wrong file, and the next run goes on."""

import contextlib
import subprocess

from archive_case import FETCHER
from namespaces import needs_mounts, run_mounted
from polyv_client_cases import VID
from raw_case import BODY, RawCase

_VIDS = [f"{number:032x}_1" for number in range(16)]


def _run_under(raw: RawCase, limit: str) -> subprocess.CompletedProcess[str] | None:
    """Run one pass under a limit of the shell's ``ulimit``; None where it had to be killed."""
    command = ["sh", "-c", f"ulimit {limit}; exec '{FETCHER}' sync --jobs 16"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command, env=raw.environ, cwd="/", capture_output=True, text=True, check=False, timeout=20
        )
    return None


def test_f10_whatever_memory_there_is_no_file_is_wrong(raw: RawCase) -> None:
    """Address space from far too little to almost enough; it runs short wherever it does.

    CPython may wait for ever for a thread that found no memory to begin with: such a run is killed.
    """
    raw.polyv.data = [raw.row(vid=vid) for vid in _VIDS]

    codes = {ended.returncode for mib in (120, 190, 290) if (ended := _run_under(raw, f"-v {mib * 1024}"))}

    assert codes <= {0, 1, 3, 7}
    assert {BODY} >= {(raw.root / name).read_bytes() for name in raw.files()}
    assert 0 == raw.sync("--until-done").returncode
    assert {BODY} == {(raw.root / f"{vid}.mp4").read_bytes() for vid in _VIDS}
    assert [] == raw.parts()


@needs_mounts
def test_f81_an_archive_whose_disk_is_not_mounted_is_left_alone(raw: RawCase) -> None:
    """Its mount point is an empty directory then: nothing is asked, and nothing is written below it."""
    ended = run_mounted(raw, f"mount -t tmpfs none '{raw.root}' && trap 'ls -A {raw.root} >&2' EXIT", "sync")

    assert 2 == ended.returncode
    assert "Is its disk mounted?" in ended.stderr
    assert [] == raw.polyv.requests


@needs_mounts
def test_f80_f81_an_archive_that_is_mounted_read_only_is_told_before_anything_is_asked(raw: RawCase) -> None:
    """EROFS: exit code 7."""
    ended = run_mounted(
        raw, f"mount --bind '{raw.root}' '{raw.root}' && mount -o remount,ro,bind '{raw.root}'", "sync"
    )

    assert 7 == ended.returncode
    assert "Read-only file system" in ended.stderr
    assert [] == raw.polyv.requests


@needs_mounts
def test_f82_parts_on_another_disk_never_make_half_a_file(raw: RawCase) -> None:
    """No name crosses over: told with exit code 7; with the mount gone the file comes."""
    ended = run_mounted(raw, f"mount -t tmpfs none '{raw.root}/.fetcher/parts'", "sync")

    assert 7 == ended.returncode
    assert "cross-device" in ended.stderr
    assert [] == raw.files()
    assert (0, ("done", None)) == (raw.sync().returncode, raw.standing())
    assert raw.is_right()


@needs_mounts
def test_f79_a_disk_that_is_full_in_the_middle_keeps_what_fits(raw: RawCase) -> None:
    """A disk of 1 MiB for a file of 1.5: exit code 7, no file; with room it comes."""
    ended = run_mounted(raw, f"mount -t tmpfs -o size=1m none '{raw.root}/.fetcher/parts'", "sync")

    assert 7 == ended.returncode
    assert f"writing {VID}.mp4: No space left on device" in ended.stderr
    assert [] == raw.files()
    assert 0 == raw.sync().returncode
    assert raw.is_right()
