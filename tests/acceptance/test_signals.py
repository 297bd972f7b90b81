"""Signals beside the first SIGTERM: a second one, a hang-up, a broken pipe."""

import os
import signal
import subprocess
import time

from archive_case import FETCHER
from origin_faults import mute, stall
from raw_case import PATH, RawCase

_MIB = 1 << 20
_SENT = 1_200_000
"""More than the buffer holds, so that what has come can be seen from outside."""


def _wait_for_part(raw: RawCase, running: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    parts = raw.root / ".fetcher" / "parts"
    while not any(part.stat().st_size >= _MIB for part in parts.glob("*.part")):
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


def test_f08_a_second_signal_ends_the_run_at_once(raw: RawCase) -> None:
    """Whatever the first one has begun to put in order: the next run goes on, and the file is right."""
    raw.origin.script(PATH, [stall(_SENT)])
    running = raw.start("sync")
    _wait_for_part(raw, running)

    running.send_signal(signal.SIGTERM)
    running.send_signal(signal.SIGINT)

    assert running.wait(5) in {128 + signal.SIGTERM, 128 + signal.SIGINT}
    running.communicate()
    assert 0 == raw.sync().returncode
    assert raw.is_right()


def test_f09_a_hang_up_ends_the_run_and_keeps_the_part(raw: RawCase) -> None:
    """The terminal is closed: as SIGTERM does."""
    raw.origin.script(PATH, [stall(_SENT)])
    running = raw.start("sync")
    _wait_for_part(raw, running)

    running.send_signal(signal.SIGHUP)

    assert 143 == running.wait(10)
    running.communicate()
    assert 0 == raw.sync().returncode
    assert raw.is_right()
    asked = raw.origin.ranges[-1]
    assert asked is not None
    assert _MIB <= int(asked.removeprefix("bytes=").removesuffix("-")) <= _SENT


def test_f09_a_run_that_ignores_hang_ups_goes_on(raw: RawCase) -> None:
    """As nohup starts it."""
    raw.origin.script(PATH, [mute])
    running = subprocess.Popen(
        ["nohup", FETCHER, "sync"],
        env={**raw.environ, "FETCHER_STALL_SECONDS": "1"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until = time.monotonic() + 20
    while not raw.origin.requests:
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)

    running.send_signal(signal.SIGHUP)

    assert 0 == running.wait(20)
    running.communicate()
    assert raw.is_right()


def test_f09_what_nobody_reads_any_more_ends_no_run(raw: RawCase) -> None:
    """Cron's mail pipe is closed at both ends of the line: stdout and stderr break, the file comes."""
    reading, writing = os.pipe()
    running = subprocess.Popen(
        [FETCHER, "-vv", "sync", "--json"],
        env=raw.environ,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=writing,
    )
    os.close(writing)
    os.close(reading)

    assert 0 == running.wait(20)
    assert raw.is_right()
