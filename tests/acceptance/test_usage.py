"""What is typed wrong is told shortly, with exit code 2."""

import json
import subprocess
from pathlib import Path

import pytest
from archive_case import FETCHER, ArchiveCase, run_fetcher

from fetcher.simulator.faults import Fault


@pytest.mark.parametrize(
    ("arguments", "word", "hint"),
    [
        (["sync", "--jobz", "3"], "--jobs", "try 'fetcher sync --help'"),
        (["sync", "--max-bytes", "lots"], "lots", "try 'fetcher sync --help'"),
        (["sync", "--max-duration", "soon"], "soon", "try 'fetcher sync --help'"),
        (["list", "--format", "xml"], "jsonl", "try 'fetcher list --help'"),
        (["show"], "VID", "try 'fetcher show --help'"),
        (["syn"], "syn", "try 'fetcher --help'"),
        (["--nothing", "sync"], "--nothing", "try 'fetcher --help'"),
        (["--archive"], "--archive", "try 'fetcher --help'"),
        (["sync", "--archive", "/srv"], "before the command: fetcher --archive … sync", "try 'fetcher --help'"),
        (["status", "-v"], "before the command: fetcher -v status", "try 'fetcher --help'"),
        (["ledger", "check", "-q"], "before the command: fetcher -q ledger check", "try 'fetcher --help'"),
    ],
)
def test_a_mistake_is_one_line_and_a_hint(arguments: list[str], word: str, hint: str) -> None:
    """Nothing on stdout."""
    ended = run_fetcher(*arguments, environ={})

    said, where = ended.stderr.splitlines()
    assert (2, "") == (ended.returncode, ended.stdout)
    assert said.startswith("fetcher: ")
    assert word in said
    assert f"fetcher: {hint}" == where


def test_a_mistake_is_told_as_json_where_that_is_asked_for() -> None:
    ended = run_fetcher("--log-format", "json", "list", "--format", "xml", environ={})

    said, where = (json.loads(line) for line in ended.stderr.splitlines())
    assert (2, "ERROR") == (ended.returncode, said["levelname"])
    assert "xml" in said["message"]
    assert "try 'fetcher list --help'" == where["message"]


def test_a_command_that_is_none_is_told_as_json_too() -> None:
    """The format is known before the command is looked for."""
    ended = run_fetcher("--log-format", "json", "syn", environ={})

    said, where = (json.loads(line) for line in ended.stderr.splitlines())
    assert (2, "try 'fetcher --help'") == (ended.returncode, where["message"])
    assert "syn" in said["message"]


def test_an_archive_is_made_in_silence_and_v_says_what_comes_next(tmp_path: Path) -> None:
    """As every success where no terminal is."""
    quiet = run_fetcher("init", str(tmp_path / "a"), environ={})
    told = run_fetcher("-v", "init", str(tmp_path / "b"), environ={})

    assert (0, "", "") == (quiet.returncode, quiet.stdout, quiet.stderr)
    assert all(word in told.stderr for word in ("POLYV_APP_ID", "'fetcher submit --library'", "'fetcher sync'"))
    assert 2 == len(told.stderr.splitlines())


def test_a_plan_is_for_people(case: ArchiveCase) -> None:
    """Who asks for JSON gets none but JSON, and is told where there is none."""
    ended = case.run("sync", "--dry-run", "--json")

    assert (2, "") == (ended.returncode, ended.stdout)
    assert "--json" in ended.stderr


def test_a_plan_counts_one_video_as_one(case: ArchiveCase) -> None:
    case.add(case.simulator.library.add_video(faults=[Fault.refuse(times=None)]))
    assert 3 == case.sync(FETCHER_TRIES="1").returncode

    planned = case.run("sync", "--dry-run")

    assert "would download 1 ready video, and those that become ready\n" == planned.stdout


def test_a_dry_add_counts_what_is_new(case: ArchiveCase) -> None:
    known, new = "a" * 32, "b" * 32
    assert 0 == case.run("add", known).returncode

    ended = case.run("add", "-n", known, new)

    assert (0, "would record 1 new of 2 tasks\n", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert {"open": 1} == case.status()["tasks"]


def test_no_command_gets_the_help() -> None:
    ended = run_fetcher(environ={})

    assert 2 == ended.returncode
    assert "sync" in ended.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["ledger", "--help"]])
def test_no_command_is_summed_up_by_half_a_sentence(arguments: list[str]) -> None:
    """On a terminal of eighty columns."""
    ended = run_fetcher(*arguments, environ={"COLUMNS": "80"})

    _, _, commands = ended.stdout.partition("Commands:\n")
    assert commands
    assert [] == [line for line in commands.splitlines() if not line.endswith(".") or line.endswith("..")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere/certificates.pem"),
        ("SSL_CERT_FILE", "/etc/passwd"),
        ("SSL_CERT_DIR", "/etc/passwd"),
        ("HTTPS_PROXY", "gopher://u:pass-canary@h"),
        ("https_proxy", "http://"),
        ("ALL_PROXY", "http://u:pass-canary@h:port"),
        ("ALL_PROXY", "socks5://u:pass-canary@h:1080"),
    ],
)
def test_a_network_setting_that_cannot_be_used_ends_the_run_before_it_begins(
    case: ArchiveCase, name: str, value: str
) -> None:
    """F50: whether or not there is something to ask: cron's first mail is the one that is read."""
    case.add(case.simulator.library.add_video())
    before = {path: path.stat().st_mtime_ns for path in case.root.rglob("*")}

    ended = case.sync(**{name: value})

    assert 2 == ended.returncode
    assert ended.stderr.startswith(f"fetcher: {name} ")
    assert "pass-canary" not in ended.stdout + ended.stderr
    assert 0 == len(case.simulator.requests)
    assert before == {path: path.stat().st_mtime_ns for path in case.root.rglob("*")}


def test_a_proxy_that_nothing_goes_through_is_not_looked_at(case: ArchiveCase) -> None:
    """NO_PROXY=* switches all of them off, for httpx as for curl."""
    assert 0 == case.sync(HTTPS_PROXY="gopher://h", NO_PROXY="*").returncode
    assert 0 == case.sync(HTTPS_PROXY="127.0.0.1:9").returncode


def test_what_asks_for_nothing_that_is_there_says_so(case: ArchiveCase) -> None:
    """A done video has nothing to try again; a task that nobody recorded has no videos."""
    video = case.simulator.library.add_video(size=1000)
    case.add(video)
    assert 0 == case.sync().returncode

    again, unknown = case.run("retry", video.vid), case.run("list", "--task", "no-such-task")
    stranger = case.run("retry", "no-such-video")

    assert (0, "", f"fetcher: done, or about to be asked for: nothing to try again in {video.vid}\n") == (
        again.returncode,
        again.stdout,
        again.stderr,
    )
    assert (2, "", "fetcher: not in this archive: task no-such-task; 'fetcher add' records one\n") == (
        unknown.returncode,
        unknown.stdout,
        unknown.stderr,
    )
    assert stranger.stderr == case.run("verify", "no-such-video").stderr
    assert (2, "fetcher: not in this archive: no-such-video; 'fetcher list' shows all\n") == (
        stranger.returncode,
        stranger.stderr,
    )


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["list"], ["status"], ["add", "-n", "a" * 32], ["sync", "-n"]]
)
def test_an_output_that_cannot_be_written_is_told_in_one_line(case: ArchiveCase, arguments: list[str]) -> None:
    """F97: whoever reads the file later must not take it for the whole."""
    case.add(case.simulator.library.add_video(size=1000))
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            [FETCHER, *arguments], env=case.environ, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )

    assert 1 == ended.returncode
    assert ended.stderr.startswith("fetcher: stdout cannot be written (")
    assert 1 == len(ended.stderr.splitlines())


def test_videos_that_are_put_back_and_cannot_be_named_are_no_success(case: ArchiveCase) -> None:
    """F97: as with every other command's output."""
    case.add(case.simulator.library.add_video(fails=True))
    assert 4 == case.sync().returncode
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([FETCHER, "retry", "--failed"], env=case.environ, stdout=full, check=False)

    assert 1 == ended.returncode
