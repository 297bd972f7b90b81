"""What fetcher made for itself and may no longer need: parts, memos, drafts, quarantine. Never a finished file."""

import contextlib
import dataclasses
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from fetcher.archive.home import Home
from fetcher.archive.memos import read_memo
from fetcher.archive.parts import NAME
from fetcher.domain.identifiers import is_vid

_SIDECAR_DRAFT: Final = "sidecar~"


class LeftKind(StrEnum):
    """What it is."""

    PART = "part"
    MEMO = "memo"
    DRAFT = "draft"
    """Of a memo or a sidecar, that a killed run left."""
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """One file."""

    kind: LeftKind
    path: str
    """Below the archive."""
    video_id: int | None = None
    """The number in the name of a part or memo."""
    vid: str | None = None
    """Whose part or memo it is, as its memo says. None without one that can be read: nobody goes on with that."""
    frees: int
    """Bytes that the disk gets back: none where the file has another name."""


def in_parts(home: Home) -> Iterator[Leftover]:
    """Yield parts, memos and drafts of memos; what bears no name of ours, and any directory, is not looked at.

    Raises:
        OSError: The directory cannot be read.
    """
    with os.scandir(home.parts) as entries:
        for entry in entries:
            piece = NAME.fullmatch(entry.name)
            if piece is None or entry.is_dir(follow_symlinks=False):
                continue
            kind = LeftKind.DRAFT if piece[4] else LeftKind(piece[3])
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                left = _left(home, kind, Path(entry.path), found)
                yield dataclasses.replace(left, video_id=int(piece[1]), vid=_owner(Path(entry.path), kind))


def drafts(home: Home) -> Iterator[Leftover]:
    """Yield what a killed run left of a sidecar that it was about to name."""
    draft = home.dot / _SIDECAR_DRAFT
    with contextlib.suppress(FileNotFoundError):
        found = draft.stat(follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode):
            yield _left(home, LeftKind.DRAFT, draft, found)


def in_quarantine(home: Home, *, before: int) -> Iterator[Leftover]:
    """Yield the plain files that have been in quarantine since before *before* (ms UTC).

    That is when they got their name there: a file's own time may be that of the video's creation.
    """
    with contextlib.suppress(FileNotFoundError), os.scandir(home.quarantine) as entries:
        for entry in entries:
            if not entry.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat(follow_symlinks=False)
                if found.st_ctime_ns // 1_000_000 < before:
                    yield _left(home, LeftKind.QUARANTINE, Path(entry.path), found)


def remove(home: Home, leftover: Leftover) -> None:
    """Remove a leftover, for who holds the archive's lock. A link goes itself, not what it leads to.

    Raises:
        OSError: The disk.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(home.root / leftover.path)


def _owner(path: Path, kind: LeftKind) -> str | None:
    """Return what the memo beside a part, or the memo itself, says whose it is."""
    memo = None if kind is LeftKind.DRAFT else read_memo(path.with_suffix(".memo"))
    return memo.vid if memo is not None and is_vid(memo.vid) else None


def _left(home: Home, kind: LeftKind, path: Path, found: os.stat_result) -> Leftover:
    frees = found.st_blocks * 512 if found.st_nlink == 1 else 0
    where = path.relative_to(home.root).as_posix()
    return Leftover(kind=kind, path=where, frees=frees)
