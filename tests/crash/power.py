"""What a power cut leaves of what was not durable: nothing, everything, or whatever a disk makes of it."""

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from crash.disk import Cut, Directory, Disk, File, Node, Write

_SECTOR: Final = 512
_SHARED_MEMORY: Final = "-shm"
"""SQLite's, mapped and never flushed; it is made anew where nobody has the ledger open."""


class Survival(Protocol):
    """Decides what is left. Asked twice about the same thing it says the same."""

    def names(self, directory: Directory) -> dict[str, Node]:
        """Return the names that are left in a directory."""
        ...

    def content(self, file: File) -> bytes:
        """Return the bytes that are left of a file."""
        ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """Only what is durable is left."""

    def names(self, directory: Directory) -> dict[str, Node]:
        """Return the durable names."""
        return directory.durable

    def content(self, file: File) -> bytes:
        """Return the durable bytes."""
        return file.durable


@dataclass(frozen=True, slots=True)
class Everything:
    """All is left: the disk had written everything out just before."""

    def names(self, directory: Directory) -> dict[str, Node]:
        """Return all names."""
        return directory.now()

    def content(self, file: File) -> bytes:
        """Return all bytes."""
        return bytes(file.now())


@dataclass(frozen=True, slots=True)
class _Seeded:
    seed: int

    def _random(self, node: Node) -> random.Random:
        return random.Random(f"{self.seed}:{node.number}")

    def names(self, directory: Directory) -> dict[str, Node]:
        """Return the durable names with some of the changes since, in their order."""
        chance = self._random(directory)
        names = dict(directory.durable)
        for entry in directory.entries:
            if chance.random() < 0.5:
                entry.onto(names)
        return names


class Scattered(_Seeded):
    """Each sector is as it was at any moment since the last flush, and the size too: torn, reordered, dropped."""

    def content(self, file: File) -> bytes:
        """Mix the moments."""
        if not file.steps:
            return file.durable
        chance = self._random(file)
        moments = list(_moments(file))
        size = chance.choice([len(moment) for moment in moments])
        mixed = bytearray()
        for start in range(0, size, _SECTOR):
            sector = chance.choice(moments)[start : min(start + _SECTOR, size)]
            mixed += sector + bytes(min(_SECTOR, size - start) - len(sector))
        return bytes(mixed)


class Shuffled(_Seeded):
    """Some of the writes since the last flush are left, as if they had been made in another order."""

    def content(self, file: File) -> bytes:
        """Make some of the steps, in any order."""
        chance = self._random(file)
        steps = [step for step in file.steps if chance.random() < 0.5]
        chance.shuffle(steps)
        content = bytearray(file.durable)
        for step in steps:
            step.onto(content)
        return bytes(content)


class Ordered(_Seeded):
    """The first so many steps since the last flush are left, the last of them torn at a sector."""

    def names(self, directory: Directory) -> dict[str, Node]:
        """Return the names after the first so many changes."""
        names = dict(directory.durable)
        for entry in directory.entries[: self._random(directory).randint(0, len(directory.entries))]:
            entry.onto(names)
        return names

    def content(self, file: File) -> bytes:
        """Make the first so many steps."""
        chance = self._random(file)
        steps = file.steps[: chance.randint(0, len(file.steps))]
        content = bytearray(file.durable)
        for step in steps[:-1]:
            step.onto(content)
        for step in steps[-1:]:
            _torn(step, chance).onto(content)
        return bytes(content)


class Zeroed(_Seeded):
    """The sizes are there, and of the bytes beyond the durable ones only some sectors: the rest is zeros."""

    def content(self, file: File) -> bytes:
        """Let zeros stand in new sectors."""
        if not file.steps:
            return file.durable
        chance = self._random(file)
        content = file.now()
        for start in range(len(file.durable), len(content), _SECTOR):
            if chance.random() < 0.5:
                stop = min(start + _SECTOR, len(content))
                content[start:stop] = bytes(stop - start)
        return bytes(content)


SEEDED: Final = (Scattered, Shuffled, Ordered, Zeroed)


def _torn(step: Write | Cut, chance: random.Random) -> Write | Cut:
    if isinstance(step, Cut):
        return step
    whole = (step.offset + len(step.data)) // _SECTOR - step.offset // _SECTOR
    kept = chance.randint(0, whole) * _SECTOR - step.offset % _SECTOR
    return Write(step.offset, step.data[: max(kept, 0)])


def _moments(file: File) -> Iterator[bytes]:
    """Yield the content at each moment since the last flush."""
    content = bytearray(file.durable)
    yield bytes(content)
    for step in file.steps:
        step.onto(content)
        yield bytes(content)


@dataclass(frozen=True, slots=True)
class Remains:
    """What is found after the power has come back."""

    files: Mapping[str, File]
    """By path; two paths of one file are two names of it."""
    directories: Sequence[str]
    """Those above come first."""
    survival: Survival

    def read(self, path: str) -> bytes:
        """Return the bytes of a file."""
        return self.survival.content(self.files[path])

    def finished(self) -> dict[str, bytes]:
        """Return what is left outside of ``.fetcher``, by path."""
        return {path: self.read(path) for path in self.files if not path.startswith(".fetcher/")}

    def put_ledger(self, scratch: Path) -> Path:
        """Put what is left of the ledger into *scratch*, in place of another; return where it is."""
        for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
            (scratch / name).unlink(missing_ok=True)
            if f".fetcher/{name}" in self.files:
                (scratch / name).write_bytes(self.read(f".fetcher/{name}"))
        return scratch / "ledger.db"

    def put(self, place: Path) -> None:
        """Make *place*, which is not there yet, what is left of the archive; nobody else may look at it."""
        place.mkdir()
        for path in self.directories:
            (place / path).mkdir(mode=0o700)
        names: dict[int, Path] = {}
        for path, file in self.files.items():
            if file.number in names:
                os.link(names[file.number], place / path)
            else:
                (place / path).write_bytes(self.survival.content(file))
                (place / path).chmod(0o600)
                names[file.number] = place / path


def after_power_cut(disk: Disk, survival: Survival) -> Remains:
    """Return what is left of *disk*."""
    files: dict[str, File] = {}
    directories: list[str] = []
    waiting: list[tuple[str, Directory]] = [("", disk.root)]
    while waiting:
        above, directory = waiting.pop()
        for name, node in survival.names(directory).items():
            if isinstance(node, Directory):
                directories.append(f"{above}{name}")
                waiting.append((f"{above}{name}/", node))
            elif not name.endswith(_SHARED_MEMORY):
                files[f"{above}{name}"] = node
    return Remains(files=files, directories=sorted(directories), survival=survival)
