"""A disk that loses power: what a program did to it, and what of that is there for good.

The strict model: bytes and size of a file are durable once the file is flushed, a name once its directory is.
Nothing else is ever durable by itself, neither by time nor by the order of the calls.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeAlias

from crash.records import Call, Kind


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes that were written at an offset."""

    offset: int
    data: bytes

    def onto(self, content: bytearray) -> None:
        """Do it; a gap before it is zeros."""
        if len(content) < self.offset:
            content.extend(bytes(self.offset - len(content)))
        content[self.offset : self.offset + len(self.data)] = self.data


@dataclass(frozen=True, slots=True)
class Cut:
    """A file was cut to a size, or grown to it with zeros."""

    size: int

    def onto(self, content: bytearray) -> None:
        """Do it."""
        del content[self.size :]
        content.extend(bytes(self.size - len(content)))


Step: TypeAlias = Write | Cut


@dataclass(eq=False, slots=True)
class File:
    """A file: what is durable of it, and what was done since."""

    number: int
    """Tells it from the other files and directories."""
    durable: bytes = b""
    steps: list[Step] = field(default_factory=list)

    def now(self) -> bytearray:
        """Return what a program reads."""
        content = bytearray(self.durable)
        for step in self.steps:
            step.onto(content)
        return content

    def flush(self) -> None:
        """Make it durable."""
        self.durable, self.steps = bytes(self.now()), []


@dataclass(frozen=True, slots=True)
class Entry:
    """A change of names in one directory, which happens as a whole or not at all."""

    gone: str | None = None
    name: str | None = None
    node: "Node | None" = None

    def onto(self, names: "dict[str, Node]") -> None:
        """Do it."""
        if self.gone is not None:
            names.pop(self.gone, None)
        if self.name is not None and self.node is not None:
            names[self.name] = self.node


@dataclass(eq=False, slots=True)
class Directory:
    """A directory: which names are durable, and what was done since."""

    number: int
    durable: "dict[str, Node]" = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)

    def now(self) -> "dict[str, Node]":
        """Return what a program finds."""
        names = dict(self.durable)
        for entry in self.entries:
            entry.onto(names)
        return names

    def flush(self) -> None:
        """Make the names durable."""
        self.durable, self.entries = self.now(), []


Node: TypeAlias = File | Directory


class Disk:
    """An archive on such a disk; at first everything is durable."""

    def __init__(self) -> None:
        self._count = 0
        self._open: dict[int, Node] = {}
        self.root = self._new_directory()

    @classmethod
    def holding(cls, archive: Path) -> Self:
        """Return a disk that holds *archive*."""
        disk = cls()
        disk._take_in(archive, disk.root, {})
        return disk

    def _take_in(self, place: Path, directory: Directory, seen: dict[int, File]) -> None:
        """Take in what is below *place*; *seen* are the files by their inodes, for some have two names."""
        for path in sorted(place.iterdir()):
            if path.is_dir():
                below = self._new_directory()
                directory.durable[path.name] = below
                self._take_in(path, below, seen)
            else:
                inode = path.stat().st_ino
                seen[inode] = seen.get(inode) or self._new_file(path.read_bytes())
                directory.durable[path.name] = seen[inode]

    def _new_directory(self) -> Directory:
        self._count += 1
        return Directory(self._count)

    def _new_file(self, durable: bytes = b"") -> File:
        self._count += 1
        return File(self._count, durable)

    def apply(self, call: Call) -> None:
        """Do what a program did. What failed did nothing."""
        if call.result < 0:
            return
        match call.kind:
            case Kind.OPEN:
                self._open[call.result] = self._opened(call)
            case Kind.WRITE:
                self._file(call).steps.append(Write(call.offset, call.data))
            case Kind.CUT:
                self._file(call).steps.append(Cut(call.offset))
            case Kind.FLUSH:
                self._open[call.descriptor].flush()
            case Kind.RENAME:
                self._rename(call.path, call.other)
            case Kind.LINK:
                self._name(call.other, self._at(call.path))
            case Kind.MAKE_DIRECTORY:
                self._name(call.path, self._new_directory())
            case Kind.REMOVE | Kind.REMOVE_DIRECTORY:
                directory, name = self._above(call.path)
                directory.entries.append(Entry(gone=name))

    def _opened(self, call: Call) -> Node:
        node = self._found(call.path)
        if node is None:
            node = self._new_file()
            self._name(call.path, node)
        elif call.flags & os.O_TRUNC and isinstance(node, File):
            node.steps.append(Cut(0))
        return node

    def _file(self, call: Call) -> File:
        node = self._open[call.descriptor]
        assert isinstance(node, File)
        return node

    def _rename(self, old: str, new: str) -> None:
        node = self._at(old)
        (source, gone), (target, name) = self._above(old), self._above(new)
        if source is target:
            source.entries.append(Entry(gone=gone, name=name, node=node))
        else:  # Two directories are two flushes: one of them may be durable alone.
            target.entries.append(Entry(name=name, node=node))
            source.entries.append(Entry(gone=gone))

    def _name(self, path: str, node: Node) -> None:
        directory, name = self._above(path)
        directory.entries.append(Entry(name=name, node=node))

    def _above(self, path: str) -> tuple[Directory, str]:
        above, _, name = path.rpartition("/")
        directory = self._at(above)
        assert isinstance(directory, Directory)
        return directory, name

    def _at(self, path: str) -> Node:
        node = self._found(path)
        assert node is not None, f"the log knows nothing of {path}"
        return node

    def _found(self, path: str) -> Node | None:
        node: Node | None = self.root
        for step in path.split("/") if path else ():
            node = node.now().get(step) if isinstance(node, Directory) else None
        return node
