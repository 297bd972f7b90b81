"""A rebuild of the ledger, and exports: killed at any call, and without power after any."""

import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import bagit  # type: ignore[import-untyped]
import pytest
from crash.counts import fewest, points, seeds
from crash.disk import Disk
from crash.power import SEEDED, Everything, Nothing, after_power_cut
from crash.records import Call, Kind, read_calls
from crash.runs import Ended, Runs, runs_under
from crash.shim import Injection, Mode
from done_archive import DoneArchive
from ledger_cases import vid
from telling import Tell

from fetcher.domain.exit_code import ExitCode

_FILES: Final = 12
_KILLS: Final = [(Mode.BEFORE, 12), (Mode.AFTER, 4), (Mode.TORN, 8)]
_CLOSELY: Final = (12, 3)
"""Calls before and after the one by which the new thing gets its name: all of them are tried."""
_REBUILD: Final = ("ledger", "rebuild", "--replace")


class Place:
    """A directory with an archive in it, as often as it is wanted as it was at first."""

    def __init__(self, place: Path, runs: Runs) -> None:
        self._beginning = place / "beginning"
        self._beginning.mkdir()
        self._runs = runs
        self.root = place / "root"
        archive = DoneArchive(self._beginning / "archive")
        archive.fill([f"{number % 3}/{vid(number)}.mp4" for number in range(1, _FILES + 1)])
        archive.add_sidecars()
        with closing(sqlite3.connect(archive.ledger)) as opened, opened:
            opened.execute("DELETE FROM videos WHERE id > 5")
        self.begin()

    def begin(self) -> None:
        """Put the archive in place."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._beginning, self.root)

    def run(self, *arguments: str, injection: Injection | None = None) -> Ended:
        """Run a command on it."""
        named = ("--archive", str(self.root / "archive"), *arguments)
        ended = self._runs.run(*named, root=self.root, environ={}, injection=injection or Injection())
        assert ended.code in (0, -signal.SIGKILL, ExitCode.SIGINT), ended.stderr
        return ended

    def killed(self, *arguments: str, mode: Mode, usual: int, see: Callable[[], None]) -> str:
        """Kill a command at some of its calls, *see* what it left; return how many kills that were."""
        self.begin()
        log = self.root.with_name("calls")
        log.unlink(missing_ok=True)
        total, tried = self.run(*arguments, injection=Injection(log=log)).calls, 0
        chosen = points(total, usual=usual)
        named = _naming(read_calls(log, root=self.root)).number
        closely = range(max(named - _CLOSELY[0], 1), named + _CLOSELY[1]) if mode is Mode.BEFORE else range(0)
        for point in sorted({*chosen, *closely}):
            self.begin()
            if self.run(*arguments, injection=Injection(mode=mode, point=point)).code == 0:
                break
            try:
                see()
            except (AssertionError, sqlite3.Error, bagit.BagError) as exc:
                raise AssertionError(f"killed at call {point} of {total}: {exc!r}") from exc
            tried += 1
        assert tried >= fewest(total, chosen)
        return f"{tried} kills, in {total} calls"

    def cut_off(self, *arguments: str, log: Path, see: Callable[[Path], None]) -> str:
        """Cut the power after some changes of a command, *see* what is left; return how many states that were."""
        self.begin()
        disk, tried = Disk.holding(self.root), 0
        assert 0 == self.run(*arguments, injection=Injection(log=log)).code
        calls = read_calls(log, root=self.root)
        changes = [number for number, call in enumerate(calls) if call.is_change]
        wanted = {changes[point - 1] for point in points(len(changes), usual=20) if point <= len(changes)}
        named = changes.index(calls.index(_naming(calls)))
        closely = set(changes[max(named - 3, 0) : named + 2])
        for number, call in enumerate(calls):
            disk.apply(call)
            if number not in wanted | closely:
                continue
            chances = seeds(usual=16 if number in closely else 1)
            for survival in (Nothing(), Everything(), *(kind(seed) for seed in chances for kind in SEEDED)):
                left = log.with_name("left")
                after_power_cut(disk, survival).put(left)
                try:
                    see(left)
                except (AssertionError, sqlite3.Error, bagit.BagError) as exc:
                    raise AssertionError(f"power lost after {call}, left: {survival}: {exc!r}") from exc
                shutil.rmtree(left)
                tried += 1
        return f"{tried} states after {len(wanted | closely)} power cuts"


def _naming(calls: Sequence[Call]) -> Call:
    """Return the call by which what was made gets its name: the last one that renames."""
    return [call for call in calls if call.kind is Kind.RENAME][-1]


@pytest.fixture(scope="module")
def place(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a place to run in."""
    directory = tmp_path_factory.mktemp("rebuild")
    with runs_under(shim, directory) as runs:
        yield Place(directory, runs)


def _known(root: Path) -> int:
    """Return how many videos the ledger knows: all, or as few as at first."""
    ledger = root / "archive" / ".fetcher" / "ledger.db"
    with closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True)) as opened:
        assert [("ok",)] == opened.execute("PRAGMA integrity_check").fetchall()
        (known,) = opened.execute("SELECT count(*) FROM videos").fetchone()
    assert known in (5, _FILES)
    return int(known)


@pytest.mark.parametrize(("mode", "usual"), _KILLS)
def test_a_rebuild_killed_at_any_call_leaves_the_old_ledger_or_the_new_one(
    place: Place, tell: Tell, mode: Mode, usual: int
) -> None:
    """F01, F04: and the next one makes up for it, with nothing of the first left."""

    def see() -> None:
        _known(place.root)
        assert 0 == place.run(*_REBUILD).code
        assert _FILES == _known(place.root)
        left = [path.name for path in (place.root / "archive" / ".fetcher").iterdir()]
        assert [] == [name for name in left if "rebuil" in name or name.endswith(".new")]

    tell(place.killed(*_REBUILD, mode=mode, usual=usual, see=see))


def test_no_power_cut_of_a_rebuild_leaves_anything_between(place: Place, tell: Tell, tmp_path: Path) -> None:
    """F05, F06: whatever the disk keeps; where the new one is, the old one is durable under its other name."""

    def see(left: Path) -> None:
        if _known(left) == _FILES:
            kept = list((left / "archive" / ".fetcher").glob("ledger.db.replaced-*[0-9]"))
            assert 1 == len(kept)
            with closing(sqlite3.connect(kept[0])) as opened:
                assert (5,) == opened.execute("SELECT count(*) FROM videos").fetchone()

    tell(place.cut_off(*_REBUILD, log=tmp_path / "log", see=see))


@pytest.mark.parametrize(("mode", "usual"), _KILLS)
def test_a_bag_killed_at_any_call_is_whole_or_not_there(place: Place, tell: Tell, mode: Mode, usual: int) -> None:
    """F01: and can be made again under the same name; the archive has all of its files."""
    bag = place.root / "bag"
    make = ("export", "--format", "bagit", "-o", str(bag))

    def see() -> None:
        if not bag.exists():
            assert 0 == place.run(*make).code
        assert bagit.Bag(str(bag)).validate()
        assert 2 == len(list(place.root.iterdir()))
        assert _FILES == len(list((place.root / "archive").rglob("*.mp4")))

    tell(place.killed(*make, mode=mode, usual=usual, see=see))


def test_no_power_cut_leaves_a_bag_that_is_not_whole(place: Place, tell: Tell, tmp_path: Path) -> None:
    """F05, F06: its name comes when all that is in it is durable."""
    bag = place.root / "bag"

    def see(left: Path) -> None:
        if (left / "bag").exists():
            assert bagit.Bag(str(left / "bag")).validate()

    tell(place.cut_off("export", "--format", "bagit", "-o", str(bag), log=tmp_path / "log", see=see))


@pytest.mark.parametrize(("mode", "usual"), _KILLS)
def test_a_list_killed_at_any_call_is_whole_or_the_one_before(
    place: Place, tell: Tell, mode: Mode, usual: int
) -> None:
    """F01: and the next one leaves nothing else beside it."""
    before, sums = b"0" * 64 + b"  before\n", place.root / "sums"
    make = ("export", "--format", "sha256sum", "-o", str(sums))
    place.begin()
    assert 0 == place.run(*make).code
    whole = sums.read_bytes()

    def see() -> None:
        assert not sums.exists() or whole == sums.read_bytes()
        sums.write_bytes(before)
        assert 0 == place.run(*make).code
        assert whole == sums.read_bytes()
        assert 2 == len(list(place.root.iterdir()))

    tell(place.killed(*make, mode=mode, usual=usual, see=see))


def test_no_power_cut_leaves_a_list_that_is_not_whole(place: Place, tell: Tell, tmp_path: Path) -> None:
    """F05, F06: its name comes when its bytes are durable."""
    sums = place.root / "sums"
    make = ("export", "--format", "sha256sum", "-o", str(sums))
    place.begin()
    assert 0 == place.run(*make).code
    whole = sums.read_bytes()

    def see(left: Path) -> None:
        assert not (left / "sums").exists() or whole == (left / "sums").read_bytes()

    tell(place.cut_off(*make, log=tmp_path / "log", see=see))


@pytest.mark.parametrize(("form", "making"), [("bagit", Kind.MAKE_DIRECTORY), ("sha256sum", Kind.OPEN)])
def test_ctrl_c_at_any_call_of_an_export_leaves_no_draft(
    place: Place, tell: Tell, tmp_path: Path, form: str, making: Kind
) -> None:
    """F08: some calls, and the first ones of the draft: it is there then, and nothing in it."""
    made = place.root / "made"
    make = ("export", "--format", form, "-o", str(made))
    place.begin()
    total = place.run(*make, injection=Injection(log=tmp_path / "log")).calls
    calls = read_calls(tmp_path / "log", root=place.root)
    first = next(call.number for call in calls if call.kind is making and "unfinished" in call.path and call.number)
    named, stopped = _naming(calls).number, 0
    for point in sorted({*points(total, usual=8), *range(first, first + 3)}):
        place.begin()
        ended = place.run(*make, injection=Injection(mode=Mode.STOP, point=point))
        left = {path.name for path in place.root.iterdir()} - {"archive"}
        assert left == ({"made"} if point >= named else set()), f"stopped at call {point} of {total}"
        stopped += ended.code == ExitCode.SIGINT

    tell(f"stopped {stopped} times, in {total} calls")
    assert stopped > 3
