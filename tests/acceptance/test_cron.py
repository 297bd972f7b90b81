"""As cron runs it: no terminal, no HOME, a poor locale, closed streams; and as a person does, on a terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest
from archive_case import FETCHER, ArchiveCase, passed_on

from fetcher.simulator.faults import Fault

_CANARY = "canary-Zq7Jx0vTn3"


def test_success_is_silent(case: ArchiveCase) -> None:
    """F98: cron mails whatever is printed: nothing is."""
    case.add(case.simulator.library.add_video())

    ended = case.sync()

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)


def test_one_failure_is_one_line(case: ArchiveCase) -> None:
    """F98: the mail at 3 a.m. is short and names the video."""
    video = case.simulator.library.add_video(faults=[Fault.gone(times=None)])
    case.add(video, case.simulator.library.add_video())

    ended = case.sync()

    assert 4 == ended.returncode
    (line,) = ended.stderr.splitlines()
    assert video.vid in line


def test_an_empty_environment_and_closed_streams_do_not_matter(case: ArchiveCase) -> None:
    """F96: no HOME, no PATH, no locale; stdin, stdout and stderr closed."""
    video = case.simulator.library.add_video(title="课程/一 🎬")
    case.add(video)
    wanted = {
        name: value for name, value in case.environ.items() if name.startswith(("POLYV", "FETCHER", "COVERAGE"))
    }

    ended = subprocess.run(
        ["/bin/sh", "-c", f"exec '{FETCHER}' sync <&- >&- 2>&-"], env=wanted, cwd="/", check=False, timeout=60
    )

    assert 0 == ended.returncode
    case.require_right([video])


def test_a_reader_that_goes_away_does_not_end_the_run(case: ArchiveCase) -> None:
    """F09: 'sync --json | head -1': the pipe breaks, the files come."""
    videos = [case.simulator.library.add_video() for _ in range(5)]
    case.add(*videos)

    subprocess.run(
        ["/bin/sh", "-c", f"'{FETCHER}' sync --json | head -c 10"],
        env=case.environ,
        cwd="/",
        check=False,
        timeout=60,
        stdout=subprocess.DEVNULL,
    )

    case.require_right(videos)


def test_a_full_log_disk_is_told_by_the_exit_code(case: ArchiveCase) -> None:
    """F97: stdout on a full disk: the run does its work and does not end with 0."""
    video = case.simulator.library.add_video()
    case.add(video)
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [FETCHER, "sync", "--json"], env=case.environ, cwd="/", stdout=full, check=False, timeout=60
        )

    assert 1 == ended.returncode
    case.require_right([video])


@pytest.mark.parametrize(("arguments", "code"), [(["-v", "sync"], 1), (["sync", "--jobs", "0"], 2)])
def test_a_full_disk_behind_stderr_is_told_by_no_code_but_that_of_success(
    case: ArchiveCase, arguments: list[str], code: int
) -> None:
    """F97: what happened is told before; but nobody takes for success what could not be said."""
    case.add(case.simulator.library.add_video())
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [FETCHER, *arguments], env=case.environ, cwd="/", stderr=full, check=False, timeout=60
        )

    assert code == ended.returncode


def test_no_secret_is_said_at_any_level(case: ArchiveCase) -> None:
    """F91: neither the app secret nor a signature nor a link's key is in any output or part, at any level."""
    case.simulator.library.add_video()
    videos = [
        case.simulator.library.add_video(faults=[Fault.expired(), Fault.cut(after=50_000), Fault.refuse()]),
        case.simulator.library.add_video(faults=[Fault.gone(times=None)]),
        case.simulator.library.add_video(faults=[Fault.html(times=None)]),
    ]
    case.add(*videos)

    outputs = []
    for arguments in (
        ["-vv", "sync", "--json"],
        ["-vv", "--log-format", "json", "sync"],
        ["list", "--format", "jsonl"],
    ):
        ended = case.run(*arguments, FETCHER_TRIES="2")
        outputs.append(ended.stdout + ended.stderr)
    outputs += [case.run("show", video.vid).stdout for video in videos]

    told = "\n".join(outputs)
    assert case.simulator.app_secret not in told
    assert "auth_key=1" not in told
    assert "sign=" not in told.replace("sign=…", "")


def test_a_wrong_secret_is_not_repeated(case: ArchiveCase) -> None:
    """F91: what was typed as a secret is not printed back."""
    case.add(case.simulator.library.add_video())

    ended = case.run("-vv", "sync", POLYV_APP_SECRET=_CANARY)

    assert 6 == ended.returncode
    assert _CANARY not in ended.stdout + ended.stderr


def test_a_terminal_gets_bars_and_a_summary(case: ArchiveCase) -> None:
    """On a terminal one sees what goes on; the total and each running file."""
    video = case.simulator.library.add_video(size=2_000_000, faults=[Fault.drip(rate=2_000_000)])
    case.add(video)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    running = subprocess.Popen(
        [FETCHER, "sync"],
        env={**case.environ, "TERM": "xterm"},
        cwd="/",
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)

    shown = _read_all(ours)

    assert 0 == running.wait(60)
    assert "total" in shown
    assert video.vid[:12] in shown
    assert "1 done" in shown


def _read_all(descriptor: int) -> str:
    read = b""
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:
            piece = b""
        if not piece:
            os.close(descriptor)
            return read.decode(errors="replace")
        read += piece


def test_the_demo_ends_well_without_a_word_more(tmp_path: Path) -> None:
    """The whole job against the built-in simulator: right files, and what to type next."""
    environ = {**passed_on(), "PATH": ""}

    ended = subprocess.run(
        [FETCHER, "demo"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=60
    )

    assert 0 == ended.returncode, ended.stderr
    assert (tmp_path / "fetcher-demo" / ".fetcher").is_dir()
    assert f"{FETCHER} --archive fetcher-demo list" in ended.stdout
    assert "byte for byte right" in ended.stdout
    assert "fetcher init" in ended.stdout
