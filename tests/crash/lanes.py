"""Places to run in, each with an archive, a simulator and a process to fork runs from: two points go at a time."""

import os
import queue
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from crash.runs import Ended, Runs, runs_under
from crash.shim import Injection
from crash.small_library import SmallLibrary, Standing, small_library

_LANES: Final = 2
UNTOUCHED: Final = Injection()


class Lane:
    """One archive after the other in one place, and runs on it."""

    def __init__(self, library: SmallLibrary, runs: Runs, *, root: Path, scratch: Path) -> None:
        self._runs = runs
        self.library = library
        self.root = root
        self.scratch = scratch

    def at(self, root: Path) -> "Lane":
        """Return the same lane with its archive in another place."""
        return Lane(self.library, self._runs, root=root, scratch=self.scratch)

    def begin(self) -> None:
        """Put a new archive in place, in which nothing is done yet."""
        self.library.copy_to(self.root)

    def run(self, *arguments: str, injection: Injection = UNTOUCHED) -> Ended:
        """Run one command."""
        return self._runs.run(
            *arguments, root=self.root, environ=self.library.environ(self.root), injection=injection
        )

    def sync(self, injection: Injection = UNTOUCHED) -> Ended:
        """Run one pass."""
        return self.run("sync", injection=injection)

    def require_kept_promise(self) -> Standing:
        """See that nothing on the disk is wrong; return how things stand."""
        return self.library.require_kept_promise(self.root, self.scratch)

    def require_healing(self, settled: set[str], injection: Injection = UNTOUCHED) -> None:
        """See that one clean run ends with all done, and fetches nothing again of what was *settled*.

        Args:
            settled: Paths.
            injection: In which world.
        """
        self.library.forget_requests()
        healed = self.sync(injection)
        assert (0, "", "") == (healed.code, healed.stdout, healed.stderr)
        self.library.require_all_done(self.root, self.scratch)
        assert set() == self.library.asked_for().keys() & settled


class Lanes:
    """All of them."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._free: queue.SimpleQueue[Lane] = queue.SimpleQueue()
        self._count = len(lanes)
        for lane in lanes:
            self._free.put(lane)

    @contextmanager
    def one(self) -> Iterator[Lane]:
        """Yield a lane that nobody else uses."""
        lane = self._free.get()
        try:
            yield lane
        finally:
            self._free.put(lane)

    def try_points(self, points: Iterable[int], work: Callable[[Lane, int], bool]) -> int:
        """Call *work* for each point until it says that one was not reached; return how many were.

        Raises:
            AssertionError: What *work* found, with its point.
        """

        def attempt(point: int) -> bool:
            with self.one() as lane:
                try:
                    return work(lane, point)
                except AssertionError as exc:
                    raise AssertionError(f"at call {point}: {exc}") from exc

        reached = 0
        numbers = iter(points)
        with ThreadPoolExecutor(self._count) as pool:
            while group := list(islice(numbers, 8 * self._count)):
                results = list(pool.map(attempt, group))
                reached += sum(results)
                if not all(results):
                    break
        return reached


@contextmanager
def lanes_in(directory: Path, shim: Path) -> Iterator[Lanes]:
    """Yield as many lanes as there are processors to use, two at the most."""
    with ExitStack() as stack:
        lanes = []
        for number in range(min(_LANES, os.cpu_count() or 1)):
            place = directory / f"lane-{number}"
            place.mkdir()
            library = stack.enter_context(small_library(place))
            runs = stack.enter_context(runs_under(shim, place))
            (place / "scratch").mkdir()
            lanes.append(Lane(library, runs, root=place / "archive", scratch=place / "scratch"))
        yield Lanes(lanes)
