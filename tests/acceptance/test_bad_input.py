"""Bad input gets a clear error and loses nothing."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_case import ArchiveCase


def test_a_malformed_task_id_records_none_of_them(case: ArchiveCase) -> None:
    """F62: all ids are checked first."""
    ended = case.run("add", "16661c08b9564c1ea6f4544ccd568e58", "../../etc/passwd")

    assert 2 == ended.returncode
    assert "Nothing was recorded" in ended.stderr
    assert {} == case.status()["tasks"]


def test_ids_from_stdin_are_recorded_once(case: ArchiveCase) -> None:
    """Comments, blank lines, a byte order mark and repetitions do not matter."""
    ids = "\ufeff# mine\n16661c08b9564c1ea6f4544ccd568e58\n\n16661c08b9564c1ea6f4544ccd568e58  # again\n"

    assert 0 == case.run("add", "-", stdin=ids).returncode
    assert 0 == case.run("add", "-", stdin=ids).returncode
    assert {"open": 1} == case.status()["tasks"]


def test_no_archive_is_said_and_none_is_made(case: ArchiveCase, tmp_path: Path) -> None:
    """F81: an unmounted disk must not be filled."""
    elsewhere = tmp_path / "empty"
    elsewhere.mkdir()

    ended = case.sync(FETCHER_ARCHIVE=str(elsewhere))

    assert 2 == ended.returncode
    assert "no archive" in ended.stderr
    assert [] == list(elsewhere.iterdir())


def test_directories_of_its_own_that_a_copy_left_out_are_made_anew(case: ArchiveCase) -> None:
    """F81: many programs copy no empty directory, and .fetcher/parts is one most of the time."""
    right, wrong = (case.simulator.library.add_video() for _ in range(2))
    case.add(right, wrong)
    (case.root / f"{wrong.vid}.mp4").write_text("somebody else's")
    own = [case.root / ".fetcher" / name for name in ("parts", "quarantine")]
    for directory in own:
        directory.rmdir()

    ended = case.sync()

    assert 4 == ended.returncode, ended.stderr
    case.require_right([right])
    assert [0o700, 0o700] == [path.stat().st_mode & 0o777 for path in own]
    assert 1 == len(list(own[1].iterdir()))


def test_a_file_in_the_place_of_a_directory_of_its_own_is_named(case: ArchiveCase) -> None:
    """F81: exit code 7, and which one it is."""
    (case.root / ".fetcher" / "parts").rmdir()
    (case.root / ".fetcher" / "parts").write_text("")

    ended = case.sync()

    assert 7 == ended.returncode
    assert str(case.root / ".fetcher" / "parts") in ended.stderr


@pytest.mark.parametrize("missing", ["POLYV_APP_ID", "POLYV_APP_SECRET"])
def test_missing_credentials_are_said_before_anything_is_asked(case: ArchiveCase, missing: str) -> None:
    """F101: exit code 2, no request."""
    case.add(case.simulator.library.add_video())

    ended = case.sync(**{missing: ""})

    assert 2 == ended.returncode
    assert missing in ended.stderr
    assert [] == list(case.simulator.requests)


def test_refused_credentials_end_the_run_with_6(case: ArchiveCase) -> None:
    """F56: the signature is wrong: no call can succeed."""
    case.add(case.simulator.library.add_video())

    ended = case.sync(POLYV_APP_SECRET="another-secret-entirely")

    assert 6 == ended.returncode
    assert "check the app secret" in ended.stderr
    assert "another-secret-entirely" not in ended.stderr


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"FETCHER_JOBS": "0"}, "jobs"),
        ({"FETCHER_JOBS": "many"}, "jobs"),
        ({"FETCHER_LAYOUT": "../{vid}"}, "layout"),
        ({"FETCHER_LAYOUT": "{nothing}"}, "layout"),
        ({"FETCHER_MIN_FREE": "lots"}, "min_free: 'lots'"),
        ({"FETCHER_GIVE_UP_AFTER": "60"}, "give_up_after"),
        ({"FETCHER_API_URL": "http://api.polyv.net"}, "https"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(case: ArchiveCase, environ: dict[str, str], word: str) -> None:
    """F93, F101: exit code 2 before any network or file action."""
    ended = case.sync(**environ)

    assert 2 == ended.returncode
    assert word in ended.stderr
    assert [] == list(case.simulator.requests)


def test_an_unknown_key_in_the_config_is_refused(case: ArchiveCase) -> None:
    """F101: a typo is no default."""
    with (case.root / ".fetcher" / "config.toml").open("a") as config:
        config.write("\njops = 3\n")

    ended = case.sync()

    assert 2 == ended.returncode
    assert "jops" in ended.stderr


def _truncate(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2)


def _make_newer(ledger: Path) -> None:
    with sqlite3.connect(ledger) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()


def _replace_by_other(ledger: Path) -> None:
    ledger.unlink()
    with sqlite3.connect(ledger) as connection:
        connection.execute("CREATE TABLE somebody_elses (id INTEGER)")
    connection.close()
    ledger.chmod(0o600)


_DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda ledger: ledger.unlink(),
    "empty": lambda ledger: os.truncate(ledger, 0),
    "no database": lambda ledger: ledger.write_bytes(b"These are not the bytes you are looking for." * 50),
    "cut off": _truncate,
    "another program's": _replace_by_other,
    "newer": _make_newer,
}


@pytest.mark.parametrize("damage", _DAMAGES)
@pytest.mark.parametrize("command", [["sync"], ["status"], ["list"], ["add", "16661c08b9564c1ea6f4544ccd568e58"]])
def test_a_ledger_that_cannot_be_used_is_refused_and_left_alone(
    case: ArchiveCase, damage: str, command: list[str]
) -> None:
    """F73, F74: exit code 10, a word on what to do, and neither the file nor anything beside it is touched."""
    shutil.rmtree(case.root / ".fetcher" / "quarantine")
    _DAMAGES[damage](case.ledger)
    before = {path: path.read_bytes() for path in (case.root / ".fetcher").glob("ledger.db")}

    ended = case.run(*command)

    assert 10 == ended.returncode
    assert 1 == len(ended.stderr.splitlines())
    assert before == {path: path.read_bytes() for path in (case.root / ".fetcher").glob("ledger.db")}


def test_init_leaves_an_archive_alone(case: ArchiveCase) -> None:
    """A second init says so and changes nothing."""
    before = case.ledger.read_bytes()

    ended = case.run("init", str(case.root))

    assert 2 == ended.returncode
    assert "already" in ended.stderr
    assert before == case.ledger.read_bytes()


def test_an_archive_is_private(case: ArchiveCase) -> None:
    """F92: .fetcher/ is 0700, what is in it 0600."""
    dot = case.root / ".fetcher"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (dot, dot / "config.toml", dot / "ledger.db")}

    assert {".fetcher": 0o700, "config.toml": 0o600, "ledger.db": 0o600} == modes


def test_a_finished_file_has_the_mode_that_the_umask_leaves(case: ArchiveCase) -> None:
    """F87: group members and backup programs read it as they read any other file."""
    video = case.simulator.library.add_video()
    case.add(video)
    before = os.umask(0o027)
    try:
        assert 0 == case.sync().returncode
    finally:
        os.umask(before)

    assert 0o640 == (case.root / f"{video.vid}.mp4").stat().st_mode & 0o777


def test_a_secret_file_that_others_can_read_is_refused(case: ArchiveCase, tmp_path: Path) -> None:
    """F92: as ssh does with keys."""
    secret = tmp_path / "secret"
    secret.write_text(case.simulator.app_secret)
    secret.chmod(0o644)
    named = {"POLYV_APP_SECRET": "", "POLYV_APP_SECRET_FILE": str(secret)}

    assert 2 == case.sync(**named).returncode
    secret.chmod(0o600)
    assert 0 == case.sync(**named).returncode


def test_f79_that_there_was_no_room_is_told_as_what_was(case: ArchiveCase) -> None:
    """F79: whoever reads it later may have made some; once the file is there nothing of it is left but history."""
    video = case.simulator.library.add_video()
    case.add(video)
    ended = case.sync(FETCHER_MIN_FREE="900T")
    noted = case.rows()[video.vid]["detail"]

    assert 0 == case.sync().returncode

    assert "are free" in ended.stderr
    assert noted.startswith("there was no room for it when it was tried last: ")
    assert "again" not in noted
    assert None is case.rows()[video.vid]["detail"]
    assert "no room" not in case.run("list").stdout
    assert ["TransferFailed"] == [
        line.split()[1].rstrip(":") for line in case.run("show", video.vid).stdout.splitlines() if "no room" in line
    ]


def test_less_space_than_the_reserve_stops_before_a_byte(case: ArchiveCase) -> None:
    """F79: exit code 7, and the link is still there for when there is room."""
    video = case.simulator.library.add_video()
    case.add(video)

    ended = case.sync(FETCHER_MIN_FREE="900T")

    assert 7 == ended.returncode
    assert "min_free" in ended.stderr
    assert [] == case.files()
    assert 0 == case.sync().returncode
