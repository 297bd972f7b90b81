"""Put what is known of a finished file beside it: ``{name}.json``, whole or not there at all, never over another.

A sidecar is made under another name, flushed, and then named, as the file itself was. What stands under its name
already is replaced only where it says that it is the same video's.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from fetcher.archive.home import DOT
from fetcher.archive.names import SIDECAR
from fetcher.archive.placing import link_to, look_at, opened_parent
from fetcher.domain.errors import ConflictError

_LONGEST: Final = 65_536
"""Bytes; what is longer is none of ours."""


class _Whose(msgspec.Struct):
    """The little of a sidecar by which it is known."""

    vid: str


def sidecar_of(path: str) -> str:
    """Return the path of a finished file's sidecar; both below the archive."""
    return path + SIDECAR


def has_sidecar(root: Path, path: str) -> bool:
    """Tell whether something stands where a finished file's sidecar belongs, whosever it is."""
    try:
        return look_at(root, sidecar_of(path)) is not None
    except (ConflictError, OSError):
        return True  # There is no writing it, and that was said when it was tried.


def write_sidecars(root: Path, texts: Mapping[str, tuple[str, bytes]]) -> dict[str, str]:
    """Write sidecars, and make their names durable together.

    Only the one run that holds the archive may do so.

    Args:
        root: The archive.
        texts: By the path of the finished file below it: the vid, and the sidecar's text.

    Returns:
        By that path why some could not be written.
    """
    failed: dict[str, str] = {}
    directories: set[str] = set()
    for path, (vid, text) in texts.items():
        try:
            if _write(root, sidecar_of(path), vid=vid, text=text):
                directories.add(path.rpartition("/")[0])
        except ConflictError as exc:
            failed[path] = str(exc)
        except OSError as exc:
            failed[path] = exc.strerror or type(exc).__name__
    for directory in directories:
        with (
            contextlib.suppress(OSError, ConflictError),
            opened_parent(root, f"{directory}/-".lstrip("/")) as opened,
        ):
            os.fsync(opened[0])
    return failed


def move_sidecar(root: Path, before: str, after: str, *, vid: str, text: bytes) -> str | None:
    """Write a video's sidecar beside its file's new place, and remove the one in the old place.

    Where neither has one of this video's, none is written.

    Args:
        root: The archive, whose lock is held.
        before: Where the file was, below the archive.
        after: Where it is now.
        vid: Of the video.
        text: What the sidecar is to say.

    Returns:
        Why one of the two could not be done, None where all is as it should be.
    """
    if not (_is_own(root, sidecar_of(before), vid) or _is_own(root, sidecar_of(after), vid)):
        return None
    if failed := write_sidecars(root, {after: (vid, text)}):
        return failed[after]
    try:
        _remove_own(root, sidecar_of(before), vid)
    except OSError as exc:
        return f"the one in the old place stays: {exc.strerror}"
    return None


def _is_own(root: Path, path: str, vid: str) -> bool:
    with contextlib.suppress(ConflictError, OSError):
        return _is_of(read_beside(root, path) or b"", vid)
    return False


def _remove_own(root: Path, path: str, vid: str) -> None:
    if _is_own(root, path, vid):
        with opened_parent(root, path) as (directory, name):
            os.unlink(name, dir_fd=directory)


def _write(root: Path, path: str, *, vid: str, text: bytes) -> bool:
    """Write one sidecar; return whether its name is new or means other bytes than before.

    Raises:
        ConflictError: Something else stands there, or a link is on the way. It is kept.
        OSError: The disk, or the finished file's directory is gone.
    """
    with opened_parent(root, path) as (directory, name):
        there = _read(directory, name)
        if there == text:
            return False
        if there is not None and not _is_of(there, vid):
            raise ConflictError(f"something else stands at {path!r}; it is kept")
        draft = root / DOT / "sidecar~"
        try:
            _draft(draft, text)
            if there is not None:
                os.rename(draft, name, dst_dir_fd=directory)
            elif not link_to(draft, directory, name):
                raise ConflictError(f"something else stands at {path!r}; it is kept")
        finally:
            draft.unlink(missing_ok=True)
    return True


def _draft(draft: Path, text: bytes) -> None:
    """Write *text* durably to a new file: what a killed run left may have a second name by now."""
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _read(directory: int, name: str) -> bytes | None:
    """Return the beginning of a plain file, b'' for what is none, None where nothing stands there."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if not stat.S_ISREG(found.st_mode):
            return b""
        with open(name, "rb", opener=lambda path, flags: _unfollowed(path, flags, directory)) as file:
            return file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None


def _unfollowed(name: str, flags: int, directory: int) -> int:
    """Open *name* in an open directory where it is no link; nothing waits at the other end of a fifo."""
    return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)


def _is_of(text: bytes, vid: str) -> bool:
    try:
        return msgspec.json.decode(text, type=_Whose).vid == vid
    except (ValueError, msgspec.MsgspecError, RecursionError):
        return False


def read_beside(root: Path, path: str) -> bytes | None:
    """Return what stands at a sidecar's *path*: b'' for what is no plain little file, None where nothing does.

    Raises:
        ConflictError: A link is on the way.
        OSError: It cannot be read.
    """
    with opened_parent(root, path) as (directory, name):
        text = _read(directory, name)
    return b"" if text is not None and len(text) > _LONGEST else text
