"""Look through an archive without touching anything: what lies among the parts, and which files are there."""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fetcher.archive.home import DOT
from fetcher.archive.parts import LONGEST_MEMO, NAME, Memo, decoded, unfollowed


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPart:
    """A part or a memo as it lies there."""

    video_id: int
    name: str
    is_memo: bool
    memo: Memo | None
    """None for a part, and for a memo that cannot be read."""


def left_parts(directory: Path) -> Iterator[LeftPart]:
    """Yield the parts and memos that bear a name of ours.

    Raises:
        OSError: The directory cannot be read.
    """
    with os.scandir(directory) as entries:
        for entry in entries:
            piece = NAME.fullmatch(entry.name)
            if piece is None or piece[4]:  # A draft of a memo is replaced or removed by the next run.
                continue
            is_memo = piece[3] == "memo"
            memo = _read(entry.path) if is_memo else None
            yield LeftPart(video_id=int(piece[1]), name=entry.name, is_memo=is_memo, memo=memo)


def finished_files(root: Path) -> Iterator[str]:
    """Yield the path of every plain file below *root*, fetcher's own left out; no link is followed.

    A directory that cannot be read, or is gone by the time of its turn, has none.
    """
    waiting = [""]
    while waiting:
        above = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(root / above) as entries:
            for entry in entries:
                path = f"{above}/{entry.name}" if above else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if path != DOT:
                        waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path


def _read(path: str) -> Memo | None:
    """Return a memo, None where it cannot be read or is no plain little file."""
    try:
        descriptor = unfollowed(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file, contextlib.suppress(OSError):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return decoded(file.read(LONGEST_MEMO))
    return None
