"""A verification on a terminal: a bar of bytes and a line at the end; and a terminal that is held holds no work."""

import os
import pty
import select
import signal
import subprocess
import termios
import time
from typing import Final

import pytest
from archive_case import FETCHER, ArchiveCase
from verify_cases import add_sparse, stocked, verified_at

_LONG: Final = 1 << 40
"""Bytes that nobody reads in the time of a test."""


def _started(case: ArchiveCase, theirs: int, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [FETCHER, *options, "verify", "--jobs", "1"],
        env={**case.environ, "TERM": "xterm"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )


def _said(ours: int, *, until: bytes, patience_s: float = 20) -> bytes:
    """Return what comes on a terminal until *until* does, or no more."""
    said, give_up_at = b"", time.monotonic() + patience_s
    while until not in said and time.monotonic() < give_up_at:
        if select.select([ours], [], [], 0.1)[0]:
            said += os.read(ours, 4096)
    return said


def test_bytes_are_shown_while_they_are_read_and_a_line_at_the_end(case: ArchiveCase) -> None:
    stocked(case, 3)
    add_sparse(case, _LONG, at=9000)
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with _started(case, theirs) as running:
        shown = _said(ours, until=b"/1.00T [")
        running.send_signal(signal.SIGINT)
        line = _said(ours, until=b"exit code 130")
        assert (130, b"") == (running.wait(10), running.stdout.read() if running.stdout else None)
    os.close(ours)
    os.close(theirs)

    assert b"/1.00T [" in shown
    assert b"not all was verified; exit code 130" in line


def test_nothing_is_shown_where_that_is_not_wanted(case: ArchiveCase) -> None:
    stocked(case, 3)
    ours, theirs = pty.openpty()
    with _started(case, theirs, "-q") as running:
        assert 0 == running.wait(20)
    assert b"" == _said(ours, until=b"anything", patience_s=0.3)
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("signals", [1, 2])
def test_f97_a_terminal_that_is_held_holds_what_is_shown_and_not_the_work(case: ArchiveCase, signals: int) -> None:
    """Ctrl-S, and SIGTERM ends it in order all the same; a second one does not wait for that."""
    vids = stocked(case, 3)
    add_sparse(case, _LONG, at=9000)
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    with _started(case, theirs) as running:
        while {vid for vid, at in verified_at(case).items() if at > 9000} != set(vids):
            assert running.poll() is None
            time.sleep(0.02)
        for _ in range(signals):
            running.send_signal(signal.SIGTERM)
        assert 143 == running.wait(20)
    os.close(ours)
    os.close(theirs)
