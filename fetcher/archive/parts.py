"""Files on their way: one part per video, and beside it a memo of what it is a part of.

Every incarnation of a part has a name of its own, so that a memo can never come to lie beside other bytes than it
was written for, whatever order a power cut leaves on the disk.

What is sound in a part after a crash: within one boot of the machine all that was written, because the kernel
still has it; after a restart of the machine only what a checkpoint had made durable.
"""

import contextlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiofiles
import msgspec

_FORMAT: Final = 1
_NAME: Final = re.compile(r"(\d{1,19})-([0-9a-f]{8})\.(part|memo)(~?)", re.ASCII)
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


class Part:
    """One growing file."""

    def __init__(self, directory: Path, video_id: int, token: str, memo: Memo | None) -> None:
        self._directory = directory
        self._video_id = video_id
        self._token = token
        self.memo = memo
        """As it stands beside the part, None where there is none."""

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self._directory / f"{self._video_id}-{self._token}.part"

    @property
    def _memo_path(self) -> Path:
        return self._directory / f"{self._video_id}-{self._token}.memo"

    def open(self) -> int:
        """Return a descriptor for reading and writing; the file is made where there is none (0600)."""
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def restart(self) -> None:
        """Begin a new incarnation, drop the old one."""
        self.discard()
        self._token = secrets.token_hex(4)

    def discard(self) -> None:
        """Remove part and memo."""
        self.memo = None
        for path in (self._memo_path, self.path):
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def quarantine(self, directory: Path, name: str) -> Path:
        """Move the bytes to *directory* for a person to look at; return where they are."""
        kept = directory / f"{name}-{self._token}"
        os.rename(self.path, kept)
        self.restart()
        return kept

    def sound_bytes(self) -> int:
        """Return how many bytes from the start can be relied on."""
        if self.memo is None:
            return 0
        try:
            have = self.path.stat().st_size
        except FileNotFoundError:
            return 0
        if self.memo.boot_id and self.memo.boot_id == current_boot_id():
            return have
        return min(have, self.memo.synced)

    async def remember(self, memo: Memo, *, durably: bool = False) -> None:
        """Write *memo* beside the part, replacing the old one in one step."""
        draft, final = f"{self._memo_path}~", self._memo_path
        async with aiofiles.open(draft, "wb", opener=_private) as file:
            await file.write(msgspec.json.encode(memo))
            if durably:
                await file.flush()
                os.fsync(file.fileno())
        os.replace(draft, final)
        self.memo = memo


class Parts:
    """All parts of an archive. Used by the one run that holds the archive's lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._found: dict[int, Part] = {}

    async def scan(self) -> None:
        """Find the parts that earlier runs left; drop what cannot be gone on with.

        Only files that bear a name of ours are touched.
        """
        names = [name for name in os.listdir(self._directory) if _NAME.fullmatch(name)]
        memos = {name for name in names if name.endswith(".memo")}
        for name in names:
            stem, _, kind = name.partition(".")
            has_other_half = kind == "part" and f"{stem}.memo" in memos
            if has_other_half or (kind == "memo" and f"{stem}.part" in names):
                continue
            await self._sort_out(name)
        for name in memos:
            await self._adopt(name)

    async def _sort_out(self, name: str) -> None:
        """A part without a memo is of use only where it has a final name too."""
        piece, path = _NAME.fullmatch(name), self._directory / name
        if name.endswith(".part") and path.lstat().st_nlink > 1 and piece is not None:
            self._found[int(piece[1])] = Part(self._directory, int(piece[1]), piece[2], None)
        elif not name.endswith(".memo"):
            path.unlink()

    def ids(self) -> list[int]:
        """Return the ids of the videos that have a part or a memo."""
        return list(self._found)

    def take(self, video_id: int) -> Part:
        """Return the part of a video, a new one where there is none."""
        known = self._found.pop(video_id, None)
        return known or Part(self._directory, video_id, secrets.token_hex(4), None)

    def keep(self, video_id: int, part: Part) -> None:
        """Note that *part* stays: for a later try, or until the ledger says ``done``."""
        self._found[video_id] = part

    def drop(self, video_id: int) -> None:
        """Remove a video's part, if it has one."""
        part = self._found.pop(video_id, None)
        if part is not None:
            part.discard()

    async def _adopt(self, name: str) -> None:
        piece = _NAME.fullmatch(name)
        if piece is None:
            return
        part = Part(self._directory, int(piece[1]), piece[2], await _read_memo(self._directory / name))
        if part.memo is None or int(piece[1]) in self._found:
            part.discard()
        else:
            self._found[int(piece[1])] = part


async def _read_memo(path: Path) -> Memo | None:
    async with aiofiles.open(path, "rb") as file:
        text = await file.read()
    try:
        memo = msgspec.json.decode(text, type=Memo)
    except msgspec.DecodeError:
        return None
    return memo if memo.format == _FORMAT else None


def current_boot_id() -> str:
    """Return what tells this boot of the machine from others, '' where nothing does.

    Source: random(4), /proc/sys/kernel/random/boot_id.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
