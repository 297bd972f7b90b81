"""All bytes of a set of files, by fetcher and by its peers, in one interleaved run."""

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from benchmarks.files import FileSet
from benchmarks.measure import Cost
from benchmarks.peers import PEERS
from benchmarks.plan import Line, Plan
from benchmarks.rotation import rotated
from benchmarks.runner import Runner
from benchmarks.shelf import Shelf
from benchmarks.stock import Stock, run_once, stocked
from benchmarks.subject import Subject
from benchmarks.transfer_table import Measured, section

NO_FSYNC: Final = "eatmydata"
"""Debian's program that runs another one with fsync and its like doing nothing.

Source: https://www.flamingspork.com/projects/libeatmydata/
"""


def transfer(plan: Plan) -> str:
    """Measure every set of files over every line, and return the tables."""
    return "\n".join(section(measured) for files in plan.files for measured in _of_set(plan, files))


def installed(peers: Sequence[str]) -> dict[str, Runner]:
    """Return those of *peers* that can run here, by their keys."""
    return {key: PEERS[key] for key in peers if PEERS[key].is_installed()}


def _of_set(plan: Plan, files: FileSet) -> Iterator[Measured]:
    with stocked(plan.memory, files) as stock:
        runners = {"fetcher": Subject(stock.shelf), **_no_fsync(stock.shelf, files), **installed(plan.peers)}
        for line in plan.lines:
            yield _over_line(plan, stock, line, runners)


def _over_line(plan: Plan, stock: Stock, line: Line, runners: Mapping[str, Runner]) -> Measured:
    base = stock.origin.base(line.scheme)
    directory = plan.memory if line.to == "tmpfs" else plan.disk
    costs = {key: list[Cost]() for key in runners}
    for turn in range(plan.reps):
        for key in rotated(list(runners), turn):
            costs[key].append(run_once(stock, runners[key], base, directory))
            cost = costs[key][-1]
            print(
                f"{stock.shelf.files.name} {line} {turn + 1}/{plan.reps} {runners[key].name}: "
                f"{cost.wall_s:.2f} s, CPU {cost.cpu_s:.2f} s, {cost.peak_bytes >> 20} MiB",
                file=sys.stderr,
            )
    names = {key: runner.name for key, runner in runners.items()}
    return Measured(files=stock.shelf.files, line=line, names=names, costs=costs)


def _no_fsync(shelf: Shelf, files: FileSet) -> dict[str, Runner]:
    if files.name != "small" or not shutil.which(NO_FSYNC):
        return {}
    return {"no fsync": Subject(shelf, name="fetcher sync, no fsync", before=[NO_FSYNC])}
