"""Nobody reads what is said: a pager that waits, a log shipper that hangs, a terminal that is held."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from archive_case import FETCHER, ArchiveCase

from fetcher.simulator.faults import Fault


@contextmanager
def _started(case: ArchiveCase, *, stderr: int, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a run that says much; it is gone afterwards."""
    running = subprocess.Popen([FETCHER, "-vv", "sync"], env={**case.environ, **environ}, cwd="/", stderr=stderr)
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def test_a_run_whose_stderr_nobody_reads_does_its_work(case: ArchiveCase) -> None:
    """F97: a full pipe; whoever reads it late is told all the same."""
    videos = [case.simulator.library.add_video(size=1000) for _ in range(40)]
    case.add(*videos)
    ours, theirs = os.pipe()
    fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
    with _started(case, stderr=theirs) as running, os.fdopen(ours, "rb") as pipe:
        os.close(theirs)
        until = time.monotonic() + 30
        while len(case.files()) < len(videos):
            assert time.monotonic() < until
            time.sleep(0.05)

        told = pipe.read().decode()

        assert 0 == running.wait(10)
    assert [] == [video.vid for video in videos if f"{video.vid}: FileVerified" not in told]
    assert "40 done" in told.splitlines()[-1]
    case.require_right(videos)


def test_a_terminal_that_is_held_holds_what_is_shown_and_not_the_run(case: ArchiveCase) -> None:
    """F97: Ctrl-S, and SIGTERM ends the run in order all the same, though nobody ever reads."""
    video = case.simulator.library.add_video(size=2_000_000, faults=[Fault.drip(rate=200_000, times=None)])
    case.add(video)
    ours, theirs = pty.openpty()
    termios.tcflow(theirs, termios.TCOOFF)
    with _started(case, stderr=theirs, TERM="xterm") as running:
        while case.fetched_bytes(video) < 100_000:
            assert running.poll() is None
            time.sleep(0.02)

        running.send_signal(signal.SIGTERM)

        assert 143 == running.wait(20)
    os.close(ours)
    os.close(theirs)


_STANDING = """
import asyncio, os, sys, time
from fetcher.cli.stopping import Signals

async def stand():
    loop = asyncio.get_running_loop()
    with signals.heeding(lambda code: loop.call_soon_threadsafe(print, "stopped")):
        print("stands")
        STANDS

sys.stdout.reconfigure(line_buffering=True)
signals = Signals()
with signals.at_work():
    signals.run(stand)
"""


@pytest.mark.parametrize(
    "stands", ["time.sleep(60)", "os.read(os.pipe()[0], 1)", "while True: pass", "await asyncio.sleep(60)"]
)
def test_a_second_signal_ends_the_process_whatever_its_loop_does(stands: str) -> None:
    """F08: nothing that stands on the loop may be stronger than whoever wants the process gone."""
    code = _STANDING.replace("STANDS", stands)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert "stands\n" == running.stdout.readline()
        running.send_signal(signal.SIGTERM)
        if "await" in stands:
            assert "stopped\n" == running.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            running.wait(0.3)

        running.send_signal(signal.SIGTERM)

        assert 143 == running.wait(10)


@pytest.mark.parametrize("count", [1, 300])
def test_what_is_said_last_comes_out(case: ArchiveCase, count: int) -> None:
    """Right before the end, however slowly it is read."""
    tasks = [f"no task {number}" for number in range(count)]
    running = case.start("-q", "add", *tasks)
    time.sleep(0.5)

    _, said = running.communicate(timeout=20)

    assert 2 == running.returncode
    assert said.endswith(b"Nothing was recorded.\n")
