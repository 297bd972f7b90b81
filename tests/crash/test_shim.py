"""The shim sees what it has to see; and what it saw shows the order of things."""

import errno
from collections.abc import Sequence
from pathlib import Path

import pytest
from crash.disk import Disk
from crash.lanes import Lane
from crash.power import Everything, after_power_cut
from crash.records import Call, Kind, read_calls
from crash.shim import Injection, Mode


@pytest.fixture
def calls(lane: Lane, tmp_path: Path) -> Sequence[Call]:
    """Return the calls of a run to its end."""
    ended = lane.sync(Injection(log=tmp_path / "log"))
    assert (0, "", "") == (ended.code, ended.stdout, ended.stderr)
    lane.library.require_all_done(lane.root, lane.scratch)
    return read_calls(tmp_path / "log", root=lane.root)


def test_calls_of_the_program_and_of_sqlite_are_seen(calls: Sequence[Call]) -> None:
    """Parts, memos, names, directories; the ledger's -wal frames, its commits, its checkpoint."""
    seen = {(call.kind, _kind_of_file(call.path)) for call in calls if call.result >= 0 and call.number}

    assert seen >= {
        (Kind.OPEN, ".part"),
        (Kind.WRITE, ".part"),
        (Kind.CUT, ".part"),
        (Kind.FLUSH, ".part"),
        (Kind.LINK, ".part"),
        (Kind.REMOVE, ".part"),
        (Kind.WRITE, ".memo~"),
        (Kind.FLUSH, ".memo~"),
        (Kind.RENAME, ".memo~"),
        (Kind.REMOVE, ".memo"),
        (Kind.MAKE_DIRECTORY, "late"),
        (Kind.FLUSH, "films"),
        (Kind.OPEN, ".db-wal"),
        (Kind.WRITE, ".db-wal"),
        (Kind.FLUSH, ".db-wal"),
        (Kind.REMOVE, ".db-wal"),
        (Kind.WRITE, ".db"),
        (Kind.FLUSH, ".db"),
        (Kind.FLUSH, ".fetcher"),
    }


def _kind_of_file(path: str) -> str:
    name = Path(path).name
    return Path(name).suffix if not name.startswith(".") and Path(name).suffix else name


def test_what_was_seen_is_what_is_on_the_disk(lane: Lane, calls: Sequence[Call]) -> None:
    """Replayed, the log makes the same archive, so no call is missing in it."""
    disk = Disk.holding(lane.library.beginning)
    for call in calls:
        disk.apply(call)

    remains = after_power_cut(disk, Everything())

    there = {str(path.relative_to(lane.root)): path for path in lane.root.rglob("*") if path.is_file()}
    assert sorted(there) == sorted(remains.files)
    assert [] == [name for name, path in there.items() if path.read_bytes() != remains.read(name)]


def test_done_is_said_after_bytes_and_name_are_durable(lane: Lane, calls: Sequence[Call]) -> None:
    """The bytes are flushed, then named, then the name is flushed, and then only the row goes to the disk."""
    placed = [call for call in calls if call.kind is Kind.LINK and call.result == 0]
    assert {call.other for call in placed} == lane.library.paths.keys() - {lane.library.whole}
    for named in placed:
        of_part = [call for call in calls if call.path == named.path]
        written = [call for call in of_part if call.kind is Kind.WRITE][-1]
        (flushed,) = [call for call in of_part if call.kind is Kind.FLUSH]
        above = [call for call in calls if call.kind is Kind.FLUSH and call.path == named.other.rpartition("/")[0]]
        durable = next(call for call in above if call.number > named.number)
        digest = lane.library.paths[named.other].sha256().encode()
        said = next(call for call in calls if call.path.endswith("-wal") and digest in call.data)

        assert written.number < flushed.number < named.number < durable.number < said.number


def test_a_failure_is_the_kernel_s_as_far_as_the_program_can_tell(lane: Lane, tmp_path: Path) -> None:
    """F80: the chosen call fails, alone, with the chosen reason, and changes nothing."""
    log = tmp_path / "log"
    ended = lane.sync(Injection(mode=Mode.FAIL, point=1, error=errno.ESTALE, only="link:films", log=log))

    assert 7 == ended.code
    made = [call for call in read_calls(log, root=lane.root) if call.kind is Kind.LINK and "films" in call.other]
    assert [-errno.ESTALE] == [call.result for call in made if call.number == 1]
