"""Make a bag of finished files, as archivists hand them on: the files themselves by hard link, not a byte copied.

A finished file's bytes are never changed in place: one that is fetched again is another file under the same name.
So what a bag holds stays as its manifests say, whatever the archive does.

Source: RFC 8493, The BagIt File Packaging Format (V1.0).
"""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fetcher.archive.drafts import whole_directory
from fetcher.archive.placing import opened_parent
from fetcher.domain.errors import ConflictError, UsageError

DECLARATION: Final = "bagit.txt"
"""A directory with this file is a bag."""
ROWS: Final = "videos.jsonl"
"""A tag file of ours: what is known of each file."""
_PAYLOAD: Final = "data"
_ESCAPES: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})


def is_bag(root: Path, path: str) -> bool:
    """Tell whether a directory below the archive is a bag, whoever made it: it stands for itself.

    Raises:
        OSError: The disk.
    """
    try:
        return stat.S_ISREG(os.stat(root / path / DECLARATION, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One finished file that is to be in the bag."""

    path: str
    """Below the archive."""
    size: int
    sha256: str
    md5: str | None
    row: bytes
    """What is known of it, one line of JSON."""


@dataclass(slots=True, kw_only=True)
class Bagged:
    """What is in a bag."""

    files: int = 0
    bytes: int = 0
    left_out: int = 0
    without_md5: int = 0
    with_percent: int = 0
    """Files whose names in the manifests some programs misread: bagit 1.9 for Python decodes no %25."""


class TagFile:
    """A file that is written and summed at once, and durable when it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = open(path, "xb", buffering=1 << 20)  # noqa: SIM115 - it is closed by the block of its own
        self._digest = hashlib.sha256()

    def write(self, text: bytes) -> None:
        """Write some bytes."""
        self._file.write(text)
        self._digest.update(text)

    @property
    def line(self) -> bytes:
        """The file's line in the manifest of tag files."""
        return f"{self._digest.hexdigest()}  {self._path.name}\n".encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._file:
            if error is None:
                self._file.flush()
                os.fsync(self._file.fileno())


def make_bag(
    root: Path,
    to: Path,
    payload: Iterable[Payload],
    *,
    about: Mapping[str, str],
    tell: Callable[[str, str], None],
) -> Bagged:
    """Make the bag *to*, whole or not at all.

    Args:
        root: The archive, on the same file system.
        to: A directory that is not there yet.
        payload: What is to be in it. A file that is gone or of another size is left out.
        about: Lines of ``bag-info.txt``, beside ``Payload-Oxum``.
        tell: Called with the path of what is left out, and why.

    Raises:
        UsageError: Something is there already, or hard links from the archive to there are not possible.
        StorageError: The disk.
    """
    with whole_directory(to) as draft:
        tags = [_tag(draft, DECLARATION, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")]
        os.mkdir(draft / _PAYLOAD)
        with (
            TagFile(draft / "manifest-sha256.txt") as sha256,
            TagFile(draft / "manifest-md5.txt") as md5,
            TagFile(draft / ROWS) as rows,
            contextlib.closing(_Filling(root, draft / _PAYLOAD, tell)) as filling,
        ):
            made = _fill(filling, payload, sha256, md5, rows)
        tags += [sha256.line, rows.line]
        if made.without_md5 or not made.files:  # A manifest has to name every file of the payload.
            os.unlink(draft / "manifest-md5.txt")
        else:
            tags.append(md5.line)
        known = {**about, "Payload-Oxum": f"{made.bytes}.{made.files}"}
        tags.append(_tag(draft, "bag-info.txt", "".join(f"{name}: {value}\n" for name, value in known.items())))
        _tag(draft, "tagmanifest-sha256.txt", b"".join(tags).decode())
    return made


def manifest_path(path: str) -> str:
    """Return a payload file's path as it stands in a manifest. Source: RFC 8493, 2.1.3."""
    return f"{_PAYLOAD}/{path.translate(_ESCAPES)}"


def _tag(draft: Path, name: str, text: str) -> bytes:
    with TagFile(draft / name) as file:
        file.write(text.encode())
    return file.line


class _Parent:
    """The directory of the file that came last, kept open: most often the next one's is the same."""

    def __init__(self, root: Path, made: Callable[[str], None] | None = None) -> None:
        self._root = root
        self._made = made
        self._above: str | None = None
        self._opened = contextlib.ExitStack()
        self._descriptor = -1

    def of(self, path: str) -> tuple[int, str]:
        """Return the open directory that *path* is in, and its last component."""
        above, _, name = path.rpartition("/")
        if above != self._above:
            self.close()
            self._descriptor, name = self._opened.enter_context(opened_parent(self._root, path, made=self._made))
            self._above = above
        return self._descriptor, name

    def close(self) -> None:
        """Close it."""
        self._above = None
        self._opened.close()


class _Filling:
    """Links finished files into a bag that is being made."""

    def __init__(self, root: Path, data: Path, tell: Callable[[str, str], None]) -> None:
        self._source = _Parent(root)
        self._target = _Parent(data, made=lambda _: None)
        self._tell = tell

    def takes(self, file: Payload) -> bool:
        """Link one file; False where it is not as it has to be, which was told then."""
        try:
            source, name = self._source.of(file.path)
            why = _difference(os.stat(name, dir_fd=source, follow_symlinks=False), file.size)
        except FileNotFoundError:
            why = "the file is gone"
        except (ConflictError, OSError) as exc:
            why = str(exc)
        if why is None:
            why = self._link(source, file)
        if why is not None:
            self._tell(file.path, why)
        return why is None

    def _link(self, source: int, file: Payload) -> str | None:
        """Link a file from an open directory; what was looked at there and what is linked could be two files."""
        target, name = self._target.of(file.path)
        try:
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except OSError as exc:
            raise _refusal(exc) from exc
        why = _difference(os.stat(name, dir_fd=target, follow_symlinks=False), file.size)
        if why is not None:
            os.unlink(name, dir_fd=target)
        return why

    def close(self) -> None:
        """Close what is open."""
        self._source.close()
        self._target.close()


def _fill(filling: _Filling, payload: Iterable[Payload], sha256: TagFile, md5: TagFile, rows: TagFile) -> Bagged:
    made = Bagged()
    for file in payload:
        if not filling.takes(file):
            made.left_out += 1
            continue
        name = manifest_path(file.path)
        sha256.write(f"{file.sha256}  {name}\n".encode())
        if file.md5 is None:
            made.without_md5 += 1
        else:
            md5.write(f"{file.md5}  {name}\n".encode())
        rows.write(file.row + b"\n")
        made.files += 1
        made.bytes += file.size
        made.with_percent += "%" in file.path
    return made


def _difference(found: os.stat_result, size: int) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return "no plain file stands there"
    if found.st_size != size:
        return f"{found.st_size} bytes instead of {size}"
    return None


def _refusal(error: OSError) -> Exception:
    """Return what to raise where a hard link is refused."""
    if error.errno == errno.EXDEV:
        return UsageError(
            "the bag would be on another file system than the archive, and its files are hard links. "
            "Name a place on the archive's own, and copy the bag from there."
        )
    if error.errno in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
        return UsageError(
            "the archive's file system refuses hard links, of which a bag is made. "
            "Use --format sha256sum, and let a program that copies make the bag."
        )
    return error
