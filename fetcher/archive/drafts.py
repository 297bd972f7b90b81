"""Make something whole under another name first, then give it its own: a killed process leaves no half of it.

What is made lies beside its place as ``.{name}.fetcher-unfinished``, held by a lock for as long as its process
lives. Nobody else gives that name, so the next one that makes the same takes away what a killed one left.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from fetcher.domain.errors import DiskFullError, StorageError, UsageError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNFINISHED: Final = ".fetcher-unfinished"
_OPENING: Final = 4096
"""Bytes by which an earlier one is known."""


def is_unfinished(name: str) -> bool:
    """Tell whether a name is that of something which is being made, or was when its process was killed."""
    return name.endswith(_UNFINISHED)


@contextlib.contextmanager
def whole_file(to: Path, *, may_replace: Callable[[bytes], bool]) -> Iterator[BinaryIO]:
    """Yield a file to write, which is called *to* when the block has ended without an error, and durable by then.

    Its mode is what the umask leaves of 0666.

    Args:
        to: Its name. A link there is not followed.
        may_replace: Tells by its first bytes whether a plain file that is there already may be replaced.

    Raises:
        UsageError: Something else is there, or nothing can be written there.
        StorageError: The disk.
    """
    _require_replaceable(to, may_replace)
    draft = _draft_of(to)
    with _told(to), _taken_away_unless_named(draft):
        with contextlib.ExitStack() as opened:
            descriptor = _held_file(draft, to, opened)
            with os.fdopen(descriptor, "wb", buffering=1 << 20, closefd=False) as file:
                yield file
            os.fsync(descriptor)
            _require_replaceable(to, may_replace)
            os.rename(draft, to)
        sync_directory(to.parent)


@contextlib.contextmanager
def whole_directory(to: Path) -> Iterator[Path]:
    """Yield a directory to fill, which is called *to* when the block has ended without an error.

    All directories in it are made durable before; the files in it are the caller's to flush.

    Raises:
        UsageError: Something is there already, or nothing can be made there.
        StorageError: The disk.
    """
    _require_nothing(to)
    draft = _draft_of(to)
    with _told(to), _taken_away_unless_named(draft):
        with contextlib.ExitStack() as opened:
            _hold_directory(draft, to, opened)
            yield draft
            _sync_tree(draft)
            _require_nothing(to)
            os.rename(draft, to)
        sync_directory(to.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in *directory* durable."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft_of(to: Path) -> Path:
    return to.with_name(f".{to.name}{_UNFINISHED}")


def _require_nothing(to: Path) -> None:
    if os.path.lexists(to):
        raise UsageError(f"{to} is there already. Nothing was changed; choose another name.")


def _require_replaceable(to: Path, may_replace: Callable[[bytes], bool]) -> None:
    """See that nothing is lost by a file's becoming *to*."""
    try:
        descriptor = os.open(to, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as exc:
        why = "is a link" if exc.errno == errno.ELOOP else f"cannot be read ({exc.strerror})"
        raise UsageError(f"{to} {why}. Nothing was changed; choose another name.") from exc
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UsageError(f"{to} is no plain file. Nothing was changed; choose another name.")
        if not may_replace(os.read(descriptor, _OPENING)):
            raise UsageError(
                f"{to} is there already, and is no earlier one of this format. Nothing was changed; "
                "choose another name, or remove it."
            )
    finally:
        os.close(descriptor)


def _held_file(draft: Path, to: Path, opened: contextlib.ExitStack) -> int:
    """Return a descriptor of an empty file that nobody else writes and that has no second name."""
    while True:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = _held(os.open(draft, flags, 0o666), to, opened)
        if _is_named(descriptor, draft):
            os.ftruncate(descriptor, 0)
            return descriptor
        opened.close()  # Whoever held it has given it its name meanwhile.


def _hold_directory(draft: Path, to: Path, opened: contextlib.ExitStack) -> None:
    """Make an empty directory that nobody else fills."""
    while True:
        with contextlib.suppress(FileExistsError):
            os.mkdir(draft)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = _held(os.open(draft, flags), to, opened)
        except FileNotFoundError:
            continue  # Another process found it without a holder, and took it away.
        is_named = _is_named(descriptor, draft)
        if is_named and not os.listdir(descriptor):
            return
        if is_named:
            shutil.rmtree(draft)  # Of one that was killed.
        opened.close()


def _held(descriptor: int, to: Path, opened: contextlib.ExitStack) -> int:
    """Return *descriptor*, which holds its draft until *opened* closes it."""
    opened.callback(os.close, descriptor)
    _hold(descriptor, to)
    return descriptor


@contextlib.contextmanager
def _taken_away_unless_named(draft: Path) -> Iterator[None]:
    """Leave no draft where the block does not end well. It is to begin before there is one: so does Ctrl-C."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError, UsageError):
            _take_away(draft)
        raise


def _take_away(draft: Path) -> None:
    """Remove a draft that no process holds.

    Raises:
        UsageError: One does.
    """
    descriptor = os.open(draft, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _hold(descriptor, draft)
        if not _is_named(descriptor, draft):
            return
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            shutil.rmtree(draft, ignore_errors=True)
        else:
            draft.unlink()
    finally:
        os.close(descriptor)


def _hold(descriptor: int, to: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UsageError(f"{to} is being made by another process. Wait for that, or choose another name.") from None


def _is_named(descriptor: int, draft: Path) -> bool:
    try:
        named = os.lstat(draft)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), named)


def _sync_tree(root: Path) -> None:
    waiting = [root]
    while waiting:
        directory = waiting.pop()
        with os.scandir(directory) as entries:
            waiting += [Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)]
        sync_directory(directory)


@contextlib.contextmanager
def _told(to: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours."""
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise DiskFullError(f"no room to write {to}. Make room, or choose another place.") from exc
        if exc.errno == errno.EIO:
            raise StorageError(f"{to} cannot be written: {exc.strerror}. Look at its disk.") from exc
        raise UsageError(f"{to} cannot be written: {exc.strerror}. Choose another name.") from exc
