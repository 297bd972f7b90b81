"""One seed: processes that begin, end and die while everything goes wrong, then calm, then what is left."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from simulation.disk import new_archive
from simulation.invariants import BrokenPromiseError, Invariants
from simulation.ledger_view import LedgerView, view
from simulation.library import STORM_S
from simulation.life import Ending, Life, Plan
from simulation.world import World
from wanted_cases import want

from fetcher.archive.home import Home
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.work import add_tasks, retry
from fetcher.settings import Settings
from fetcher.sync.outcome import Options

_LAYOUTS: Final = ("{vid}{ext}", "{vid}{ext}", "films/{vid}{ext}", "{created}/{vid}{ext}")
_DAY_S: Final = 86_400
_CALM_LIVES: Final = 5
"""Two hours and more: for so long does a pause last that was written while the clock was ahead."""
_LAST_LIVES: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of one history."""

    seed: int
    trace: tuple[tuple[Any, ...], ...]
    struck: Counter[str]
    """What went wrong in it, how often."""
    ended: Counter[str]
    """Processes by how they ended, videos by where they stand at the end."""
    rows: tuple[str, ...]
    """The videos at the end."""


class History:
    """One history in a directory of its own."""

    def __init__(self, seed: int, directory: Path) -> None:
        self._directory = directory
        self.world = World(seed)
        self._rng = self.world.rng
        self._invariants = Invariants(self.world)
        self._home = new_archive(directory / "archive")
        self._layout = self._rng.choice(_LAYOUTS)
        self._usual_steps = 300
        """Of a process that ends by itself: where in one to strike."""
        self._is_deadly = self._rng.random() < 0.7
        self._has_odd_clock = self._rng.random() < 0.3
        self._has_no_lock = self._rng.random() < 0.15
        self._has_meddler = self._rng.random() < 0.25
        chance = random.Random(f"waves {seed}")
        self._expire_days = chance.choice((1, 3, 7))
        self._thaw_budget = chance.choice(("", "1", "1.5G"))
        """Sizes are not known at first, and count as a gigabyte."""
        self._number = 0
        self._ended: Counter[str] = Counter()
        self._last: tuple[Ending, Plan]

    def tell(self) -> Told:
        """Let it happen.

        Raises:
            BrokenPromiseError: An invariant is.
        """
        self._add(self.world.library.submitted[:1])
        for number in range(self._rng.randint(2, 6)):
            if number:
                self._meddle()
            if number == 1:
                self._add(self.world.library.submitted)
                self._want(self.world.library.wanted)
            self._live(self._stormy_plan())
            self._pass_time(self._rng.choice((0.5, 20.0, 400.0, 4000.0)) * self._rng.random())
        ledger = self._calm_down()
        self._ended.update(row["status"] for row in ledger.videos.values())
        rows = tuple(str(sorted(row.items())) for row in ledger.videos.values())
        return Told(
            seed=self.world.seed,
            trace=tuple(self.world.trace),
            struck=self.world.weather.struck,
            ended=self._ended,
            rows=rows,
        )

    def _settings(self) -> Settings:
        rng = self._rng
        first_s = rng.choice((5, 10, 30))
        return Settings(
            jobs=rng.choice((1, 2, 3)),
            poll_interval=first_s,
            poll_interval_max=4 * first_s,
            give_up_after=3 * _DAY_S,
            link_lifetime=rng.choice((60, 1800)),
            stall_seconds=rng.choice((2, 5)),
            retry_delay=rng.choice((0.2, 1)),
            tries=rng.choice((2, 4)),
            layout=self._layout,
            expire_days=self._expire_days,
            thaw_budget=self._thaw_budget,
            ask_sizes=False,  # Polyv is asked about tasks alone here.
        )

    def _stormy_plan(self) -> Plan:
        rng = self._rng
        until_done = rng.random() < 0.4
        longest_s = rng.uniform(3, 25) if until_done or rng.random() < 0.1 else None
        dies_at = dies_after_name = None
        if self._is_deadly and rng.random() < 0.5:
            dies_at = rng.randint(1, rng.choice((40, self._usual_steps)))
        elif self._is_deadly and rng.random() < 0.5:
            dies_after_name = rng.choice((1, 1, 2, 3)), rng.randint(1, 25)
        jumps = {}
        if self._has_odd_clock and rng.random() < 0.4:
            jumps[rng.uniform(0, 5)] = rng.choice((-7200, -200, -3, 5, 240, 3600, 100_000)) * rng.random()
        return Plan(
            settings=self._settings(),
            options=Options(
                until_done=until_done,
                max_duration_s=longest_s,
                max_bytes=rng.randint(1000, 100_000) if rng.random() < 0.08 else None,
            ),
            dies_at=dies_at,
            dies_after_name=dies_after_name,
            stops_at_s=rng.uniform(0, 5) if rng.random() < 0.15 else None,
            rival_after_s=rng.uniform(0, 3) if self._has_no_lock and rng.random() < 0.5 else None,
            jumps=jumps,
        )

    def _live(self, plan: Plan) -> LedgerView:
        """Let one process live, and look at what it left."""
        self._number += 1
        old = self._home
        ending = Life(self.world, self._home, plan, number=self._number).live()
        self._home = ending.home
        if ending.home != old:
            shutil.rmtree(old.root)
        self._count(ending)
        self._last = ending, plan
        return self.look()

    @property
    def home(self) -> Home:
        """Return where the archive is now."""
        return self._home

    def look(self) -> LedgerView:
        """Look at what the last process left.

        Raises:
            BrokenPromiseError: Something of it is wrong.
        """
        ledger = view(self._home.ledger)
        self._invariants.check(ledger, *self._last)
        return ledger

    def _count(self, ending: Ending) -> None:
        if ending.is_dead:
            self._ended["killed"] += 1
            return
        self._usual_steps = max(ending.steps, 2)
        code = None if ending.summary is None else int(ending.summary.exit_code)
        self._ended[f"exit {code}"] += 1
        if ending.summary is not None and ending.summary.stopped_by is not None:
            self.world.weather.note("life: stopped")

    def _pass_time(self, seconds: float) -> None:
        self.world.clock.now_s += seconds

    def _want(self, vids: Sequence[str]) -> None:
        """Have videos wanted that no task names."""
        ledger, now = open_ledger(self._home.ledger), self.world.clock.wall_ms()
        with ledger.writing() as connection:
            want(connection, vids, now=now)
        ledger.close()

    def _add(self, task_ids: Sequence[str], *, failed_too: bool = False) -> None:
        """Do what ``fetcher add`` does, and ``fetcher retry --failed``."""
        ledger, now = open_ledger(self._home.ledger), self.world.clock.wall_ms()
        with ledger.writing() as connection:
            add_tasks(connection, task_ids, now=now)
            if failed_too:
                retry(connection, None, now=now)
        ledger.close()

    def _meddle(self) -> None:
        """Do what people do to files now and then."""
        if not self._has_meddler:
            return
        ledger, rng = view(self._home.ledger), self._rng
        for vid, row in ledger.videos.items():
            path = row["path"] and self._home.root / row["path"]
            if row["status"] == "done" and vid not in self._invariants.meddled and rng.random() < 0.2:
                if rng.random() < 0.5:
                    os.unlink(path)
                    self.world.weather.note("human: took it", vid)
                else:
                    os.truncate(path, rng.randint(0, row["size"] - 1))
                    self.world.weather.note("human: damaged it", vid)
                self._invariants.meddled.add(vid)
            elif path and row["status"] != "done" and not path.exists() and rng.random() < 0.2:
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"somebody's own")
                self._invariants.squatters[row["path"]] = path.read_bytes()
                self.world.weather.note("human: squatted", vid)

    def _calm_down(self) -> LedgerView:
        """Let all troubles end, have a person do what is to be done, and see that all that can be had is had."""
        world = self.world
        world.weather.is_calm = True
        world.clock.now_s = max(world.clock.now_s, STORM_S) + 1
        if self._rng.random() < 0.5:
            world.clock.skew_s = 0.0
        for path in self._invariants.squatters:
            os.unlink(self._home.root / path)
        self._invariants.squatters.clear()
        world.note("calm")
        self._add(world.library.submitted, failed_too=True)
        ledger = self._live(self._calm_plan())
        for _ in range(_CALM_LIVES - 1):
            if self._is_over(ledger):
                break
            self._pass_time(2000)
            ledger = self._live(self._calm_plan())
        self._require_all_that_can_be_had(ledger)
        for _ in range(_LAST_LIVES):
            if not ledger.standing("waiting", "ready", "wanted"):
                break
            self._pass_time(_DAY_S)
            ledger = self._live(self._calm_plan())
        if left := ledger.standing("waiting", "ready", "wanted"):
            raise BrokenPromiseError(f"seed {world.seed}: after all is over nobody is told about {left}")
        if {ledger.videos[vid]["reason"] for vid in self._missing(ledger)} == {"never_prepared"}:
            ledger = self._heed_what_was_told()
        self._require_all_that_can_be_had(ledger)
        return ledger

    def _heed_what_was_told(self) -> LedgerView:
        """Have a person do once more what exit code 4 asks for.

        One task said FAIL and gives the video all the same, another lost its row for good: nobody can know of the
        first as long as the second is waited for.
        """
        self._add((), failed_too=True)
        return self._live(self._calm_plan())

    def _calm_plan(self) -> Plan:
        return Plan(settings=self._settings(), options=Options())

    def _is_over(self, ledger: LedgerView) -> bool:
        return not self._missing(ledger) and not ledger.standing("waiting", "ready", "wanted")

    def _missing(self, ledger: LedgerView) -> list[str]:
        """Return the videos that can be had and are not.

        A task that is finished may have named others only before: those nobody can know of (docs/adr/0007). One
        whose link led to nothing is asked again only where a newer task has come to nothing, too. What is asked for
        in waves has until the last life ends: a lost task is waited out, a wave waits for another.
        """
        library, now_s = self.world.library, self.world.clock.now_s
        left = library.originals.keys() - {*ledger.standing("done"), *library.wanted}
        return [
            vid
            for vid in library.originals
            if vid in left
            and not ledger.is_prepared_anew(vid)
            and any(ledger.may_know(task, vid) for task in library.giving(vid, now_s))
        ]

    def _require_all_that_can_be_had(self, ledger: LedgerView) -> None:
        if missing := self._missing(ledger):
            raise BrokenPromiseError(f"seed {self.world.seed}: could be had and is not done: {missing}")


def tell(seed: int, directory: Path) -> Told:
    """Let the history of *seed* happen in *directory*, which is left empty.

    Raises:
        BrokenPromiseError: An invariant is.
    """
    place = directory / f"history-{seed}"
    state = random.getstate()
    place.mkdir()
    history = History(seed, place)
    try:
        return history.tell()
    except Exception as exc:
        raise BrokenPromiseError(f"seed {seed}: {exc!r}", history.world.trace) from exc
    finally:
        random.setstate(state)
        shutil.rmtree(place)
