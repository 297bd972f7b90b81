"""'verify' as it is called: real files harmed in every way, killed, timed out, beside a run, and mended."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw

from fetcher.simulator.library import Video

SIZE: Final = 70_000


def filled(case: ArchiveCase, count: int, *, size: int = SIZE) -> list[Video]:
    """Fetch *count* videos, and let their verification be an hour old."""
    videos = [case.simulator.library.add_video(size=size) for _ in range(count)]
    case.add(*videos)
    assert 0 == case.sync().returncode
    age(case)
    return videos


def age(case: ArchiveCase) -> None:
    """Have all been verified an hour earlier."""
    with raw(case.root / ".fetcher" / "ledger.db") as connection:
        connection.execute("UPDATE videos SET verified_at = verified_at - 3600000")


def verified_at(case: ArchiveCase) -> dict[str, int | None]:
    """Return when each video was verified, in ms UTC."""
    with raw(case.root / ".fetcher" / "ledger.db") as connection:
        return dict(connection.execute("SELECT vid, verified_at FROM videos WHERE status = 'done'").fetchall())


def place(case: ArchiveCase, video: Video) -> Path:
    """Return where a video's file is."""
    return case.root / f"{video.vid}.mp4"


def told(case: ArchiveCase, *arguments: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Return exit code, findings and summary of one verification."""
    ran = case.run("verify", "--json", *arguments)
    *findings, summary = map(json.loads, ran.stdout.splitlines())
    assert (ran.returncode, "summary") == (summary["exit_code"], summary["type"])
    return ran.returncode, findings, summary


def kinds(findings: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Return what was found of which video."""
    return sorted((one["kind"], one["vid"]) for one in findings)


def flip(path: Path) -> None:
    """Change one bit in the middle, and nothing that a look would show."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(before.st_size // 2)
        byte = file.read(1)[0]
        file.seek(before.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path) -> None:
    os.truncate(path, 10)


def link_elsewhere(path: Path) -> None:
    path.rename(path.parent / ".fetcher" / "elsewhere")
    path.symlink_to(".fetcher/elsewhere")


def make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def test_f98_f104_files_that_are_right_are_verified_in_silence(case: ArchiveCase) -> None:
    videos = filled(case, 3)
    before = verified_at(case)

    silent = case.run("verify")
    spoken = case.run("-v", "verify")

    assert (0, "", "") == (silent.returncode, silent.stdout, silent.stderr)
    assert "3 files read" in spoken.stderr
    after = verified_at(case)
    assert all((after[video.vid] or 0) > (before[video.vid] or 0) for video in videos)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (flip, "changed"),
        (cut, "changed"),
        (Path.unlink, "missing"),
        (link_elsewhere, "unreadable"),
        (make_directory, "unreadable"),
        (make_fifo, "unreadable"),
    ],
)
def test_f78_f90_f104_every_harm_is_found_and_nothing_is_changed(
    case: ArchiveCase, harm: Callable[[Path], None], kind: str
) -> None:
    """Nothing is followed, and nothing waited for that nobody writes to; the row is as it was."""
    harmed, right = filled(case, 2)
    harm(place(case, harmed))
    before, rows = verified_at(case), case.rows()

    code, findings, summary = told(case)

    assert (9, [(kind, harmed.vid)]) == (code, kinds(findings))
    assert {"ok": 1, kind: 1} == {name: count for name, count in summary["counts"].items() if count}
    after = verified_at(case)
    assert before[harmed.vid] == after[harmed.vid], "what was not read to its end and right is not verified"
    assert before[right.vid] != after[right.vid]
    assert rows[harmed.vid] == case.rows()[harmed.vid]
