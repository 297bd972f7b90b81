"""What the shim wrote down: every call that changed an archive, in order."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

_HEAD: Final = struct.Struct("=9q")


class Kind(IntEnum):
    """What was called; the numbers are those of ``shim.c``."""

    OPEN = 0
    WRITE = 1
    CUT = 2
    FLUSH = 3
    RENAME = 4
    LINK = 5
    REMOVE = 6
    MAKE_DIRECTORY = 7
    REMOVE_DIRECTORY = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call."""

    kind: Kind
    number: int
    """0 where it did not count."""
    descriptor: int
    """Which was written, cut or flushed; -1 for the others."""
    flags: int
    """Of an open."""
    offset: int
    """Where was written; the size to which was cut."""
    result: int
    """The kernel's: a descriptor, a count of bytes, 0; or minus errno."""
    path: str
    """Below the archive; of a descriptor the one that it was opened by. '' is the archive itself."""
    other: str
    """The new name, where there are two."""
    data: bytes
    """What was written."""

    @property
    def is_change(self) -> bool:
        """Whether it may have changed something, or made a change durable."""
        only_opened = self.kind is Kind.OPEN and not self.flags & (os.O_CREAT | os.O_TRUNC)
        return self.result >= 0 and not only_opened

    def __str__(self) -> str:
        names = f"{self.path} -> {self.other}" if self.other else self.path
        place = f" at {self.offset}: {len(self.data)} bytes" if self.kind is Kind.WRITE else ""
        failed = f", errno {-self.result}" if self.result < 0 else ""
        return f"{self.number} {self.kind.name.lower()} {names}{place}{failed}"


def read_calls(log: Path, *, root: Path) -> list[Call]:
    """Return the calls in *log* that concern files below *root*, in the order in which they were made."""
    return list(_calls(log.read_bytes(), f"{root}/"))


def _calls(raw: bytes, root: str) -> Iterator[Call]:
    at = 0
    while at < len(raw):
        kind, number, descriptor, flags, offset, result, *sizes = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        texts = []
        for size in sizes:
            texts.append(raw[at : at + size])
            at += size
        path, other, data = texts
        yield Call(
            kind=Kind(kind),
            number=number,
            descriptor=descriptor,
            flags=flags,
            offset=offset,
            result=result,
            path=_below(path.decode(), root),
            other=_below(other.decode(), root),
            data=data,
        )


def _below(path: str, root: str) -> str:
    return path.removeprefix(root) if path != root.rstrip("/") else ""
