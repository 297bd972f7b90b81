"""Make a ledger, open it, refuse what is none: on real files, with real processes beside."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_cases import added, child, opened, raw, ready, rows

from fetcher.domain.errors import (
    LedgerDamagedError,
    LedgerError,
    LedgerMissingError,
    LedgerTooNewError,
    UsageError,
)
from fetcher.ledger.engine import open_database
from fetcher.ledger.schema import APPLICATION_ID
from fetcher.ledger.upgrade import create_ledger, require_current


def fill(path: Path) -> None:
    """Have a ledger hold a few pages."""
    with opened(path.parent) as ledger:
        ready(ledger, *range(100))


def test_a_new_ledger_is_private_and_marked_as_ours(path: Path) -> None:
    """F92."""
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    with raw(path) as connection:
        assert [(APPLICATION_ID,)] == connection.execute("PRAGMA application_id").fetchall()
        assert [("wal",)] == connection.execute("PRAGMA journal_mode").fetchall()
        tables = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
    strict = {name for name, is_strict in tables if is_strict}
    assert {"tasks", "videos", "task_items", "events", "runs", "link_clocks"} == strict


def test_a_new_ledger_leaves_no_draft_behind(path: Path) -> None:
    assert {"ledger.db", "ledger.db.lock"} == set(os.listdir(path.parent))


def test_files_beside_an_open_ledger_are_private_too(path: Path) -> None:
    """F92: links stand in the -wal file as well."""
    with opened(path.parent) as ledger:
        ready(ledger, 1)
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in path.parent.iterdir()}
    assert dict.fromkeys(("ledger.db", "ledger.db.lock", "ledger.db-wal", "ledger.db-shm"), 0o600) == modes


def test_an_open_ledger_keeps_what_it_acknowledged_and_checks_its_keys(path: Path) -> None:
    with opened(path.parent) as ledger, ledger.reading() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "foreign_keys")]
        assert [2, 1] == found
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal"])
def test_nothing_is_made_over_what_is_there(tmp_path: Path, name: str) -> None:
    """A -wal file that outlived its ledger would be played into the new one."""
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(UsageError, match="is there already"):
        create_ledger(tmp_path / "ledger.db")
    assert b"precious" == (tmp_path / name).read_bytes()


def test_nothing_is_made_in_place_of_a_link_that_leads_nowhere_now(tmp_path: Path) -> None:
    """F81: the ledger may be on a disk that is not mounted."""
    (tmp_path / "ledger.db").symlink_to(tmp_path / "unmounted" / "ledger.db")
    with pytest.raises(UsageError, match="is there already"):
        create_ledger(tmp_path / "ledger.db")
    assert (tmp_path / "ledger.db").is_symlink()


def test_a_draft_that_a_crash_left_is_replaced(tmp_path: Path) -> None:
    for end in ("", "-wal", "-journal"):
        (tmp_path / f"ledger.db.new{end}").write_bytes(b"half of something")
    with opened(tmp_path) as ledger:
        assert [] == rows(ledger, "SELECT * FROM videos")


def test_of_two_that_make_a_ledger_at_once_one_is_told(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from fetcher.ledger.upgrade import create_ledger\n"
    code += "print('ready', flush=True); sys.stdin.readline(); create_ledger(Path(sys.argv[1]))"
    makers = [child(code, tmp_path / "ledger.db") for _ in range(2)]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write("\n")
        maker.stdin.flush()
    for maker in makers:
        maker.communicate()
    assert [0, 1] == sorted(maker.returncode for maker in makers)
    with opened(tmp_path) as ledger:
        require_current(ledger)


def test_a_missing_ledger_is_told_and_none_is_made(tmp_path: Path) -> None:
    """F73, F77."""
    with pytest.raises(LedgerMissingError, match="is missing"):
        open_database(tmp_path / "ledger.db")
    assert [] == os.listdir(tmp_path)


def cut_to(size: int) -> Callable[[Path], object]:
    """Return a way to cut a file to *size*."""
    return lambda path: os.truncate(path, size)


@pytest.mark.parametrize(
    "harm",
    [
        cut_to(0),
        cut_to(99),
        cut_to(4096),
        cut_to(20_000),
        lambda path: path.write_bytes(b"not a database at all\n" * 100),
        lambda path: path.write_bytes(os.urandom(40_960)),
        lambda path: path.write_bytes(path.read_bytes()[:100] + os.urandom(path.stat().st_size - 100)),
    ],
    ids=["empty", "99 bytes", "one page", "cut", "text", "random", "random after the header"],
)
def test_a_broken_ledger_is_refused_and_left_as_it_is(path: Path, harm: Callable[[Path], object]) -> None:
    """F73: SQLite would take an empty file for a new database."""
    fill(path)
    harm(path)
    before = path.read_bytes()

    def look() -> None:
        with opened(path.parent) as ledger:
            require_current(ledger)

    with pytest.raises(LedgerDamagedError, match="Restore a copy"):
        look()
    assert before == path.read_bytes()


def test_random_bytes_in_a_page_are_told_when_it_is_read_and_nothing_is_written(path: Path) -> None:
    """F73."""
    fill(path)
    with raw(path) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'videos'").fetchone()[0]
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(os.urandom(4096))
    with opened(path.parent) as ledger, pytest.raises(LedgerError, match="damaged"):
        ready(ledger, 1000, task=2)


def test_another_programs_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    """F73."""
    path = tmp_path / "ledger.db"
    with raw(path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LedgerDamagedError, match="another program"):
        open_database(path)
    assert before == path.read_bytes()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", LedgerTooNewError),
        ("DELETE FROM alembic_version", LedgerDamagedError),
        ("DROP TABLE alembic_version", LedgerDamagedError),
    ],
)
def test_a_schema_that_is_newer_or_none_is_refused(path: Path, change: str, error: type[LedgerError]) -> None:
    """F74."""
    with raw(path) as connection:
        connection.execute(change)
    with opened(path.parent) as ledger, pytest.raises(error):
        require_current(ledger)
    assert {"ledger.db", "ledger.db.lock"} == set(os.listdir(path.parent))


def test_a_path_with_the_signs_of_a_url_is_opened_as_it_is(tmp_path: Path) -> None:
    directory = tmp_path / "a?b#c%41 视频"
    directory.mkdir()
    with opened(directory) as ledger:
        ready(ledger, 1)
    assert {"ledger.db", "ledger.db.lock"} == set(os.listdir(directory))


def test_a_ledger_that_lost_its_wal_mode_gets_it_back(path: Path) -> None:
    """A restored dump is an ordinary database."""
    with raw(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    with opened(path.parent) as ledger, ledger.reading() as connection:
        assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()


@pytest.mark.parametrize("what", ["file", "directory"])
def test_a_ledger_that_cannot_be_written_is_told_on_opening(path: Path, what: str) -> None:
    """F75: before any download, not at the first finished one."""
    code = "import sys; from pathlib import Path; from fetcher.ledger.engine import open_database\n"
    code += "try: open_database(Path(sys.argv[1]))\n"
    code += "except Exception as exc: print(type(exc).__name__, exc)"
    command = [sys.executable, "-c", code, str(path)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write anything, and setpriv is not here to take that away")
        command = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override", *command]
    (path if what == "file" else path.parent).chmod(0o400 if what == "file" else 0o500)
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    finally:
        path.parent.chmod(0o700)
    assert told.startswith("StorageError")
    assert "cannot be written" in told


def test_a_ledger_deleted_while_open_stops_the_next_write(path: Path) -> None:
    """F77."""
    with opened(path.parent) as ledger:
        path.unlink()
        with pytest.raises(LedgerMissingError, match="removed or replaced"):
            added(ledger)
    assert not path.exists()


def test_a_ledger_replaced_while_open_stops_the_next_write(path: Path, tmp_path: Path) -> None:
    """F77."""
    other = tmp_path / "other"
    other.mkdir()
    create_ledger(other / "ledger.db")
    with opened(path.parent) as ledger:
        os.replace(other / "ledger.db", path)
        with pytest.raises(LedgerMissingError, match="removed or replaced"):
            added(ledger)
    with opened(path.parent) as ledger:
        assert [] == rows(ledger, "SELECT * FROM tasks")
