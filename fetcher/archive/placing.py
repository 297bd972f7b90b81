"""Give verified parts their final names, never over anything, never outside the archive.

Every directory on the way is opened without following links and by its parent's descriptor, so that nobody can
swap one for a link between the look and the step. The final name appears by a hard link: the one call that fails
where the name is taken. File systems without hard links get a look and a rename, under the archive's lock.

A name is durable once the directory it stands in is flushed; many names in one directory need one flush.
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

from fetcher.domain.errors import ConflictError

_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
NO_LINKS: Final = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that stands where one is expected."""

    size: int
    sha256: str


class Placing:
    """Gives names below *root*, and makes them durable in groups. Safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._durable: set[str] = set()
        """Directories whose own names are known to be on the disk for good."""

    def place(
        self,
        part: Path,
        path: str,
        *,
        sha256: str,
        slowly: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> bool:
        """Give the durable *part* the name *path*, which is not durable yet.

        The part keeps its own name beside it where the file system has hard links: until the ledger says ``done``,
        the two names of one file prove whose it is.

        Args:
            part: The bytes.
            path: The name, below the archive.
            sha256: Of the bytes.
            slowly: Entered for what may take long: reading what stands under the name already.

        Returns:
            False where the very same bytes stood there already.

        Raises:
            ConflictError: Something else stands there. The part is untouched.
            OSError: The disk.
        """
        with opened_parent(self._root, path, made=self._durable.discard) as (directory, name):
            is_new = link_to(part, directory, name)
            if is_new:
                return True
            with slowly():
                found = _read(directory, name, path, durably=True)
            if found.sha256 != sha256:
                raise ConflictError(f"other bytes stand at {path!r}; they are kept")
        return False

    def make_durable(self, directory: str, files: Mapping[str, int] = MappingProxyType({})) -> set[str]:
        """Make all names in *directory* durable, and its own.

        Args:
            directory: Below the archive, '' for itself.
            files: The names that are to be there, with their sizes in bytes.

        Returns:
            Those of *files* that are not there: somebody took them away, or the directory and made it anew.

        Raises:
            ConflictError: It was replaced by something else.
            OSError: The disk, or it is gone.
        """
        is_known = directory in self._durable
        self._durable.add(directory)  # Before the flush: whoever makes it anew meanwhile takes it out again.
        try:
            with opened_parent(self._root, f"{directory}/-".lstrip("/"), durably=not is_known) as (descriptor, _):
                os.fsync(descriptor)
                return {name for name, size in files.items() if _size(descriptor, name) != size}
        except BaseException:
            self._durable.discard(directory)
            raise


def is_placed(root: Path, part: Path, path: str) -> bool:
    """Tell whether *path* is another name of *part*: it was placed, and only the ledger does not say so."""
    try:
        ours = part.stat(follow_symlinks=False)
        with opened_parent(root, path) as (directory, name):
            theirs = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, ConflictError):
        return False
    return (ours.st_dev, ours.st_ino) == (theirs.st_dev, theirs.st_ino)


def find_file(
    root: Path, path: str, *, durably: bool = False, heed: Callable[[], None] = lambda: None
) -> Found | None:
    """Return what stands at *path* below *root*, every byte read; None where nothing does.

    Args:
        root: The archive.
        path: Below it.
        durably: Whether to see that bytes and name are on the disk for good: who placed the file may have died
            before that.
        heed: Called between reads; raises to break off.

    Raises:
        ConflictError: It is no plain file, or a link is on the way.
        OSError: It cannot be read.
    """
    try:
        with opened_parent(root, path, durably=durably) as (directory, name):
            found = _read(directory, name, path, durably=durably, heed=heed)
            if durably:
                os.fsync(directory)
            return found
    except FileNotFoundError:
        return None


def size_of(root: Path, path: str) -> int | None:
    """Return the size of the plain file at *path*, None where there is none."""
    try:
        found = look_at(root, path)
    except ConflictError:
        return None
    return None if found is None else _plain_size(found)


def look_at(root: Path, path: str) -> os.stat_result | None:
    """Return what stands at *path*, a link as itself; None where nothing does.

    Raises:
        ConflictError: A link, or something that is no directory, is on the way.
        OSError: It cannot be looked at.
    """
    try:
        with opened_parent(root, path) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _size(directory: int, name: str) -> int | None:
    """Return the size of the plain file *name*, None where there is none."""
    try:
        return _plain_size(os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _plain_size(found: os.stat_result) -> int | None:
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def link_to(part: Path, directory: int, name: str) -> bool:
    """Make *name* mean the part's bytes; False where the name is taken."""
    try:
        os.link(part, name, dst_dir_fd=directory, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as exc:
        if exc.errno not in NO_LINKS:
            raise
        return _rename(part, directory, name)
    return True


def _rename(part: Path, directory: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(part, name, dst_dir_fd=directory)
        return True
    return False


@contextlib.contextmanager
def opened_parent(
    root: Path, path: str, *, made: Callable[[str], None] | None = None, durably: bool = False
) -> Iterator[tuple[int, str]]:
    """Open the directory that *path* is in; yield its descriptor and the last component.

    Args:
        root: The archive.
        path: Below it.
        made: Has directories made that are missing, and is told each of them; None to make none.
        durably: Whether to flush those above: whoever made one of them may have died before it was durable.
    """
    *above, name = path.split("/")
    if not name or any(step in ("", ".", "..") for step in (*above, name)):
        raise ConflictError(f"{path!r} is no path inside the archive")
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for depth, step in enumerate(above, start=1):
            if made is not None and _make(step, directory):
                made("/".join(above[:depth]))
            if durably:
                os.fsync(directory)
            directory = _step(directory, step, path)
        yield directory, name
    finally:
        os.close(directory)


def _make(step: str, directory: int) -> bool:
    """Make a directory below an open one, tell whether it was missing."""
    try:
        os.mkdir(step, dir_fd=directory)
    except FileExistsError:
        return False
    return True


def _step(directory: int, step: str, path: str) -> int:
    """Go from an open directory one down, close the upper one."""
    try:
        below = os.open(step, _DIRECTORY, dir_fd=directory)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.ENOTDIR):
            raise ConflictError(f"{step!r} on the way to {path!r} is a link or no directory") from exc
        raise
    os.close(directory)
    return below


def _read(directory: int, name: str, path: str, *, durably: bool, heed: Callable[[], None] = lambda: None) -> Found:
    if not stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
        raise ConflictError(f"{path!r} is no plain file")
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        digest, size, buffer = hashlib.sha256(), 0, memoryview(bytearray(_BLOCK))
        while count := file.readinto(buffer):
            heed()
            digest.update(buffer[:count])
            size += count
        if durably:
            os.fsync(descriptor)
    return Found(size=size, sha256=digest.hexdigest())
