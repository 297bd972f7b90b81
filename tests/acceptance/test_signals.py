"""Signals beside the first SIGTERM: a second one, a hang-up, a broken pipe; and each command at any moment."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest
from archive_case import FETCHER, ArchiveCase
from done_archive import DoneArchive, names_in
from ledger_cases import vid
from origin_faults import mute, stall
from raw_case import PATH, RawCase

from fetcher.simulator.api_faults import ApiFault

_MIB = 1 << 20
_SENT = 1_200_000
"""More than the buffer holds, so that what has come can be seen from outside."""

_MOMENTS: Final = 12
"""At which a command gets a signal, from its start to the time that it takes."""

_CHILDREN: Final = 60
_WORKING: Final = """
import os, queue, random, signal, sys, threading, time
from fetcher.cli.stopping import Interruption, Signals

def exchange():
    lines = queue.Queue()
    try:
        while True:
            lines.put(1)
            lines.get()
    except Interruption:
        os._exit(0 if lines.mutex.acquire(blocking=False) else 1)

def wait_for_ever():
    threading.Event().wait()

work, children = globals()[sys.argv[1]], int(sys.argv[2])
ended = set()
for _ in range(children):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with Signals().at_work():
            os.write(writing, b"works")
            work()
    os.read(reading, 5)
    time.sleep(random.random() * 0.002)
    os.kill(child, signal.SIGTERM)
    ended.add(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    os.close(reading)
    os.close(writing)
print(*sorted(ended))
"""


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("ledger", "rebuild", "--replace"),
        ("ledger", "backup", "made"),
        ("export", "--format", "bagit", "-o", "made"),
        ("export", "--format", "jsonl", "-o", "made"),
        ("demo", "--videos", "3", "--dir", "made"),
    ],
    ids=" ".join,
)
def test_f08_f09_a_signal_ends_a_command_after_any_time(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """The installed one, from before it has loaded anything up to its end; then the same does it all."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill([f"{vid(number)}.mp4" for number in range(1, 301)])
    archive.add_sidecars()
    began = time.monotonic()
    usual = _started(archive, arguments, tmp_path / "usual")
    usual.communicate(timeout=60)
    assert 0 == usual.returncode
    took, codes = time.monotonic() - began, []
    for moment in range(_MOMENTS):
        sign = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP][moment % 3]
        place = tmp_path / f"at-{moment}"
        running = _started(archive, arguments, place)
        time.sleep(took * moment / _MOMENTS)
        running.send_signal(sign)
        sent_at = time.monotonic()
        _, said = running.communicate(timeout=60)
        codes.append(running.returncode)

        # As long as nothing of ours runs, the signal ends it itself, or the interpreter does, which may say 1.
        assert codes[-1] in {0, 143 if sign != signal.SIGINT else 130, -sign, 1}
        assert arguments[0] == "demo" or b"fetcher:" not in said
        assert time.monotonic() - sent_at < 30, "it hangs"
        assert arguments[0] == "demo" or names_in(place) in ([], ["made"]), "a draft is left"
        assert 300 == len(archive.rows())
    assert {130, 143} & {*codes}


def _started(archive: DoneArchive, arguments: tuple[str, ...], place: Path) -> subprocess.Popen[bytes]:
    """Start a command that makes what it makes in a directory of its own."""
    place.mkdir()
    given = [str(place / one) if one == "made" else one for one in arguments]
    return archive.start(*given, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(("work", "children", "code"), [("exchange", _CHILDREN, 0), ("wait_for_ever", 1, 143)])
def test_f08_no_signal_leaves_a_lock_taken_and_none_is_waited_for_for_ever(
    work: str, children: int, code: int
) -> None:
    """What a library does with its locks is not broken off; where it waits, the process ends all the same."""
    program = ["import sys", f"exec(compile({_WORKING!r}, 'works', 'exec'), {{'__name__': 'fetcher.works'}})"]

    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(program), work, str(children)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert f"{code}\n" == ended.stdout


@pytest.mark.parametrize("arguments", [("submit", "--library"), ("reconcile",)], ids=" ".join)
def test_f08_a_signal_does_not_wait_for_a_polyv_that_is_slow(case: ArchiveCase, arguments: tuple[str, ...]) -> None:
    """The loop has nothing to do then but to wait."""
    case.simulator.library.add_video()
    case.simulator.api_faults.append(ApiFault.slow(60, times=None))
    running = case.start(*arguments)
    until = time.monotonic() + 20
    while not list(case.simulator.connections()):
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)

    sent_at = time.monotonic()
    running.send_signal(signal.SIGTERM)

    assert (143, (b"", b"")) == (running.wait(20), running.communicate())
    assert time.monotonic() - sent_at < 10
