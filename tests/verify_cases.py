"""What the tests of 'verify' and 'prune' share: a filled archive, ways to harm a file, and what was found."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

from archive_case import ArchiveCase
from ledger_cases import raw

from fetcher.simulator.library import Video

SIZE: Final = 70_000
HOUR_MS: Final = 3_600_000


def filled(case: ArchiveCase, count: int, *, size: int = SIZE) -> list[Video]:
    """Fetch *count* videos, and let their verification be an hour old."""
    videos = [case.simulator.library.add_video(size=size) for _ in range(count)]
    case.add(*videos)
    assert 0 == case.sync().returncode
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET verified_at = verified_at - ?", (HOUR_MS,))
    return videos


def verified_at(case: ArchiveCase) -> dict[str, int]:
    """Return when each done video was verified, in ms UTC."""
    with raw(case.ledger) as connection:
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
    """Shorten a file."""
    os.truncate(path, 10)


def link_elsewhere(path: Path) -> None:
    """Put a link to the very file in its place."""
    path.rename(path.parent / ".fetcher" / "elsewhere")
    path.symlink_to(".fetcher/elsewhere")


def make_directory(path: Path) -> None:
    """Put a directory in a file's place."""
    path.unlink()
    path.mkdir()


def make_fifo(path: Path) -> None:
    """Put a pipe that nobody writes to in a file's place."""
    path.unlink()
    os.mkfifo(path)


def stocked(case: ArchiveCase, count: int, *, size: int = 1000, first: int = 1, at: int = 1000) -> list[str]:
    """Add *count* done videos with files, past all downloading; return their vids.

    They were verified one millisecond after the other, from *at* on.
    """
    vids = []
    with raw(case.ledger) as connection:
        connection.execute("BEGIN")
        for number in range(first, first + count):
            body = number.to_bytes(8, "big") * (size // 8)
            vid, path = f"{number:032d}_1", f"{number:06}.mp4"
            (case.root / path).write_bytes(body)
            row = (vid, path, path, len(body), hashlib.sha256(body).hexdigest(), at + number)
            connection.execute(_DONE, row)
            vids.append(vid)
        connection.execute("COMMIT")
    return vids


def add_sparse(case: ArchiveCase, size: int, *, at: int) -> str:
    """Add a done video of *size* bytes, all of them zero and none on the disk; return its vid.

    Its sha256 is not right: nobody is to read it to its end.
    """
    with raw(case.ledger) as connection, (case.root / "sparse.mp4").open("wb") as file:
        file.truncate(size)
        connection.execute(_DONE, (f"{0:032}_9", "sparse.mp4", "sparse.mp4", size, "0" * 64, at))
    return f"{0:032}_9"


_DONE: Final = """
    INSERT INTO videos (vid, status, path, path_key, size, sha256, evidence, added_at, done_at, verified_at)
    VALUES (?, 'done', ?, ?, ?, ?, 'size', 1, 1, ?)
"""
