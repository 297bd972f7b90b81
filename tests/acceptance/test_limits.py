"""What the operating system does not give, and what it may do at any moment."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest
from archive_case import FETCHER, ArchiveCase

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_MIB = 1 << 20


def _shell(case: ArchiveCase, line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("fetcher", f"'{FETCHER}'", 1)],
        env={**case.environ, **environ},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def _begun(case: ArchiveCase, *arguments: str, size: int = 2 * _MIB) -> tuple[subprocess.Popen[bytes], Video]:
    """Start a run, wait until a file is on its way."""
    video = case.simulator.library.add_video(size=size, faults=[Fault.drip(rate=2 * _MIB)])
    case.add(video)
    running = case.start("sync", *arguments)
    while case.fetched_bytes(video) < 100_000:
        assert running.poll() is None
        time.sleep(0.01)
    return running, video


def test_few_open_files_are_made_more_or_fewer_jobs_or_an_error(case: ArchiveCase) -> None:
    """F86: a soft limit is raised, a hard one told before anything is asked."""
    videos = [case.simulator.library.add_video(size=2 * _MIB) for _ in range(8)]
    case.add(*videos)

    none = _shell(case, "ulimit -n 20; exec fetcher sync")
    few = _shell(case, "ulimit -n 57; exec fetcher sync")
    raised = _shell(case, "ulimit -Sn 20; exec fetcher -v sync --jobs 8")

    assert 2 == none.returncode
    assert "ulimit -n" in none.stderr
    assert (0, "fetcher: 2 jobs instead of 8: 'ulimit -n' is 57\n") == (few.returncode, few.stderr)
    assert 0 == raised.returncode
    assert "jobs instead" not in raised.stderr
    case.require_right(videos)


def test_open_files_that_run_out_on_the_way_are_told_with_what_helps(case: ArchiveCase) -> None:
    """F86: the limit is lowered under a run; exit code 7, nothing lost."""
    videos = [case.simulator.library.add_video(size=_MIB, faults=[Fault.drip(rate=2 * _MIB)]) for _ in range(6)]
    case.add(*videos)
    running = case.start("sync", "--jobs", "2")
    while sum(case.fetched_bytes(video) for video in videos) < 100_000:
        assert running.poll() is None
    resource.prlimit(running.pid, resource.RLIMIT_NOFILE, (3, 3))

    _, said = running.communicate(timeout=30)

    assert 7 == running.returncode
    (line,) = said.decode().splitlines()
    assert "--jobs" in line
    assert "ulimit -n" in line
    assert 0 == case.sync().returncode
    case.require_right(videos)


def test_two_signals_end_a_run_at_once_and_the_next_one_finishes(case: ArchiveCase) -> None:
    """F08: the second one does not wait for anything; nothing that was said is lost."""
    running, video = _begun(case)
    running.send_signal(signal.SIGSTOP)
    for number in (signal.SIGINT, signal.SIGTERM):
        running.send_signal(number)
    running.send_signal(signal.SIGCONT)

    assert running.wait(10) in {130, 143}
    running.communicate()
    assert 0 == case.sync().returncode
    case.require_right([video])


def test_a_terminal_that_goes_away_ends_a_run_in_order_and_nohup_keeps_it(case: ArchiveCase) -> None:
    """F09: SIGHUP; SIGPIPE means nothing to a run."""
    running, video = _begun(case)
    running.send_signal(signal.SIGPIPE)
    running.send_signal(signal.SIGHUP)
    assert 143 == running.wait(10)
    running.communicate()
    assert case.parts()

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = case.start("sync")
    finally:
        signal.signal(signal.SIGHUP, before)
    time.sleep(0.3)
    running.send_signal(signal.SIGHUP)

    assert 0 == running.wait(30)
    running.communicate()
    case.require_right([video])


def test_a_machine_that_sleeps_longer_than_a_link_lives(case: ArchiveCase) -> None:
    """F11: what was claimed before is asked for again after a 403; the part under way goes on."""
    case.simulator.link_lifetime = 3.0
    second = case.simulator.library.add_video(size=_MIB)
    running, first = _begun(case, "--jobs", "1")
    case.add(second)
    running.send_signal(signal.SIGSTOP)
    time.sleep(3.2)
    running.send_signal(signal.SIGCONT)

    assert 0 == running.wait(30)
    running.communicate()
    assert 0 == case.sync("--until-done").returncode
    case.require_right([first, second])
    assert [first.size] == [sum(one.bytes_sent for one in case.simulator.requests.of(first.vid))]


def test_the_second_of_two_runs_says_since_when_the_first_one_runs(case: ArchiveCase) -> None:
    """F71, F100: at once, with exit code 11; also where somebody has taken the lock's file for a leftover."""
    running, video = _begun(case, size=20 * _MIB)

    plain = case.sync()
    (case.root / ".fetcher" / "lock").unlink()
    without_file = case.sync()
    link = case.root.parent / "another-name"
    link.symlink_to(case.root)
    by_another_name = case.sync(FETCHER_ARCHIVE=str(link))
    (case.root / ".fetcher" / "ledger.db.lock").unlink()
    assert running.poll() is None, "the first one has to be under way all the time"

    for ended in (plain, without_file, by_another_name):
        assert 11 == ended.returncode
        assert "since 20" in ended.stderr
        assert 1 == len(ended.stderr.splitlines())
    assert 0 == running.wait(60)
    running.communicate()
    case.require_right([video])
    assert [video.size] == [one.bytes_sent for one in case.simulator.requests.of(video.vid)]


_LOCKS_THAT_HOLD_NOTHING = "import fcntl\nfcntl.flock = lambda descriptor, operation: None\n"
"""As a file system's that says yes to everybody; read by the interpreter before anything of ours."""


def test_two_runs_that_no_lock_keeps_apart_leave_right_files(case: ArchiveCase, tmp_path: Path) -> None:
    """F72: bytes may come twice; what is done is right though one of the two is killed; a third run ends clean."""
    (tmp_path / "sitecustomize.py").write_text(_LOCKS_THAT_HOLD_NOTHING)
    case.environ["PYTHONPATH"] = str(tmp_path)
    other = case.simulator.library.add_video(size=3 * _MIB, faults=[Fault.drip(rate=2 * _MIB)])
    case.add(other)
    first, video = _begun(case, size=12 * _MIB)

    second = case.start("sync")
    while len(case.simulator.requests.of(video.vid)) < 2:
        assert second.poll() is None, "it was kept away, so that nothing is tried here"
    first.kill()
    first.communicate()

    assert second.wait(60) in {0, 3}
    second.communicate()
    ended = case.sync("--until-done")
    assert 0 == ended.returncode, ended.stderr
    case.require_right([video, other])
    assert [] == case.parts()


def test_a_directory_that_is_gone_does_not_matter_where_the_archive_is_named(
    case: ArchiveCase, tmp_path: Path
) -> None:
    """F96: cron's working directory may have been removed."""
    video = case.simulator.library.add_video()
    case.add(video)
    inside = f"mkdir '{tmp_path}/gone' && cd '{tmp_path}/gone' && rmdir '{tmp_path}/gone' && exec "

    ended = _shell(case, f"{inside} fetcher sync")
    unnamed = _shell(case, f"{inside} fetcher status", FETCHER_ARCHIVE="")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([video])
    assert (2, 1) == (unnamed.returncode, len(unnamed.stderr.splitlines()))
    assert "current directory is gone" in unnamed.stderr


@pytest.mark.parametrize("lang", ["", "tr_TR.UTF-8"])
def test_no_locale_changes_what_is_done(case: ArchiveCase, lang: str) -> None:
    """F96: no HOME, no USER, no PATH worth the name, whatever the language; names beyond ASCII are right."""
    video = case.simulator.library.add_video()
    case.add(video)
    names = ("POLYV", "FETCHER", "COVERAGE")
    environ = {name: value for name, value in case.environ.items() if name.startswith(names)}
    environ |= {"LANG": lang, "LC_ALL": lang, "FETCHER_LAYOUT": "课程 İ/{vid}{ext}"}

    ended = subprocess.run([FETCHER, "sync"], env=environ, cwd="/", capture_output=True, check=False, timeout=60)

    assert (0, b"") == (ended.returncode, ended.stderr)
    assert [f"课程 İ/{video.vid}.mp4"] == case.files()


def test_a_message_that_is_lost_does_not_change_the_exit_code(case: ArchiveCase) -> None:
    """F97: stderr on a full disk or closed; what went wrong is still told to who reads the code alone."""
    case.add(case.simulator.library.add_video(faults=[Fault.gone(times=None)]))
    assert 4 == case.sync().returncode

    assert 4 == _shell(case, "exec fetcher sync 2>/dev/full").returncode
    assert 4 == _shell(case, "exec fetcher sync 2>&-").returncode
    assert 4 == _shell(case, "exec fetcher -vv sync --json >/dev/full 2>/dev/full").returncode
    assert 1 == _shell(case, "exec fetcher add -n aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >/dev/full").returncode
    assert 1 == _shell(case, "exec fetcher --help >/dev/full").returncode


def test_a_warning_that_is_lost_is_no_success(case: ArchiveCase) -> None:
    """F97: a finished file was gone, is fetched again, and nobody could be told."""
    video = case.simulator.library.add_video()
    case.add(video)
    assert 0 == case.sync().returncode
    (case.root / f"{video.vid}.mp4").unlink()

    assert 1 == _shell(case, "exec fetcher sync --until-done 2>/dev/full").returncode
    case.require_right([video])


@pytest.mark.skipif(
    Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").startswith("/dev/null"),
    reason="this machine writes no cores",
)
def test_a_crash_leaves_no_image_of_the_memory(case: ArchiveCase, tmp_path: Path) -> None:
    """F91: the app secret and the links are in it; the limit holds whatever the shell allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != resource.RLIM_INFINITY and hard < 64 * _MIB:
        pytest.skip("the hard limit of cores is too low here for one to be written")
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    try:
        assert os.WCOREDUMP(_killed(tmp_path, ["/bin/sleep", "60"])), "without the limit there would be one"
        running, _ = _begun(case)
        running.send_signal(signal.SIGABRT)
        _, status = os.waitpid(running.pid, 0)
        running.returncode = status
        running.communicate()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))

    assert (signal.SIGABRT, False) == (os.WTERMSIG(status), os.WCOREDUMP(status))


def _killed(directory: Path, command: list[str]) -> int:
    """Return the status of a process that crashes."""
    crashing = subprocess.Popen(command, cwd=directory)
    crashing.send_signal(signal.SIGABRT)
    _, status = os.waitpid(crashing.pid, 0)
    crashing.returncode = status
    return status
