"""The files that are fetched: how many, how large, and their bytes."""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self

_HEAD: Final = (24).to_bytes(4, "big") + b"ftypisom"
"""The first twelve bytes of an MP4 file."""
_BLOCK: Final = 4 << 20
_MIB: Final = 1 << 20
_KIB: Final = 1 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSet:
    """Some files of one size."""

    name: str
    count: int
    size: int
    """Of each file, bytes."""

    @property
    def total(self) -> int:
        """All bytes."""
        return self.count * self.size

    def of(self, count: int) -> Self:
        """Return another number of files of this size."""
        return replace(self, count=count)

    def __str__(self) -> str:
        return f"{self.count} × {shown_size(self.size)}"


SETS: Final = {
    one.name: one
    for one in (
        FileSet(name="big", count=2, size=512 * _MIB),
        FileSet(name="medium", count=64, size=16 * _MIB),
        FileSet(name="small", count=2000, size=64 * _KIB),
    )
}


def shown_size(size: int) -> str:
    """Return bytes as people read them, in whole KiB or MiB where they are whole."""
    for unit, name in ((_MIB, "MiB"), (_KIB, "KiB")):
        if size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size} bytes"


def write_random(path: Path, size: int) -> str:
    """Write a file of random bytes that begins as MP4 files do, and return its SHA-256 in hex."""
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        head, left = _HEAD, size
        while left:
            block = (head + os.urandom(min(_BLOCK, left)))[: min(_BLOCK, left)]
            digest.update(block)
            file.write(block)
            head, left = b"", left - len(block)
    return digest.hexdigest()
