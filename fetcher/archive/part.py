"""A file on its way, and beside it a memo of what it is a part of.

Every incarnation of a part has a name of its own, so that a memo can never come to lie beside other bytes than it
was written for, whatever order a power cut leaves on the disk.

What is sound in a part after a crash: within one boot of the machine all that was written, because the kernel
still has it; after a restart of the machine only what a checkpoint had made durable.
"""

import asyncio
import contextlib
import os
import random
import stat
import threading
from pathlib import Path

import msgspec

from fetcher.archive.memos import Memo, current_boot_id
from fetcher.archive.quarantine import keep_apart


class Part:
    """One growing file.

    It is the event loop's, but while a thread fetches it (``downloader/attempt.py``): from the beginning of that to
    its end the file and its names are the thread's, which calls ``sound_bytes``, ``open`` and ``restart``.
    Meanwhile the loop calls ``remember`` alone, for the incarnation that the thread told it of; and ``restart``
    where what has come cannot be made durable, when it has told the thread to give up. The lock keeps the two
    apart: no memo comes to lie beside a part that was just begun anew. All else (``restart_if_shared``,
    ``quarantine``, ``discard``) is the loop's, before the thread has begun or after it has ended; it waits while
    another thread does what takes long.
    """

    def __init__(
        self, directory: Path, video_id: int, token: str, memo: Memo | None, *, is_new: bool = False
    ) -> None:
        self._directory = directory
        self._video_id = video_id
        self._token = token
        self._lock = threading.Lock()
        self.memo = memo
        """As it stands beside the part, None where there is none."""
        self.is_new = is_new
        """Whether nothing of it is on the disk yet."""
        self._may_have_memo = not is_new
        self.path = self._path_of("part")
        """Where the bytes are."""

    @classmethod
    def new(cls, directory: Path, video_id: int) -> "Part":
        """Return the part of a video of which nothing has come."""
        return cls(directory, video_id, _new_token(), None, is_new=True)

    @property
    def video_id(self) -> int:
        """Whose part it is."""
        return self._video_id

    @property
    def vid(self) -> str | None:
        """What its memo says whose part it is, None without a memo."""
        return None if self.memo is None else self.memo.vid

    @property
    def incarnation(self) -> str:
        """What tells this part from those of the same video before and after it."""
        return self._token

    def _path_of(self, kind: str) -> Path:
        return self._directory / f"{self._video_id}-{self._token}.{kind}"

    def is_plain(self) -> bool:
        """Tell whether the part is a plain file, or none yet."""
        try:
            return stat.S_ISREG(self.path.lstat().st_mode)
        except FileNotFoundError:
            return True

    def open(self) -> int:
        """Return a descriptor for reading and writing; the file is made where there is none.

        Its mode is what the umask leaves of 0666, for it becomes the finished file; until then the directory of the
        parts (0700) keeps others out.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        if self.is_new:  # Nobody else can have made it; if somebody did, it is not gone on with.
            flags |= os.O_EXCL
            self.is_new = False
        return os.open(self.path, flags, 0o666)

    def restart(self) -> None:
        """Begin a new incarnation, drop the old one."""
        with self._lock:
            self._drop_files()
            self._token = _new_token()
            self.is_new = True
            self.path = self._path_of("part")

    def renumber(self, video_id: int) -> None:
        """Give part and memo the names of the same video under another number."""
        with self._lock:
            before = {kind: self._path_of(kind) for kind in ("part", "memo")}
            self._video_id = video_id
            for kind, path in before.items():
                with contextlib.suppress(FileNotFoundError):
                    os.rename(path, self._path_of(kind))
            self.path = self._path_of("part")

    def restart_if_shared(self) -> None:
        """Begin anew where the bytes have another name too: they may be somebody's finished file."""
        if self.is_new:
            return
        with contextlib.suppress(FileNotFoundError):
            if self.path.lstat().st_nlink > 1:
                self.restart()

    def discard(self) -> None:
        """Remove part and memo."""
        with self._lock:
            self._drop_files()

    def _drop_files(self) -> None:
        self.memo = None
        if self._may_have_memo:
            with contextlib.suppress(FileNotFoundError):
                self._path_of("memo").unlink()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def quarantine(self, directory: Path, name: str, *, copy: str | None = None) -> Path:
        """Move the bytes to *directory* for a person to look at; return where they are.

        Args:
            directory: Made where there is none.
            name: Of the video; what tells this copy from others comes behind it.
            copy: That, where the same bytes are to be kept once only; None for a name that no other has.

        Raises:
            OSError: The disk; the part stays.
        """
        kept = directory / f"{name}-{self._token if copy is None else copy}"
        if copy is None or not _are_as_large(self.path, kept):
            kept = keep_apart(self.path, kept)
        self.restart()
        return kept

    def sound_bytes(self) -> int:
        """Return how many bytes from the start can be relied on."""
        if self.memo is None:
            return 0
        try:
            found = self.path.lstat()
        except FileNotFoundError:
            return 0
        have, size = found.st_size, self.memo.size
        if not stat.S_ISREG(found.st_mode) or (size is not None and have > size):
            return 0
        if self.memo.boot_id and self.memo.boot_id == current_boot_id():
            return have
        return max(0, min(have, self.memo.synced))

    async def remember(self, memo: Memo, *, incarnation: str, durably: bool = False) -> None:
        """Write *memo* beside the part, replacing the old one in one step.

        Args:
            memo: What to write.
            incarnation: Which of the parts it is about; nothing is kept where that one is gone.
            durably: Whether it has to be on the disk for good.
        """
        final = self._directory / f"{self._video_id}-{incarnation}.memo"
        draft = f"{final}~"
        import aiofiles  # noqa: PLC0415 - a run without a part on its way has no memo to write

        async with aiofiles.open(draft, "wb", opener=_private) as file:
            await file.write(msgspec.json.encode(memo))
            if durably:
                await file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())
        with self._lock:
            if incarnation != self._token:
                os.unlink(draft)
                return
            self._may_have_memo = True
            os.replace(draft, final)
            self.memo = memo


def _are_as_large(path: Path, other: Path) -> bool:
    """Tell whether the two are plain files of one size."""
    try:
        found, there = path.lstat(), other.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(there.st_mode) and found.st_size == there.st_size


def _new_token() -> str:
    """Return what tells an incarnation from others. No secret: asking the kernel each time holds everybody up."""
    return f"{random.getrandbits(32):08x}"


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
