"""Be the only run of an archive."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import filelock

from fetcher.archive.home import Home
from fetcher.archive.space import disk_errors
from fetcher.domain.errors import ArchiveBusyError
from fetcher.ledger.looking import running_since
from fetcher.report.rows import instant


@contextlib.contextmanager
def hold_archive(home: Home, ledger: Path) -> Iterator[None]:
    """Hold an archive; the kernel frees it whatever ends the process.

    Two locks are taken: a file's, and that of ``.fetcher/`` itself. Somebody may delete the file, taking it for a
    crash's leftover; then the next run would make another one and hold that.

    Args:
        home: The archive.
        ledger: Tells since when another run holds it.

    Raises:
        ArchiveBusyError: Another run does.
        StorageError: The archive cannot be written.
    """
    lock = filelock.FileLock(home.lock, timeout=0, mode=0o600)
    with disk_errors(f"locking {home.root}"), contextlib.ExitStack() as stack:
        try:
            lock.acquire()
            stack.callback(lock.release)
            stack.callback(os.close, _locked(home.dot))
        except (filelock.Timeout, BlockingIOError):
            began_at = instant(running_since(ledger))
            raise ArchiveBusyError(
                f"another run holds {home.root}{f' since {began_at}' if began_at else ''}. "
                "It goes on by itself; run again when it has ended."
            ) from None
        held = stack.pop_all()
    with held:
        yield


def _locked(directory: Path) -> int:
    """Return a descriptor of *directory* that holds its lock, where its file system has locks for directories.

    Raises:
        BlockingIOError: Another process holds it.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # As on NFS, where a lock needs a file open for writing. The file's lock has to do.
        pass
    return descriptor
