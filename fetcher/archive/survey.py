"""Look through an archive without touching anything: what lies among the parts, and which files are there."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fetcher.archive.bags import is_bag
from fetcher.archive.drafts import is_unfinished
from fetcher.archive.home import DOT
from fetcher.archive.memos import Memo, read_memo
from fetcher.archive.parts import NAME
from fetcher.domain.identifiers import is_vid

_LARGEST_ID: Final = 1 << 40
"""No ledger of ours comes so far; a part with a larger one is nobody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftPart:
    """A part or a memo as it lies there."""

    video_id: int
    name: str
    is_memo: bool
    memo: Memo | None
    """That memo, or the one beside the part; None where there is none that can be read."""

    @property
    def vid(self) -> str | None:
        """Whose it is, as the memo says; None where that says nothing that can be."""
        return self.memo.vid if self.memo is not None and is_vid(self.memo.vid) else None


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
            memo = read_memo(Path(entry.path).with_suffix(".memo"))
            yield LeftPart(video_id=int(piece[1]), name=entry.name, is_memo=piece[3] == "memo", memo=memo)


def owners_of_parts(directory: Path) -> tuple[dict[int, str], int]:
    """Return which videos have a part, by the id in its name; and the largest id in any name.

    Of two parts of one video it is the larger one's; an id whose memos speak of several videos is nobody's.

    Raises:
        OSError: The directory cannot be read; there may be none.
    """
    largest = 0
    vids: dict[int, set[str]] = {}
    sizes: Counter[int] = Counter()
    for part in _parts_of_ours(directory):
        largest = max(largest, part.video_id)
        if not part.is_memo:
            sizes[part.video_id] += _size(directory / part.name)
        elif part.vid is not None:
            vids.setdefault(part.video_id, set()).add(part.vid)
    owners: dict[str, int] = {}
    for video_id, named in vids.items():
        (vid, *others) = named
        if not others and sizes[video_id] > sizes[owners.get(vid, 0)]:
            owners[vid] = video_id
    return {video_id: vid for vid, video_id in owners.items()}, largest


def _parts_of_ours(directory: Path) -> Iterator[LeftPart]:
    with contextlib.suppress(FileNotFoundError):
        for part in left_parts(directory):
            if part.video_id <= _LARGEST_ID:
                yield part


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def finished_files(root: Path) -> Iterator[str]:
    """Yield the path of every plain file below *root*, fetcher's own left out; no link is followed, no bag entered.

    A directory that cannot be read, or is gone by the time of its turn, has none.
    """
    waiting = [""]
    while waiting:
        above = waiting.pop()
        with contextlib.suppress(OSError), os.scandir(root / above) as entries:
            if above and is_bag(root, above):
                continue
            for entry in entries:
                if is_unfinished(entry.name):
                    continue
                path = f"{above}/{entry.name}" if above else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if path != DOT:
                        waiting.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path
