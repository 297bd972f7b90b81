"""Commands that are told to end at any of their calls, or wherever they take a lock: they do, and leave no half."""

import re
import shutil
import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from crash.counts import points
from crash.runs import Ended, Runs, runs_under
from crash.shim import LOCKS, Injection, Mode
from done_archive import DoneArchive
from ledger_cases import task_id, vid
from telling import Tell

from fetcher.simulator.server import Simulator

_FILES: Final = 12
_CODES: Final = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}
_HALF: Final = r"unfinished|\.rebuilt|\.new|-journal|~$"
"""In the names of what is to become something else. What a rebuild has read stays, for the next one."""
_COMMANDS: Final = (
    ("ledger", "rebuild", "--replace"),
    ("ledger", "backup", "ROOT/made"),
    ("ledger", "check"),
    ("export", "--format", "bagit", "-o", "ROOT/made"),
    ("export", "--format", "csv", "-o", "ROOT/made"),
    ("list",),
    ("status",),
    ("show", vid(1)),
    ("add", task_id(1), task_id(2)),
    ("retry", "--failed"),
    ("prune", "--vacuum"),
    ("verify",),
    ("verify", "--repair"),
    ("init", "ROOT/made"),
    ("submit", "--library"),
    ("reconcile",),
    ("sync",),
)


class Place:
    """A directory with an archive in it, as often as it is wanted as it was at first."""

    def __init__(self, place: Path, runs: Runs, polyv: Simulator) -> None:
        self._beginning = place / "beginning"
        self._beginning.mkdir()
        self._runs = runs
        self._polyv = polyv
        self.root = place / "root"
        archive = DoneArchive(self._beginning / "archive")
        archive.fill([f"{number % 3}/{vid(number)}.mp4" for number in range(1, _FILES + 1)])
        archive.add_sidecars()

    def run(self, *arguments: str, injection: Injection | None = None) -> Ended:
        """Put the archive in place and run a command on it."""
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self._beginning, self.root)
        return self.go_on(*arguments, injection=injection)

    def go_on(self, *arguments: str, injection: Injection | None = None) -> Ended:
        """Run a command on what the one before has left."""
        given = [argument.replace("ROOT", str(self.root)) for argument in arguments]
        named = ("--archive", str(self.root / "archive"), *given)
        return self._runs.run(
            *named, root=self.root, environ=_environ(self._polyv), injection=injection or Injection()
        )

    def require_nothing_half(self, at: str) -> None:
        """See that no file is there that a whole one was to become, and that the ledger is sound."""
        names = [str(path.relative_to(self.root)) for path in self.root.rglob("*")]
        assert [] == [name for name in names if re.search(_HALF, name)], at
        with closing(sqlite3.connect(self.root / "archive" / ".fetcher" / "ledger.db")) as opened:
            assert [("ok",)] == opened.execute("PRAGMA integrity_check").fetchall()
            assert (_FILES,) == opened.execute("SELECT count(*) FROM videos WHERE status = 'done'").fetchone()


def _environ(polyv: Simulator) -> Mapping[str, str]:
    return {
        "FETCHER_API_URL": polyv.url,
        "POLYV_APP_ID": polyv.app_id,
        "POLYV_APP_SECRET": polyv.app_secret,
        "FETCHER_MIN_FREE": "0",
        "FETCHER_RETRY_DELAY": "0.05",
    }


@pytest.fixture(scope="module")
def place(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Yield a place to run in."""
    directory = tmp_path_factory.mktemp("stopping")
    with Simulator() as polyv, runs_under(shim, directory) as runs:
        for _ in range(3):
            polyv.library.add_video(size=2000)
        yield Place(directory, runs, polyv)


@pytest.mark.parametrize("arguments", _COMMANDS, ids=" ".join)
@pytest.mark.parametrize(("only", "usual"), [(LOCKS, 10), ("", 4)], ids=["locks", "files"])
def test_f08_f09_a_signal_ends_any_command_wherever_it_comes(
    place: Place, tell: Tell, arguments: tuple[str, ...], only: str, usual: int
) -> None:
    """With 130 or 143, nothing said, nothing half left; and the same command does it all the next time."""
    usually = place.run(*arguments, injection=Injection(only=only))
    stopped = 0
    chosen = points(usually.calls, usual=usual) if usually.calls else []
    for number, point in enumerate(chosen):
        sign = list(_CODES)[number % len(_CODES)]
        ended = place.run(*arguments, injection=Injection(mode=Mode.STOP, point=point, only=only, signal=sign))

        at = f"{sign.name} at {point} of {usually.calls}"
        # By the signal itself, as long as it is not heeded: nothing is begun then.
        is_stopped = ended.code in (_CODES[sign], -sign)
        assert is_stopped or ended.code == usually.code, f"{at}: {ended.code} {ended.stderr}"
        assert not is_stopped or "fetcher:" not in ended.stderr, f"{at}: {ended.stderr}"
        assert {*ended.stdout.splitlines()} <= {*usually.stdout.splitlines()}, f"{at}: nothing untrue is told"
        place.require_nothing_half(at)
        stopped += is_stopped
        is_made = "ROOT/made" in arguments and (place.root / "made").exists()
        assert place.go_on(*arguments).code == usually.code or is_made, at

    tell(f"stopped {stopped} times in {usually.calls} {only or 'file calls'}")
    assert stopped > 0 or len(chosen) < 10, "of a few calls each may be the last that is waited for"
