"""Decide which of the files that say they are of one video is that video's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from fetcher.archive.told import Sidecar
from fetcher.ledger.findings import Found


class Kind(StrEnum):
    """What a rebuild can have to tell."""

    DIFFERS = "differs"
    """A file that is not what its sidecar says."""
    UNREADABLE = "unreadable"
    """A file or directory that the disk does not let be read."""
    GONE = "gone"
    """A sidecar whose file is gone."""
    DOUBLE = "double"
    """Several files of one video."""
    CLASH = "clash"
    """Files of several videos, by names that a file system may take for one."""
    UNKNOWN = "unknown"
    """A file of which nobody knows what it is of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that did not become a row."""

    kind: Kind
    vid: str | None = None
    path: str
    """Below the archive."""
    detail: str
    is_settled: bool = False
    """Whether its video has a row all the same, by another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of the files of one vid."""

    taken: Found | None
    findings: Sequence[Finding]


def sidecar_of(file: Found) -> Sidecar | None:
    """Return what the sidecar of a file says."""
    return None if file.told is None else msgspec.json.decode(file.told, type=Sidecar)


def verdict(files: Sequence[Found]) -> Verdict:
    """Choose among files that were read: the one whose sidecar agrees, else the only one there is, else none.

    Of several that agree it is the one that lies where its sidecar says; the others are copies.
    """
    agreeing, unproven = [], []
    findings = []
    for file in files:
        if (wrong := _wrong(file)) is not None:
            findings.append(wrong)
        elif file.told is not None:
            agreeing.append(file)
        else:
            unproven.append(file)
    if len(agreeing) > 1:
        agreeing = [file for file in agreeing if (told := sidecar_of(file)) is not None and told.path == file.path]
    chosen = agreeing or (unproven if len(files) == 1 else [])
    taken = chosen[0] if len(chosen) == 1 else None
    return Verdict(taken=taken, findings=[*findings, *_doubles(files, findings, taken)])


def _wrong(file: Found) -> Finding | None:
    if file.sha256 is None:
        return Finding(kind=Kind.UNREADABLE, vid=file.vid, path=file.path, detail="it cannot be read")
    told = sidecar_of(file)
    if told is None or (told.sha256, told.size) == (file.sha256, file.size):
        return None
    if told.size != file.size:
        detail = f"{file.size} bytes instead of {told.size}"
    else:
        detail = f"sha256 {file.sha256} instead of {told.sha256}"
    return Finding(kind=Kind.DIFFERS, vid=file.vid, path=file.path, detail=f"{detail}; its sidecar says so")


def _doubles(files: Sequence[Found], told: Sequence[Finding], taken: Found | None) -> Iterator[Finding]:
    """Yield the files that were not taken, and of which nothing was told yet."""
    known = {finding.path for finding in told} | ({taken.path} if taken is not None else set())
    detail = (
        f"the ledger has {taken.path}" if taken is not None else f"one of {len(files)} that say so; none is taken"
    )
    for file in files:
        if file.path not in known:
            is_settled = taken is not None
            yield Finding(kind=Kind.DOUBLE, vid=file.vid, path=file.path, detail=detail, is_settled=is_settled)
