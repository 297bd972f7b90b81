"""What looks after the histories sees what is wrong: a good end is spoilt by hand, and has to be found out."""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from simulation.disk import drop_template, scratch_directory
from simulation.history import History
from simulation.invariants import BrokenPromiseError

from fetcher.archive.home import Home

_SEED: Final = 7
"""Videos are done in the end, and nothing happened that the rows below speak of."""


@pytest.fixture(name="place", scope="module", autouse=True)
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fetcher-histories-", dir=scratch_directory()) as directory:
        yield Path(directory)
    drop_template()


@pytest.fixture(name="history")
def _history() -> Iterator[History]:
    with tempfile.TemporaryDirectory(prefix="fetcher-histories-", dir=scratch_directory()) as directory:
        history = History(_SEED, Path(directory))
        history.tell()
        yield history


def _file(home: Home) -> Path:
    """Return a finished file."""
    return next(path for path in sorted(home.root.rglob("*.mp4")) if path.is_file())


def _take_file(home: Home) -> None:
    _file(home).unlink()


def _flip_bit(home: Home) -> None:
    content = bytearray(_file(home).read_bytes())
    content[-1] ^= 1
    _file(home).write_bytes(content)


def _cut_file(home: Home) -> None:
    os.truncate(_file(home), 5)


def _leave_part(home: Home) -> None:
    (home.parts / "1-0123abcd.part").touch()


def _leave_stranger(home: Home) -> None:
    (home.root / "half.mp4").write_bytes(b"\0\0\0\x18ftyp")


def _sql(*statements: str) -> Callable[[Home], None]:
    def change(home: Home) -> None:
        with contextlib.closing(sqlite3.connect(home.ledger)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()

    return change


_DONE: Final = "(SELECT min(id) FROM videos WHERE status = 'done')"


@pytest.mark.parametrize(
    ("spoil", "seen"),
    [
        (_take_file, "there is no file"),
        (_flip_bit, "none of the origin's files"),
        (_cut_file, "none of the origin's files"),
        (_leave_part, "left among the parts"),
        (_leave_stranger, "belongs to no video"),
        (_sql("DELETE FROM tasks WHERE id = 1"), "rows are gone"),
        (_sql(f"UPDATE videos SET sha256 = '{'0' * 64}' WHERE id = {_DONE}"), "tells of other bytes"),
        (_sql(f"UPDATE videos SET status = 'wanted' WHERE id = {_DONE}"), "its history ends"),
        (_sql(f"UPDATE videos SET status = 'failed', reason = 'gone' WHERE id = {_DONE}"), "nothing of the kind"),
        (_sql("UPDATE runs SET exit_code = 77"), "the ledger says 77"),
    ],
)
def test_what_is_wrong_is_found(history: History, spoil: Callable[[Home], None], seen: str) -> None:
    assert history.look().standing("done")
    spoil(history.home)

    with pytest.raises(BrokenPromiseError, match=seen):
        history.look()
