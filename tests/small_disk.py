"""A disk of a few mebibytes, for tests that fill it or take its permission to be written away. Needs root."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A tmpfs mounted on *place*."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fill(self) -> Path:
        """Take all the room there is, return the file that has it."""
        filler = self.place / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        with filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(512))
        return filler

    def make_read_only(self) -> None:
        """Have nothing written any more."""
        _mount("-o", "remount,ro", str(self.place))


@contextlib.contextmanager
def small_disk(place: Path, *, size: str = "2m") -> Iterator[SmallDisk]:
    """Mount a small disk on *place*; the test is left out where that is not allowed."""
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    if not _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)):
        pytest.skip("mounting is not allowed here")
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _mount(*arguments: str) -> bool:
    return subprocess.run(["mount", *arguments], capture_output=True, check=False).returncode == 0
