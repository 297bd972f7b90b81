"""What a look at a finished file means: right, gone, changed, or not to be told."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fetcher.domain.exit_code import ExitCode, gravest

_FEW: Final = 10
"""So many files may be damaged at once without anybody asking what is wrong with the whole."""
_SHARE: Final = 10
"""And else one in so many,"""
_MANY: Final = 1000
"""but never more than these."""


class Kind(StrEnum):
    """What can be found of a file."""

    OK = "ok"
    MISSING = "missing"
    """A done file is gone."""
    CHANGED = "changed"
    """A done file has another size or other bytes."""
    MOVED = "moved"
    """A done file is gone, and one that no video has holds the very same bytes."""
    UNREADABLE = "unreadable"
    """The disk does not give it, or a link, a directory or the like stands in its place: nothing is known of it."""
    EXTRA = "extra"
    """A file that no video has."""


_CODES: Final = {
    Kind.MISSING: ExitCode.DAMAGE,
    Kind.CHANGED: ExitCode.DAMAGE,
    Kind.MOVED: ExitCode.DAMAGE,
    Kind.UNREADABLE: ExitCode.DAMAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneFile:
    """A file as the ledger has it."""

    video_id: int
    vid: str
    path: str
    """Below the archive."""
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stands at a path."""

    size: int | None = None
    """Bytes of the plain file there; None where nothing stands there, or nothing that may be read."""
    sha256: str | None = None
    """None where it was not read to its end."""
    obstacle: str | None = None
    """Why nothing is known of it; None where something is."""
    identity: tuple[int, ...] = ()
    """Of the file that was read: what stands there now is another one, or was written to, where this differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What that means."""

    kind: Kind
    detail: str = ""
    """For a person; '' where all is well."""


def judge(done: DoneFile, seen: Seen) -> Verdict:
    """Hold what stands there against the ledger. Of what was not read the size has to do."""
    if seen.obstacle is not None:
        return Verdict(kind=Kind.UNREADABLE, detail=seen.obstacle)
    if seen.size is None:
        return Verdict(kind=Kind.MISSING, detail="the file is gone")
    if seen.size != done.size:
        return Verdict(kind=Kind.CHANGED, detail=f"{seen.size} bytes instead of {done.size}")
    if seen.sha256 is not None and seen.sha256 != done.sha256:
        return Verdict(kind=Kind.CHANGED, detail=f"sha256 {seen.sha256} instead of {done.sha256}")
    return Verdict(kind=Kind.OK)


def is_alarming(damaged: int, looked_at: int) -> bool:
    """Tell whether so much is damaged at once that the disk is to be looked at before anything is mended."""
    return damaged > _FEW and (damaged * _SHARE > looked_at or damaged > _MANY)


def code_of_kinds(kinds: Iterable[Kind]) -> ExitCode:
    """Return the exit code that *kinds* call for. What is beside the archive's files harms none of them."""
    return gravest(_CODES.get(kind, ExitCode.OK) for kind in kinds)
