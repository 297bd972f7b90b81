"""Several processes and one ledger: who waits, who is told, and what an error text may hold."""

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import CANARY, added, child, ended, opened, polled, raw, ready, rows, seen, vid
from sqlalchemy import text

from fetcher.domain.errors import LedgerError, LedgerLockedError

HOLD_FLOCK: Final = """
import fcntl, sys
file = open(sys.argv[1] + ".lock", "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("ready", flush=True)
sys.stdin.read()
"""
HOLD_WRITE: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("ready", flush=True)
sys.stdin.read()
"""
OPEN_AND_CLOSE: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM videos").fetchall()
connection.close()
"""


@pytest.mark.parametrize("code", [HOLD_FLOCK, HOLD_WRITE])
def test_a_write_waits_while_another_process_writes(path: Path, code: str) -> None:
    """F70: for a while."""
    with opened(path.parent, patience_s=20) as ledger:
        other = child(code, path)
        with subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {other.pid}"]):
            added(ledger)
        assert -9 == other.wait()
        ended(other)
        assert 1 == len(rows(ledger, "SELECT * FROM tasks"))


@pytest.mark.parametrize("code", [HOLD_FLOCK, HOLD_WRITE])
def test_a_write_that_waited_too_long_says_so_and_the_next_one_succeeds(path: Path, code: str) -> None:
    """F70: for ever."""
    with opened(path.parent, patience_s=0.2) as ledger:
        other = child(code, path)
        with pytest.raises(LedgerLockedError, match="locked by another process"):
            added(ledger)
        ended(other)
        added(ledger)
        assert 1 == len(rows(ledger, "SELECT * FROM tasks"))


def test_reading_does_not_wait_for_a_writer(path: Path) -> None:
    with opened(path.parent, patience_s=0.2) as ledger:
        ready(ledger, 1)
        other = child(HOLD_WRITE, path)
        assert [{"vid": vid(1)}] == rows(ledger, "SELECT vid FROM videos")
        ended(other)


def test_opening_it_once_more_in_the_same_process_does_not_drop_its_locks(path: Path) -> None:
    """Closing any descriptor of the file would: the next process to leave would take the -wal file away."""
    with opened(path.parent) as ledger:
        ready(ledger, 1)
        with opened(path.parent) as again:
            rows(again, "SELECT * FROM videos")
        subprocess.run([sys.executable, "-c", OPEN_AND_CLOSE, str(path)], check=True)
        ready(ledger, 2, task=2)
        with raw(path) as connection:
            assert [(2,)] == connection.execute("SELECT count(*) FROM videos").fetchall()


def test_what_a_killed_writer_left_in_the_wal_is_found(path: Path) -> None:
    """F76."""
    code = "import os, sys; from pathlib import Path; from ledger_cases import opened, ready\n"
    code += "with opened(Path(sys.argv[1])) as ledger:\n    ready(ledger, 1)\n    os.kill(os.getpid(), 9)"
    ran = subprocess.run([sys.executable, "-c", code, str(path.parent)], check=False, env=_with_cases())
    assert -9 == ran.returncode
    assert Path(f"{path}-wal").stat().st_size > 0
    with opened(path.parent) as ledger:
        assert [{"vid": vid(1)}] == rows(ledger, "SELECT vid FROM videos")
    assert not Path(f"{path}-wal").exists()


def contexts(error: BaseException) -> list[BaseException]:
    """Return what was under way when *error* came: a logger may print that, too."""
    under = error.__context__
    return [] if under is None else [under, *contexts(under)]


def test_no_error_text_holds_a_bound_value(path: Path) -> None:
    """F91: a link stands in the statement that fails."""
    with opened(path.parent, patience_s=0.1) as ledger:
        ready(ledger, 1)
        errors = []
        for statement in (
            "UPDATE videos SET link = NULL WHERE link LIKE :link",
            "INSERT INTO videos (id, vid, status, link, added_at) VALUES (1, :link, 'ready', :link, 0)",
            "INSERT INTO videos (vid, status, link, added_at) VALUES (:link, 'ready', :link, 'x')",
            "INSERT INTO nowhere VALUES (:link)",
        ):
            with pytest.raises(LedgerError) as caught, ledger.writing() as connection:  # noqa: PT012
                connection.execute(text(statement), {"link": f"%{CANARY}%"})
                pytest.fail("it has to be refused")
            errors.append(caught.value)
        assert 4 == len(errors)
        told = "".join("".join(traceback.format_exception(one)) for one in errors)
        told += "".join(str(hidden) for one in errors for hidden in contexts(one))
    assert CANARY not in told
    assert "sqlite3." in told, "the cause is told, the row is not"


def test_a_failed_transaction_leaves_nothing_and_the_next_one_is_whole(path: Path) -> None:
    with opened(path.parent) as ledger:
        added(ledger)
        with pytest.raises(LedgerError), ledger.writing() as connection:  # noqa: PT012
            connection.execute(text("DELETE FROM tasks"))
            connection.execute(text("INSERT INTO videos (vid, status, added_at) VALUES ('v', 'done', 0)"))
        polled(ledger, 1, seen(1))
        assert 1 == len(rows(ledger, "SELECT * FROM tasks"))


def _with_cases() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
