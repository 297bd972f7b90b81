"""A new archive: killed while it is made, and without power soon after."""

import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from crash.counts import fewest, points, seeds
from crash.disk import Disk
from crash.lanes import Lane
from crash.power import SEEDED, Everything, Nothing, after_power_cut
from crash.records import read_calls
from crash.shim import Injection, Mode
from telling import Tell

_TASK: Final = "16661c08b9564c1ea6f4544ccd568e58"


@pytest.fixture(name="new")
def _new(lane: Lane, tmp_path: Path) -> Lane:
    """Return a lane whose archive is not made yet."""
    (tmp_path / "new").mkdir()
    return lane.at(tmp_path / "new")


def _init(lane: Lane, injection: Injection) -> int:
    ended = lane.run("-q", "init", str(lane.root), injection=injection)
    assert not ended.stderr
    return ended.code


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.TORN])
def test_an_init_that_was_killed_at_any_call_can_be_made_again(new: Lane, tell: Tell, mode: Mode) -> None:
    """F01: what it left is taken or thrown away; the archive is one then, with all settings and an empty ledger."""
    total = new.run("-q", "init", str(new.root)).calls
    config = new.root / ".fetcher" / "config.toml"
    whole = config.read_bytes()
    tried = 0
    chosen = points(total, usual=6)
    for point in chosen:
        shutil.rmtree(new.root)
        new.root.mkdir()
        if _init(new, Injection(mode=mode, point=point)) != -signal.SIGKILL:
            break
        if not config.exists():
            assert 0 == _init(new, Injection())
        assert whole == config.read_bytes()
        assert [] == list(config.parent.glob("*.new*"))
        added = new.run("add", _TASK)
        assert (0, "") == (added.code, added.stderr)
        tried += 1

    tell(f"{tried} kills, in {total} calls")
    assert tried >= fewest(total, chosen)


def test_what_add_was_told_survives_a_power_cut(new: Lane, tmp_path: Path, tell: Tell) -> None:
    """F05, F06: the archive is there, its settings are whole, and the ledger names the task."""
    disk, log = Disk(), tmp_path / "log"
    assert 0 == _init(new, Injection(log=log))
    assert 0 == new.run("add", _TASK, injection=Injection(log=log)).code
    config = (new.root / ".fetcher" / "config.toml").read_bytes()
    for call in read_calls(log, root=new.root):
        disk.apply(call)

    survivals = (Nothing(), Everything(), *(kind(seed) for seed in seeds(usual=5) for kind in SEEDED))
    for survival in survivals:
        remains = after_power_cut(disk, survival)
        assert {".fetcher/config.toml", ".fetcher/ledger.db"} <= remains.files.keys(), survival
        assert config == remains.read(".fetcher/config.toml")
        assert [_TASK] == _tasks(remains.put_ledger(tmp_path))

    tell(f"{len(survivals)} states")


def _tasks(ledger: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True)) as opened:
        return [task_id for (task_id,) in opened.execute("SELECT task_id FROM tasks")]
