"""Memos: what a part is a part of, in a little file beside it."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

_FORMAT: Final = 1
_LONGEST: Final = 65536
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Memo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a part is a part of. Holds no link."""

    format: int = _FORMAT
    """Of this memo; a part with a memo of another format is begun anew."""
    vid: str
    size: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    announced: Mapping[str, str] = {}
    boot_id: str = ""
    """The boot of the machine in which the part's bytes were written."""
    synced: int = 0
    """Bytes that are durable whatever happens."""
    sha256: str | None = None
    """Of the complete, verified part; None while it grows."""


def read_memo(path: str | Path) -> Memo | None:
    """Return a memo, None where it is torn, of another format, or no plain little file at all."""
    try:
        descriptor = _unfollowed(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:  # No file object: one of a directory cannot be made.
        is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return _decoded(os.read(descriptor, _LONGEST)) if is_plain else None
    except OSError:
        return None
    finally:
        os.close(descriptor)


def current_boot_id() -> str:
    """Return what tells this boot of the machine from others, '' where nothing does.

    Source: random(4), /proc/sys/kernel/random/boot_id.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _decoded(text: bytes) -> Memo | None:
    """Return the memo that a file holds, None where it is torn or of another format."""
    try:
        memo = msgspec.json.decode(text, type=Memo)
    except (ValueError, msgspec.MsgspecError):
        return None
    return memo if memo.format == _FORMAT else None


def _unfollowed(path: str | Path, flags: int) -> int:
    """Open *path* where it is no link; nothing waits at the other end of a fifo."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
