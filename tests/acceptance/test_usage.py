"""What is typed wrong is told shortly, with exit code 2."""

import json

import pytest
from archive_case import ArchiveCase, run_fetcher


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


def test_no_command_gets_the_help() -> None:
    ended = run_fetcher(environ={})

    assert 2 == ended.returncode
    assert "sync" in ended.stderr


def test_certificates_that_cannot_be_read_are_a_usage_error(case: ArchiveCase) -> None:
    """For a run that has something to ask, and for one that only has something to fetch."""
    video = case.simulator.library.add_video()
    case.add(video)
    unreadable = {"SSL_CERT_FILE": "/nowhere/certificates.pem"}

    asking = case.sync(**unreadable)
    assert 7 == case.sync(FETCHER_MIN_FREE="900T", FETCHER_POLL_INTERVAL="3600").returncode
    fetching = case.sync(**unreadable)

    assert (2, 2) == (asking.returncode, fetching.returncode)
    assert "SSL_CERT_FILE" in asking.stderr
    assert "SSL_CERT_FILE" in fetching.stderr
    assert 0 == case.sync().returncode
    case.require_right([video])
