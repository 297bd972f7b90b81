"""What a look at the ledger and the archive finds: real rows, real files, and nothing changed by looking."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_cases import FAR, NOW, added, happened, opened, polled, raw, ready, seen, taken, verified, vid
from ledger_faults import append_stray_pages, contents, fill_with_done, spoil_page, write_past_index

from fetcher.archive.home import Home
from fetcher.domain.errors import LedgerDamagedError, LedgerError, LedgerTooNewError
from fetcher.domain.exit_code import ExitCode
from fetcher.ledger.looking import looking_at, require_known_schema
from fetcher.ledger.schema import REVISIONS
from fetcher.ledger.work import begin_run, end_run
from fetcher.report.checkup import Checkup, Finding, finding_line

_DONE = (1, 2, 3)


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with three done files, one failed and one ready video; copied for each test."""
    root = tmp_path_factory.mktemp("stock") / "archive"
    for made in (root / ".fetcher" / "parts", root / "Art"):
        made.mkdir(parents=True)
    with opened(root / ".fetcher") as ledger:
        ready(ledger, *_DONE, 4)
        for claimed in taken(ledger, limit=3):
            path = f"Art/{claimed.path}" if claimed.vid == vid(3) else claimed.path
            (root / path).write_bytes(b"video")
            happened(ledger, claimed.video_id, verified(path), claimed.fence)
    with raw(root / ".fetcher" / "ledger.db") as connection:
        connection.execute("UPDATE videos SET path_key = lower(path)")
    return root


@pytest.fixture
def home(stock: Path, tmp_path: Path) -> Home:
    shutil.copytree(stock, tmp_path / "archive")
    return Home(tmp_path / "archive")


def _look(home: Home, *, now: int = NOW) -> tuple[list[Finding], Checkup]:
    with looking_at(home.ledger) as connection:
        require_known_schema(connection, home.ledger)
        checkup = Checkup(connection, home, now=now)
        return list(checkup.findings()), checkup


def _told(findings: list[Finding]) -> list[tuple[str, str | None]]:
    return [(one.kind.value, one.path) for one in findings]


def test_an_archive_in_order_has_no_findings(home: Home) -> None:
    findings, checkup = _look(home)

    assert ([], ExitCode.OK, 3, 0) == (findings, checkup.code, checkup.done, checkup.unknown_files)


def _link_elsewhere(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _make_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (Path.unlink, "missing"),
        (lambda path: os.truncate(path, 4), "wrong_size"),
        (lambda path: path.write_bytes(b"video and more"), "wrong_size"),
        (_link_elsewhere, "no_file"),
        (_make_directory, "no_file"),
        (_make_fifo, "no_file"),
    ],
    ids=["gone", "cut", "longer", "a link to the same bytes", "a directory", "a fifo"],
)
def test_a_done_file_that_is_not_as_the_ledger_says_is_found(
    home: Home, harm: Callable[[Path], object], kind: str
) -> None:
    """F78, F90: each is damage, and named."""
    harm(home.root / f"{vid(2)}.mp4")

    findings, checkup = _look(home)

    assert [(kind, f"{vid(2)}.mp4")] == _told(findings)
    assert (ExitCode.DAMAGE, vid(2)) == (checkup.code, findings[0].vid)


def test_a_directory_on_the_way_that_is_a_link_is_found(home: Home, tmp_path: Path) -> None:
    """F90: what lies behind it is not the archive's, and is not counted either."""
    (home.root / "Art").rename(tmp_path / "outside")
    (home.root / "Art").symlink_to(tmp_path / "outside")

    findings, checkup = _look(home)

    assert [("no_file", f"Art/{vid(3)}.mp4")] == _told(findings)
    assert 0 == checkup.unknown_files


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_directory_that_may_not_be_entered_is_found(home: Home) -> None:
    (home.root / "Art").chmod(0)
    findings, _ = _look(home)
    (home.root / "Art").chmod(0o700)

    assert [("unreadable", f"Art/{vid(3)}.mp4")] == _told(findings)


def test_a_directory_whose_name_is_too_long_for_the_disk_is_unreadable(home: Home) -> None:
    """An error of the disk is told of its file alone; the others are looked at."""
    with raw(home.ledger) as connection:
        connection.execute("UPDATE videos SET path = ? WHERE vid = ?", ("x" * 300, vid(1)))

    findings, checkup = _look(home)

    assert ["unreadable"] == [one.kind.value for one in findings]
    assert (ExitCode.DAMAGE, 3) == (checkup.code, checkup.done)


def test_parts_and_memos_that_nothing_goes_on_with_are_told_and_no_damage(home: Home) -> None:
    """The next run removes them; what it goes on with, and what is not ours, is not told."""
    with raw(home.ledger) as connection:
        ids = dict(connection.execute("SELECT vid, id FROM videos").fetchall())
    live, done = ids[vid(4)], ids[vid(1)]
    parts = home.parts
    (parts / f"{live}-00000000.memo").write_text(f'{{"format": 1, "vid": "{vid(4)}"}}')
    for name in (f"{live}-00000000.part", "99-00000001.part", f"{done}-00000002.part", "notes.txt"):
        (parts / name).write_bytes(b"bytes")
    for number, memo in enumerate(
        [b'{"format": 1, "vi', b'{"format": 2}', b'{"format":1,"vid":"x"}', b"\xff" * 70_000]
    ):
        (parts / f"{live}-1000000{number}.memo").write_bytes(memo)
    for name, owner in (
        (f"{done}-00000003", vid(4)),
        (f"{live}-00000004", vid(1)),
        (f"{live}-00000005", vid(7777)),
    ):
        (parts / f"{name}.memo").write_text(f'{{"format": 1, "vid": "{owner}"}}')
        (parts / f"{name}.part").write_bytes(b"bytes")
    (parts / f"{live}-20000000.memo").symlink_to("/etc/passwd")
    os.mkfifo(parts / f"{live}-20000001.memo")

    findings, checkup = _look(home)

    assert {"stray_part": 6, "bad_memo": 6} == checkup.counts
    assert ExitCode.OK == checkup.code
    stray = ["99-00000001.part", f"{done}-00000002.part"]
    stray += [f"{live}-0000000{number}.{kind}" for number in (4, 5) for kind in ("memo", "part")]
    assert {f".fetcher/parts/{name}" for name in stray} == {
        one.path for one in findings if one.kind.value == "stray_part"
    }


@pytest.mark.parametrize(("at", "has_ended", "count"), [(NOW, False, 0), (FAR, False, 1), (NOW, True, 1)])
def test_a_claim_counts_as_left_once_its_lease_or_its_run_is_over(
    home: Home, *, at: int, has_ended: bool, count: int
) -> None:
    """A run that is under way keeps its own; one that was killed leaves them until their lease is over."""
    with opened(home.dot) as ledger:
        with ledger.writing() as connection:
            run = begin_run(connection, owner="run", now=NOW)
        assert [vid(4)] == [one.vid for one in taken(ledger, owner="run")]
        if has_ended:
            with ledger.writing() as connection:
                counts = dict.fromkeys(("done", "failed", "bytes", "calls"), 0)
                end_run(connection, run, now=NOW, exit_code=0, counts=counts)

    findings, checkup = _look(home, now=at)

    assert (["left_claim"] * count, ExitCode.OK) == ([one.kind.value for one in findings], checkup.code)


def test_files_that_no_row_knows_are_counted(home: Home) -> None:
    """A file that is placed and not recorded yet is known by its row; a name in other letters is another file."""
    with opened(home.dot) as ledger:
        (claimed,) = taken(ledger)
    (home.root / claimed.path).write_bytes(b"placed")
    (home.root / "holidays" / "2024").mkdir(parents=True)
    (home.root / "holidays" / "2024" / ".fetcher").write_bytes(b"mine, in spite of the name")
    (home.root / claimed.path.upper()).write_bytes(b"mine")
    with open(os.fsencode(home.root) + b"/\xff\xfe.mp4", "wb"):
        pass
    (home.root / "all").symlink_to("/usr")
    os.mkfifo(home.root / "fifo")

    findings, checkup = _look(home)

    assert ([], 3) == (findings, checkup.unknown_files)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM tasks",
        "UPDATE videos SET status = 'ready' WHERE id = 1",
        "UPDATE videos SET size = NULL",
        "UPDATE videos SET status = 'lost' WHERE id = 2",
        "UPDATE videos SET path_key = 'x' || id, path = 'twice.mp4' WHERE id < 3",
    ],
)
def test_rows_that_contradict_each_other_are_found(home: Home, statement: str) -> None:
    """F73: keys that lead nowhere, a status that its row does not bear out, two videos with one path."""
    with raw(home.ledger) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)
    (home.root / f"{vid(2)}.mp4").unlink()

    findings, checkup = _look(home)

    assert {"ledger"} == {one.kind.value for one in findings}
    assert (ExitCode.LEDGER, 0) == (checkup.code, checkup.done), "rows that are wrong say nothing about files"


def test_an_index_that_is_not_its_tables_is_found(home: Home) -> None:
    """F73: no other command would notice, it would only find nothing."""
    write_past_index(home.ledger, "ix_tasks_due", "UPDATE tasks SET next_poll_at = 5")

    findings, checkup = _look(home)

    assert {"ledger"} == {one.kind.value for one in findings}
    assert ExitCode.LEDGER == checkup.code


@pytest.mark.parametrize("name", ["videos", "events", "tasks", "ix_task_items_video", "sqlite_schema"])
def test_random_bytes_in_a_page_are_found(home: Home, name: str) -> None:
    """F73: wherever they are."""
    spoil_page(home.ledger, name)

    found: list[Finding] = []
    with contextlib.suppress(LedgerDamagedError):
        found, checkup = _look(home)
        assert (bool(found), ExitCode.LEDGER) == (True, checkup.code)
    assert {"ledger"} >= {one.kind.value for one in found}


def test_each_fault_of_a_page_is_a_finding_of_its_own(home: Home) -> None:
    """SQLite tells several in one text; none is lost in it, and none has an escape in place of an end of line."""
    first = append_stray_pages(home.ledger, 2)

    findings, checkup = _look(home)

    told = [one.detail.replace(":", " is") for one in findings]  # As SQLite 3.43 and later have it.
    assert [f"Page {first} is never used", f"Page {first + 1} is never used"] == told
    assert ExitCode.LEDGER == checkup.code


def test_looking_changes_nothing_and_sees_what_is_in_the_wal(home: Home) -> None:
    """F76: what a crash left stays as it is, and counts."""
    with raw(home.ledger) as connection:
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE videos SET size = size + 1 WHERE vid = ?", (vid(2),))
        kept = {name: (home.dot / name).read_bytes() for name in ("ledger.db", "ledger.db-wal")}
    for name, data in kept.items():
        (home.dot / name).write_bytes(data)
    (home.parts / "99-00000000.part").write_bytes(b"no such video")
    before = contents(home.root)

    findings, _ = _look(home)

    assert [("wrong_size", f"{vid(2)}.mp4"), ("stray_part", ".fetcher/parts/99-00000000.part")] == _told(findings)
    after = contents(home.root)
    del after[".fetcher/ledger.db-shm"]
    assert before == after


def test_a_writer_is_not_held_up_by_one_who_looks(home: Home) -> None:
    """Nor does who looks see half of what it writes."""
    with looking_at(home.ledger) as connection, opened(home.dot, patience_s=0.2) as ledger:
        findings = Checkup(connection, home, now=NOW).findings()
        added(ledger, 2)
        polled(ledger, 2, seen(9))
        assert [] == list(findings)


def test_a_ledger_on_a_disk_that_cannot_be_written_is_looked_at(home: Home) -> None:
    """F75: who looks needs no write lock and leaves no lock file."""
    (home.dot / "ledger.db.lock").unlink()

    assert [] == _look(home)[0]
    assert not (home.dot / "ledger.db.lock").exists()


@pytest.mark.parametrize(("revision", "error"), [("9999", LedgerTooNewError), ("0000", LedgerError)])
def test_another_schema_is_refused(home: Home, revision: str, error: type[LedgerError]) -> None:
    """F74: of a later version, or of an earlier one that has still to be upgraded."""
    with raw(home.ledger) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))

    with looking_at(home.ledger) as connection, pytest.raises(error, match="schema"):
        require_known_schema(connection, home.ledger, revisions=("0000", *REVISIONS))


def test_parts_that_cannot_be_read_are_an_error_of_the_disk(home: Home) -> None:
    home.parts.rmdir()

    with pytest.raises(FileNotFoundError):
        _look(home)


def test_a_finding_is_one_line_fit_for_a_terminal(home: Home) -> None:
    """F94."""
    with raw(home.ledger) as connection:
        connection.execute("UPDATE videos SET path = ? WHERE vid = ?", ("\x1b[2Jgone\u202e\n.mp4", vid(1)))

    (line,) = map(finding_line, _look(home)[0])

    assert line.isprintable()
    assert f"missing     {vid(1)} \\u001b[2Jgone\\u202e\\u000a.mp4: the file is gone" == line


_LOOK = """
import resource, sys
from pathlib import Path
from fetcher.archive.home import Home
from fetcher.ledger.looking import looking_at
from fetcher.report.checkup import Checkup
home = Home(Path(sys.argv[1]))
with looking_at(home.ledger) as connection:
    print(sum(1 for _ in Checkup(connection, home, now=0).findings()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(home: Home) -> None:
    """F103: page by page. FETCHER_TEST_ROWS sets how many rows."""
    rows, peaks_kib = int(os.environ.get("FETCHER_TEST_ROWS", "30000")), []
    for first, last in ((10, 1000), (1001, rows)):
        fill_with_done(home.ledger, first=first, last=last)
        ran = subprocess.run([sys.executable, "-c", _LOOK, home.root], capture_output=True, text=True, check=True)
        findings, peak_kib = map(int, ran.stdout.split())
        assert last - 9 == findings
        peaks_kib.append(peak_kib)

    assert peaks_kib[1] < peaks_kib[0] + 24 * 1024
