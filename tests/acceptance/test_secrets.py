"""Canaries as both secrets, in every link and as a proxy's password; then all that was written is searched."""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from archive_case import ArchiveCase, archive_case
from polyv_client_cases import SECRET as RAW_SECRET
from polyv_client_cases import TASK
from polyv_server import answer, refusal
from raw_case import KEY, RawCase

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_SECRET = "canary-app-secret-Jq5xWm"
_USER_SECRET = "canary-user-secret-Rt7bNk"
_KEY = "canarylinkkeyT8vZ"
_PASSWORD = "canary-proxy-password-Hn2"
_PROXY = f"http://me:{_PASSWORD}@127.0.0.1:9"
_CANARIES = (_SECRET.encode(), _USER_SECRET.encode(), _KEY.encode(), _PASSWORD.encode(), b"auth_key=1")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[ArchiveCase]:
    with archive_case(tmp_path / "archive", app_secret=_SECRET) as made:
        made.simulator.signer.uid = _KEY
        made.simulator.user_secret = _USER_SECRET
        made.environ |= {"POLYV_USER_ID": made.simulator.user_id, "POLYV_USER_SECRET": _USER_SECRET}
        made.environ |= {"HTTPS_PROXY": _PROXY, "FETCHER_TRIES": "1"}
        yield made


def _stock(case: ArchiveCase) -> list[Video]:
    """Put videos on the shelf that meet with all that a link may meet with."""
    add, always = case.simulator.library.add_video, None
    case.simulator.library.crc = True
    faults = [
        [Fault.expired(), Fault.cut(after=50_000)],
        [Fault.redirect(times=1)],
        [Fault.redirect(to="https://10.0.0.1/a.mp4?auth_key=1-canarylinkkeyT8vZ-0-a")],
        [Fault.redirect(to="http://169.254.169.254/latest?auth_key=1-canarylinkkeyT8vZ-0-a")],
        [Fault.redirect(to=None)],
        [Fault.gone(times=always)],
        [Fault.html(times=always)],
        [Fault.gzip(times=always)],
        [Fault.bit_flip(at=70_000, times=always)],
        [Fault.denied(acl=f"auth_key=1-{_KEY}", times=always)],
        [Fault.refuse(times=always)],
        [Fault.cut(after=10, times=always, reset=True)],
        [Fault.truncated_no_length(after=100_000)],
        [],
    ]
    case.simulator.api_faults.append(ApiFault.html())
    case.simulator.api_faults.append(ApiFault.html(path="get-video-msg"))
    return [add(faults=some) for some in faults]


def _canaries_in(texts: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Return where which canary was found; a part of one counts, a masked name does not."""
    return [(name, canary) for name, text in texts.items() for canary in _CANARIES if canary in text]


def _files(directory: Path, *, but: str = "ledger.db") -> dict[str, bytes]:
    """Return what every file of *directory* holds, its name too; the ledger's own left out."""
    return {
        str(path): path.name.encode() + path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith(but)
    }


def _dump(ledger: Path) -> tuple[dict[str, bytes], list[str]]:
    """Return the ledger's rows without the columns that are promised to hold links, and the statuses of those."""
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        told, holding = {}, []
        for table in tables:
            for number, row in enumerate(connection.execute(f"SELECT * FROM {table}")):
                fields = dict(row)
                if fields.pop("link", None) or fields.pop("refused_link", None):
                    holding.append(str(fields["status"]))
                told[f"{table} {number}"] = repr(fields).encode()
    return told, holding


def test_no_canary_is_in_anything_that_is_written_or_said(case: ArchiveCase, tmp_path: Path) -> None:
    """F91, F43: success and each kind of failure, as loud as can be; views, parts, memos, the ledger, a copy."""
    videos = _stock(case)
    task_id = case.add(*videos)

    ended = {
        "text": case.run("-vv", "sync", "--json"),
        "json": case.run("-vv", "--log-format", "json", "sync"),
        "list": case.run("list", "--format", "jsonl"),
        "show": case.run("show", task_id),
        "show one": case.run("show", videos[8].vid),
        "check": case.run("ledger", "check"),
        "backup": case.run("-vv", "ledger", "backup", str(tmp_path / "copy.db")),
    }

    said = {name: (one.stdout + one.stderr).encode() for name, one in ended.items()}
    assert [] == _canaries_in(said)
    assert "download begins" in ended["text"].stderr
    assert {0, 3} == {one.returncode for one in ended.values()}
    assert {"unsafe_link", "gone", "mismatch"} == {
        row["reason"] for row in case.rows("--status", "failed").values()
    }
    assert [] == _canaries_in(_files(case.root))
    for ledger in (case.ledger, tmp_path / "copy.db"):
        rows, holding = _dump(ledger)
        assert [] == _canaries_in(rows)
        assert {"ready", "waiting"} >= set(holding)
        assert _SECRET.encode() not in ledger.read_bytes()


def test_no_canary_is_in_what_a_killed_run_leaves_or_in_its_command_line(case: ArchiveCase) -> None:
    """F91: parts and memos as they lie there after kill -9; what every user of the machine may see meanwhile."""
    video = case.simulator.library.add_video(size=3 << 20, faults=[Fault.drip(rate=2 << 20, times=None)])
    case.add(video)
    running = case.start("-vv", "sync")
    while not list((case.root / ".fetcher" / "parts").glob("*.memo")):
        assert running.poll() is None
        time.sleep(0.02)
    seen = {"cmdline": Path(f"/proc/{running.pid}/cmdline").read_bytes()}
    seen |= {f"thread {path}": path.read_bytes() for path in Path(f"/proc/{running.pid}/task").glob("*/comm")}
    running.kill()
    seen["out"], seen["err"] = running.communicate()

    assert b"sync" in seen["cmdline"]
    assert [] == _canaries_in(seen | _files(case.root))


def test_a_link_does_not_outlive_its_use_in_the_ledger(case: ArchiveCase) -> None:
    """F91: once the file is done its link is gone, from the corners of the pages too."""
    videos = [case.simulator.library.add_video(size=1000 + number) for number in range(20)]
    case.add(*videos)
    assert 0 == case.sync().returncode

    rows, holding = _dump(case.ledger)

    assert ([], []) == (_canaries_in(rows), holding)
    assert [] == _canaries_in(_files(case.root, but="nothing"))


def test_a_secret_in_the_wrong_place_is_not_repeated(case: ArchiveCase) -> None:
    """F91, F101: where its file has to be named, in the configuration, in an address."""
    case.add(case.simulator.library.add_video())
    config = case.root / ".fetcher" / "config.toml"
    before = config.read_text()
    ended = [
        case.sync(POLYV_APP_SECRET="", POLYV_APP_SECRET_FILE=_SECRET),
        case.sync(POLYV_USER_SECRET="", POLYV_USER_SECRET_FILE=_USER_SECRET),
        case.sync(POLYV_USER_ID=_USER_SECRET),
        case.sync(FETCHER_API_URL=f"https://me:{_PASSWORD}@api.polyv.net"),
        case.sync(FETCHER_LEDGER=f"postgresql://me:{_PASSWORD}@db/fetcher"),
    ]
    for line in (f'app_secret = "{_SECRET}"', f"app_secret = {_SECRET}", f'jobs = "{_SECRET}"'):
        config.write_text(f"{before}\n{line}\n")
        ended.append(case.sync())

    assert [2] * 8 == [one.returncode for one in ended]
    assert [] == _canaries_in({str(number): one.stderr.encode() for number, one in enumerate(ended)})


@pytest.mark.parametrize("error_code", [104, 2000, 9999])
def test_what_polyv_itself_repeats_of_secrets_is_said_and_kept_nowhere(raw: RawCase, error_code: int) -> None:
    """F91: who refuses a signature may tell what was to be signed, and so the secret; or a link with its key."""
    link = f"https://cdn.test/a.mp4?auth_key=1-{KEY}-0-ab"
    told = f"to be signed: {RAW_SECRET}appIdx{RAW_SECRET} for {link} auth_key={KEY}"
    raw.polyv.script.extend([answer(refusal(error_code, told))] * 6)

    said = raw.pass_once().said + raw.run("show", TASK, "--json").stdout

    assert "to be signed: " in said
    assert [] == [one for one in (RAW_SECRET, KEY) if one in said]
    assert [] == [name for name, text in _files(raw.root, but="-").items() if KEY.encode() in text]
