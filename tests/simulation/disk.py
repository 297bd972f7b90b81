"""The archive as a killed process leaves it: what the kernel has, names of one file still names of one file."""

import functools
import os
import shutil
import tempfile
from pathlib import Path

from fetcher.archive.home import Home, create_home
from fetcher.ledger.upgrade import create_ledger


def scratch_directory() -> str | None:
    """Return where files cost no disk; None for the usual place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@functools.cache
def _template() -> Path:
    """Make one empty archive for all histories: migrations take longer than a history."""
    directory = Path(tempfile.mkdtemp(prefix="fetcher-template-", dir=scratch_directory()))
    create_home(directory / "archive", config="", prepare=lambda home: create_ledger(home.ledger))
    return directory / "archive"


def drop_template() -> None:
    """Remove it when no history comes any more."""
    shutil.rmtree(_template().parent)
    _template.cache_clear()


def new_archive(root: Path) -> Home:
    """Make an empty archive at *root*."""
    shutil.copytree(_template(), root)
    return Home(root)


def copy_archive(root: Path, to: Path) -> None:
    """Copy an archive as it stands, but for what SQLite makes anew and for locks that nobody holds there."""
    names: dict[tuple[int, int], Path] = {}
    for directory, _, files in os.walk(root):
        there = to / Path(directory).relative_to(root)
        there.mkdir(mode=0o700)
        for name in files:
            found = os.lstat(Path(directory, name))
            known = names.get((found.st_dev, found.st_ino))
            if known is not None:
                os.link(known, there / name)
            elif not name.endswith(("-shm", ".lock")):
                shutil.copyfile(Path(directory, name), there / name)
                names[found.st_dev, found.st_ino] = there / name
