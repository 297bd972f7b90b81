"""An upgrade of the ledger, from every schema there was: killed at any call, and without power after any."""

import shutil
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from alembic import command
from alembic.config import Config
from crash.counts import fewest, points, seeds
from crash.disk import Disk
from crash.lanes import Lane
from crash.power import SEEDED, Everything, Nothing, after_power_cut
from crash.records import read_calls
from crash.runs import Ended, Runs, runs_under
from crash.shim import Injection, Mode
from sqlalchemy import create_engine
from telling import Tell

from fetcher.ledger.schema import APPLICATION_ID, REVISIONS
from fetcher.ledger.upgrade import migrations_directory

_NEXT: Final = "9999"
_MIGRATION: Final = f"""
import sqlalchemy as sa
from alembic import op

revision = "{_NEXT}"
down_revision = "{REVISIONS[-1]}"


def upgrade():
    with op.batch_alter_table("videos") as batch:
        batch.add_column(sa.Column("extra", sa.Text()))
    op.create_table("novelties", sa.Column("id", sa.Integer(), primary_key=True), sqlite_strict=True)
"""
_BETWEEN: Final = REVISIONS[1:-1]
"""Schemas whose upgrade is broken off at a third of the points: how it copies and commits is the same for all."""
_VIDEOS: Final = 300
"""Enough for an upgrade that writes many pages."""


@dataclass(frozen=True, slots=True)
class State:
    """All that counts of a ledger."""

    revision: str
    shape: tuple[str, ...]
    vids: tuple[str, ...]


class Upgrading:
    """A ledger with an older schema, what is made of it, and a program that does so."""

    def __init__(self, place: Path, runs: Runs, *, old: str) -> None:
        self._place = place
        self._runs = runs
        self.root = place / "archive"
        self.ledger = self.root / "ledger.db"
        self._beginning = place / "beginning"
        self._scripts = Path(shutil.copytree(migrations_directory(), place / "scripts"))
        (self._scripts / "versions" / f"{_NEXT}_next.py").write_text(_MIGRATION, encoding="utf-8")
        self._beginning.mkdir()
        self._part = 3 if old in _BETWEEN else 1
        self._make(self._beginning / "ledger.db", old)
        self.begin()
        self.old = state_of(self.ledger)
        assert (old, _VIDEOS) == (self.old.revision, len(self.old.vids))
        self.calls = self.upgrade(Injection())
        self.new = state_of(self.ledger)
        assert (_NEXT, self.old.vids) == (self.new.revision, self.new.vids)

    def _make(self, path: Path, revision: str) -> None:
        """Make a ledger as it was when *revision* was the newest."""
        with closing(sqlite3.connect(path)) as made:
            made.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            made.execute("PRAGMA journal_mode = WAL")
        engine = create_engine(f"sqlite:///{path}")
        config = Config()
        config.set_main_option("script_location", str(self._scripts))
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            connection.exec_driver_sql(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
                "INSERT INTO videos (vid, status, added_at) SELECT printf('%032x_1', i), 'wanted', 1 FROM n",
                (_VIDEOS,),
            )
        engine.dispose()

    def begin(self) -> None:
        """Put the older ledger in place."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._beginning, self.root)

    def upgrade(self, injection: Injection) -> int:
        """Upgrade; return how many calls were made, -1 where it was killed."""
        arguments = (str(self.ledger), str(self._scripts), *REVISIONS, _NEXT)
        ended = self._runs.run(*arguments, root=self.root, environ={}, injection=injection)
        assert ended.code in (0, -signal.SIGKILL), ended.stderr
        return ended.calls

    def points(self, total: int, *, usual: int) -> Sequence[int]:
        """Return at which of *total* calls something is to happen."""
        return points(total, usual=max(usual // self._part, 2))

    def require_old_or_new(self, ledger: Path, copies: Sequence[Path]) -> None:
        """See that the ledger is the one or the other as a whole, and that whoever kept a copy has the old one."""
        state = state_of(ledger)
        assert state in (self.old, self.new)
        assert {self.old} >= {state_of(copy) for copy in copies}
        assert copies or state == self.old

    @property
    def copies(self) -> list[Path]:
        """What calls itself a copy of the older ledger."""
        return [path for path in self.root.glob("ledger.db.before-*") if path.name[-1].isdigit()]

    def require_healing(self) -> None:
        """See that the next command ends with the newest schema, and that nothing unfinished is left."""
        assert self.upgrade(Injection()) > 0
        assert self.new == state_of(self.ledger)
        assert self.copies
        assert {self.old} == {state_of(copy) for copy in self.copies}
        assert [] == [path.name for path in self.root.iterdir() if "unfinished" in path.name]


def state_of(ledger: Path) -> State:
    """Return what a ledger holds, as whoever opens it next finds it."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True)) as opened:
        assert [("ok",)] == opened.execute("PRAGMA integrity_check").fetchall()
        assert [] == opened.execute("PRAGMA foreign_key_check").fetchall()
        assert (APPLICATION_ID,) == opened.execute("PRAGMA application_id").fetchone()
        (revision,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
        shape = opened.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()
        vids = opened.execute("SELECT vid FROM videos ORDER BY vid").fetchall()
    return State(revision, tuple(made for (made,) in shape), tuple(vid for (vid,) in vids))


@pytest.fixture(scope="module", params=REVISIONS)
def upgrading(
    request: pytest.FixtureRequest, shim: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgrading]:
    """Yield an upgrade from each schema that a release has had."""
    place = tmp_path_factory.mktemp("upgrade")
    with runs_under(shim, place, program="crash.one_upgrade") as runs:
        yield Upgrading(place, runs, old=request.param)


@pytest.mark.parametrize(("mode", "usual"), [(Mode.BEFORE, 12), (Mode.AFTER, 4), (Mode.TORN, 8)])
def test_an_upgrade_killed_at_any_call_leaves_the_old_ledger_or_the_new_one(
    upgrading: Upgrading, tell: Tell, mode: Mode, usual: int
) -> None:
    """F74: and a copy is a whole one; the next command makes up for it."""
    tried = 0
    chosen = upgrading.points(upgrading.calls, usual=usual)
    for point in chosen:
        upgrading.begin()
        if upgrading.upgrade(Injection(mode=mode, point=point)) != -1:
            break
        try:
            upgrading.require_old_or_new(upgrading.ledger, upgrading.copies)
            upgrading.require_healing()
        except (AssertionError, sqlite3.Error) as exc:
            raise AssertionError(f"killed at call {point} of {upgrading.calls}: {exc}") from exc
        tried += 1

    tell(f"{tried} kills, in an upgrade of {upgrading.calls} calls")
    assert tried >= fewest(upgrading.calls, chosen)


def test_no_power_cut_of_an_upgrade_leaves_anything_between(
    upgrading: Upgrading, tell: Tell, tmp_path: Path
) -> None:
    """F05, F06, F74: whatever the disk keeps; where the ledger is the new one, the copy is durable."""
    upgrading.begin()
    disk, log = Disk.holding(upgrading.root), tmp_path / "log"
    upgrading.upgrade(Injection(log=log))
    calls = read_calls(log, root=upgrading.root)
    changes = [number for number, call in enumerate(calls) if call.is_change]
    wanted = {changes[point - 1] for point in upgrading.points(len(changes), usual=36) if point <= len(changes)}
    tried = 0
    for number, call in enumerate(calls):
        disk.apply(call)
        if number not in wanted:
            continue
        for survival in (Nothing(), Everything(), *(kind(seed) for seed in seeds(usual=1) for kind in SEEDED)):
            left = tmp_path / "left"
            after_power_cut(disk, survival).put(left)
            try:
                copies = [path for path in left.glob("ledger.db.before-*") if path.name[-1].isdigit()]
                upgrading.require_old_or_new(left / "ledger.db", copies)
            except (AssertionError, sqlite3.Error) as exc:
                raise AssertionError(f"power lost after {call}, left: {survival}: {exc}") from exc
            shutil.rmtree(left)
            tried += 1

    tell(f"{tried} states after {len(wanted)} power cuts")
    assert tried >= 4 * 12


@pytest.mark.parametrize("mode", [Mode.BEFORE, Mode.TORN])
def test_a_backup_killed_at_any_call_is_a_whole_copy_or_none(lane: Lane, tell: Tell, mode: Mode) -> None:
    """F76: and it can be made again under the same name."""
    copy, beginning = lane.root / "copy.db", state_of(lane.root / ".fetcher" / "ledger.db")

    def backup(injection: Injection) -> Ended:
        return lane.run("ledger", "backup", str(copy), injection=injection)

    total, tried = backup(Injection()).calls, 0
    chosen = points(total, usual=6)
    for point in chosen:
        copy.unlink(missing_ok=True)
        if backup(Injection(mode=mode, point=point)).code != -signal.SIGKILL:
            break
        if not copy.exists():
            assert 0 == backup(Injection()).code
        assert beginning == state_of(copy)
        tried += 1

    tell(f"{tried} kills, in {total} calls")
    assert tried >= fewest(total, chosen)
