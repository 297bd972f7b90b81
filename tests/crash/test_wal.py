"""Power cuts of a process that writes until its WAL is copied into the ledger and begun anew, and further."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from crash.counts import points, seeds
from crash.disk import Disk, File
from crash.many_commits import AT_ONCE, task_ids
from crash.power import SEEDED, Everything, Nothing, Remains, after_power_cut
from crash.records import Call, Kind, read_calls
from crash.runs import Runs, runs_under
from crash.shim import Injection
from telling import Tell

from fetcher.archive.home import create_home
from fetcher.ledger.upgrade import create_ledger

_COMMITS: Final = 60
_LEDGER: Final = ".fetcher/ledger.db"
_WAL: Final = f"{_LEDGER}-wal"


@pytest.fixture
def runs(shim: Path, tmp_path: Path) -> Iterator[Runs]:
    """Yield what runs the program that commits."""
    with runs_under(shim, tmp_path, program="crash.many_commits") as made:
        yield made


def test_no_power_cut_around_a_wal_that_is_begun_anew_costs_a_commit(
    runs: Runs, tmp_path: Path, tell: Tell
) -> None:
    """F04, F05, F76: what was acknowledged is there, commits are there as a whole, in their order."""
    home = create_home(tmp_path / "archive", config="", prepare=lambda home: create_ledger(home.ledger))
    disk, log = Disk.holding(home.root), tmp_path / "log"
    arguments = (str(home.ledger), str(home.root / "told"), str(_COMMITS))
    ended = runs.run(*arguments, root=home.root, environ={}, injection=Injection(log=log))
    assert (0, "") == (ended.code, ended.stderr)
    calls = read_calls(log, root=home.root)
    wanted = _cuts(calls)
    expected = [sorted(task_ids(number)) for number in range(_COMMITS)]
    tried = 0
    for number, call in enumerate(calls):
        disk.apply(call)
        if number not in wanted:
            continue
        told = _told(disk)
        for survival in (Nothing(), Everything(), *(kind(seed) for seed in seeds(usual=1) for kind in SEEDED)):
            found = _commits(after_power_cut(disk, survival), tmp_path)
            assert told <= len(found), f"power lost after {call}, left: {survival}"
            assert expected[: len(found)] == found, f"power lost after {call}, left: {survival}"
            tried += 1

    tell(f"{tried} states after {len(wanted)} power cuts")
    assert tried > 100


def _told(disk: Disk) -> int:
    """Return how many commits the process knew of when the power went."""
    told = disk.root.now().get("told")
    return int(told.now() or b"0") if isinstance(told, File) else 0


def _cuts(calls: Sequence[Call]) -> set[int]:
    """Return after which calls the power goes: those around the moments when the WAL is begun anew, and others."""
    begun = [number for number, call in enumerate(calls) if _begins_wal(call)]
    copied = [number for number, call in enumerate(calls) if call.kind is Kind.WRITE and call.path == _LEDGER]
    between = [number for number in copied if begun[0] < number < begun[-1]]
    assert len(begun) >= 2, "the WAL was never begun anew: more commits are needed"
    assert between, "nothing was copied into the ledger before"
    changes = [number for number, call in enumerate(calls) if call.is_change]
    around = {number + by for number in begun[1:] for by in range(-3, 8)}
    around |= {between[0] - 1, *between[:: max(len(between) // 8, 1)], between[-1], between[-1] + 1}
    return around | {changes[point - 1] for point in points(len(changes), usual=12) if point <= len(changes)}


def _begins_wal(call: Call) -> bool:
    return call.kind is Kind.WRITE and call.path == _WAL and call.offset == 0


def _commits(remains: Remains, scratch: Path) -> list[list[str]]:
    """Return what each commit recorded that is there."""
    with closing(sqlite3.connect(f"file:{remains.put_ledger(scratch)}?mode=rw", uri=True)) as opened:
        assert [("ok",)] == opened.execute("PRAGMA quick_check").fetchall()
        found = [task_id for (task_id,) in opened.execute("SELECT task_id FROM tasks ORDER BY id")]
    return [sorted(found[at : at + AT_ONCE]) for at in range(0, len(found), AT_ONCE)]
