"""What the files of an archive tell of themselves, by a sidecar or by their names: for when the ledger is lost."""

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from fetcher.archive.bags import DECLARATION
from fetcher.archive.drafts import is_unfinished
from fetcher.archive.home import DOT
from fetcher.archive.names import SIDECAR, extension_of
from fetcher.archive.placing import look_at
from fetcher.archive.sidecars import read_beside, sidecar_of
from fetcher.domain.errors import ConflictError
from fetcher.domain.identifiers import is_task_id, is_vid
from fetcher.domain.status import Evidence

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MD5: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_INSTANT: Final = "%Y-%m-%dT%H:%M:%SZ"


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
            names, below = _listed(root, above)
        except OSError as exc:
            unread(above or ".", exc.strerror or type(exc).__name__)
            continue
        waiting += below
        for path in names:
            with contextlib.suppress(FileNotFoundError):  # It was taken away meanwhile.
                if (found := _looked_at(root, path)) is not None:
                    yield found


def _listed(root: Path, above: str) -> tuple[list[str], list[str]]:
    """Return the paths of a directory's files and directories."""
    files, directories = [], []
    with os.scandir(root / above) as entries:
        for entry in entries:
            path = f"{above}/{entry.name}" if above else entry.name
            if entry.is_file(follow_symlinks=False):
                if above and entry.name == DECLARATION:
                    return [], []
                if not is_unfinished(entry.name):
                    files.append(path)
            elif entry.is_dir(follow_symlinks=False) and path != DOT and not is_unfinished(entry.name):
                directories.append(path)
    return files, directories


def _looked_at(root: Path, path: str) -> Lying | Lone | None:
    """Return what a file tells; None for a sidecar whose file is there, which comes by itself."""
    if not _is_text(path):
        return Lying(path=path, size=0, stamp="", vid=None, sidecar=None)
    if path.endswith(SIDECAR):
        of = path.removesuffix(SIDECAR)
        sidecar = sidecar_facts(root, of)
        if sidecar is not None:
            return None if _is_there(root, of) else Lone(path=of, vid=sidecar.vid)
    found = os.stat(root / path, follow_symlinks=False)
    sidecar = sidecar_facts(root, path)
    return Lying(
        path=path,
        size=found.st_size,
        stamp=stamp_of(found),
        vid=_vid_of_name(path) if sidecar is None else sidecar.vid,
        sidecar=sidecar,
    )


def sidecar_facts(root: Path, path: str) -> Sidecar | None:
    """Return what the sidecar of a file says, None where there is none, or none of ours."""
    try:
        text = read_beside(root, sidecar_of(path))
        told = msgspec.json.decode(text, type=Sidecar) if text else None
    except (ConflictError, OSError, ValueError, msgspec.MsgspecError, RecursionError):
        return None
    return told if told is not None and _is_sound(told) else None


def instant_of(text: str | None) -> int | None:
    """Return ms UTC of an instant as a row shows it, None for what is none."""
    try:
        moment = datetime.strptime(text or "", _INSTANT).replace(tzinfo=UTC)
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


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
        and told.evidence in set(Evidence)
        and all(is_task_id(one) for one in told.task_ids)
        and all(text is None or (_is_text(text) and "\0" not in text) for text in texts)
    )


def _vid_of_name(path: str) -> str | None:
    """Return the vid after which a file is named, as the layout ``{vid}{ext}`` does."""
    stem, extension = os.path.splitext(path.rpartition("/")[2])
    return stem if is_vid(stem) and extension in (extension_of(f"/a{extension}"), ".bin") else None


def _is_there(root: Path, path: str) -> bool:
    try:
        return look_at(root, path) is not None
    except (ConflictError, OSError):
        return True  # Something is; it is told of by itself where it is a file.


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
