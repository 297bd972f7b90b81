"""What the files of an archive tell of themselves, by a sidecar or by their names: for when the ledger is lost."""

import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from fetcher.archive.bags import is_bag
from fetcher.archive.drafts import is_unfinished
from fetcher.archive.home import DOT
from fetcher.archive.names import SIDECAR, extension_of
from fetcher.archive.placing import look_at, size_of
from fetcher.archive.sidecars import read_beside, sidecar_of
from fetcher.domain.errors import ConflictError
from fetcher.domain.identifiers import is_task_id, is_vid
from fetcher.domain.status import Evidence

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MD5: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_EVIDENCE: Final = frozenset(one.value for one in Evidence)


class Sidecar(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a sidecar of ours. Instants are ISO 8601 there, as in a listed row."""

    vid: str
    path: str
    """Where the file was when this was written, below the archive."""
    size: int
    sha256: str
    md5: str | None = None
    crc64: str | None = None
    evidence: str = Evidence.NONE.value
    title: str | None = None
    category: str | None = None
    created_at: str | None = None
    done_at: str | None = None
    task_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Lying:
    """A file as it lies in the archive."""

    path: str
    """Below it."""
    size: int
    stamp: str
    """Differs when somebody wrote to the file, or put another in its place."""
    vid: str | None
    """By its sidecar, else by its name; None where neither tells."""
    sidecar: Sidecar | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """A sidecar of ours whose file is gone."""

    path: str
    """Of the file, below the archive."""
    vid: str


def lying_files(root: Path, unread: Callable[[str, str], None]) -> Iterator[Lying | Lone]:
    """Yield every plain file of the archive, sidecars with their files. No link is followed, and no bag entered.

    Args:
        root: The archive.
        unread: Called with the path of a directory that cannot be read, and why.
    """
    waiting = [""]
    while waiting:
        above = waiting.pop()
        try:
            with os.scandir(root / above) as entries:
                if not above or not is_bag(root, above):
                    yield from _met(root, above, entries, waiting, unread)
        except OSError as exc:
            unread(above or ".", exc.strerror or type(exc).__name__)


def _met(
    root: Path,
    above: str,
    entries: Iterable[os.DirEntry[str]],
    waiting: list[str],
    unread: Callable[[str, str], None],
) -> Iterator[Lying | Lone]:
    """Yield what a directory's files tell; those below it are to wait."""
    for entry in entries:
        path = f"{above}/{entry.name}" if above else entry.name
        if is_unfinished(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False) and path != DOT:
            waiting.append(path)
        elif entry.is_file(follow_symlinks=False):
            try:
                yield from _looked_at(root, path)
            except FileNotFoundError:
                continue  # It was taken away meanwhile.
            except OSError as exc:
                unread(path, exc.strerror or type(exc).__name__)


def _looked_at(root: Path, path: str) -> Iterator[Lying | Lone]:
    """Yield what a file tells; what stands beside it as a sidecar comes with it, and tells nothing by itself."""
    if not _is_text(path):
        yield _stranger(path)
        return
    if path.endswith(SIDECAR):
        of = path.removesuffix(SIDECAR)
        if _is_plain(root, of):
            return
        alone, _ = _beside(root, of)
        if alone is not None:
            yield Lone(path=of, vid=alone.vid)
            return
    found = os.stat(root / path, follow_symlinks=False)
    sidecar, is_others = _beside(root, path)
    if is_others:
        yield _stranger(path + SIDECAR)
    yield Lying(
        path=path,
        size=found.st_size,
        stamp=stamp_of(found),
        vid=vid_of_name(path) if sidecar is None else sidecar.vid,
        sidecar=sidecar,
    )


def _stranger(path: str) -> Lying:
    return Lying(path=path, size=0, stamp="", vid=None, sidecar=None)


def _beside(root: Path, path: str) -> tuple[Sidecar | None, bool]:
    """Return what the sidecar of a file says, None where none of ours is; and whether others' file is there.

    Raises:
        OSError: It cannot be read. What the file has to be is not known then, whatever its name is.
    """
    try:
        text = read_beside(root, sidecar_of(path))
    except ConflictError:
        return None, False
    except FileNotFoundError:
        raise
    except OSError as exc:
        if exc.errno == errno.ENAMETOOLONG:
            return None, False
        raise OSError(exc.errno, f"its sidecar cannot be read: {exc.strerror}") from exc
    if not text:  # What is no plain file is nobody's to tell of.
        return None, text is not None and _is_plain(root, sidecar_of(path))
    try:
        told = msgspec.json.decode(text, type=Sidecar)
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return None, True
    return (told, False) if _is_sound(told) else (None, True)


def instant_of(text: str | None) -> int | None:
    """Return ms UTC of an instant as a row shows it, None for what is none."""
    if text is None or not _INSTANT.fullmatch(text):
        return None
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return None


def is_as_read(root: Path, path: str, stamp: str) -> bool:
    """Tell whether the file at *path* is still the one with that *stamp*. One that got another name, too, is."""
    try:
        found = look_at(root, path)
    except (ConflictError, OSError):
        return False
    return found is not None and _written(stamp_of(found)) == _written(stamp)


def _written(stamp: str) -> str:
    """Return the part of a stamp that only writing to the file changes."""
    return stamp.rpartition(":")[0]


def stamp_of(found: os.stat_result) -> str:
    """Return what differs when a file was written to, or is another."""
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _is_sound(told: Sidecar) -> bool:
    """Tell whether a ledger could have said it."""
    texts = (told.vid, told.path, told.title, told.category, told.crc64)
    return (
        is_vid(told.vid)
        and told.size >= 0
        and _SHA256.fullmatch(told.sha256) is not None
        and (told.md5 is None or _MD5.fullmatch(told.md5) is not None)
        and told.evidence in _EVIDENCE
        and all(is_task_id(one) for one in told.task_ids)
        and all(text is None or (_is_text(text) and "\0" not in text) for text in texts)
    )


def vid_of_name(path: str) -> str | None:
    """Return the vid after which a file is named, as the layout ``{vid}{ext}`` does."""
    stem, extension = os.path.splitext(path.rpartition("/")[2])
    return stem if is_vid(stem) and extension in (extension_of(f"/a{extension}"), ".bin") else None


def _is_plain(root: Path, path: str) -> bool:
    return size_of(root, path) is not None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
