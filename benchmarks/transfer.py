"""All bytes of a set of files, by fetcher and by its peers, in one interleaved run."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.certificate import Certificate, make_certificate
from benchmarks.files import FileSet
from benchmarks.measure import Cost, measure
from benchmarks.origin_nginx import Origin, serving
from benchmarks.peers import PEERS
from benchmarks.plan import Line, Plan
from benchmarks.rotation import rotated
from benchmarks.runner import Round, Runner, require_right
from benchmarks.shelf import Shelf
from benchmarks.subject import Subject
from benchmarks.transfer_table import Measured, section
from fetcher.simulator.server import Simulator

NO_FSYNC: Final = "eatmydata"
"""Debian's program that runs another one with fsync and its like doing nothing.

Source: https://www.flamingspork.com/projects/libeatmydata/
"""


def transfer(plan: Plan) -> str:
    """Measure every set of files over every line, and return the tables."""
    return "\n".join(section(measured) for files in plan.files for measured in _of_set(plan, files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Files, an origin that serves them, and a simulator that names them."""

    shelf: Shelf
    origin: Origin
    certificate: Certificate
    scratch: Path


@contextmanager
def stocked(plan: Plan, files: FileSet, *, limit_rate: int = 0) -> Iterator[Stock]:
    """Put *files* on a shelf in memory and serve them until the context ends."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=plan.memory) as scratch, Simulator() as simulator:
        place = Path(scratch)
        certificate = make_certificate(place)
        shelf = Shelf(simulator, files, place / "content")
        with serving(
            shelf.content, directory=place / "nginx", certificate=certificate, limit_rate=limit_rate
        ) as origin:
            yield Stock(shelf=shelf, origin=origin, certificate=certificate, scratch=place)


def run_once(stock: Stock, runner: Runner, base: str, directory: Path) -> Cost:
    """Measure one run in a fresh place below *directory*, look at what it left, and remove that."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=directory) as target,
        tempfile.TemporaryDirectory(prefix="notes-", dir=stock.scratch) as notes,
    ):
        one = Round(
            files=stock.shelf.wanted(base),
            base=base,
            content=stock.shelf.content,
            authority=stock.certificate.authority,
            target=Path(target),
            notes=Path(notes),
        )
        steps = runner.steps(one)
        os.sync()
        ended = measure(steps, environ=runner.environ(one), directory=one.target)
        require_right(one, runner.digests(one, ended.stdout))
        return ended.cost


def _of_set(plan: Plan, files: FileSet) -> Iterator[Measured]:
    with stocked(plan, files) as stock:
        runners = {"fetcher": Subject(stock.shelf), **_no_fsync(stock.shelf, files), **_installed(plan.peers)}
        for line in plan.lines:
            yield _over_line(plan, stock, line, runners)


def _over_line(plan: Plan, stock: Stock, line: Line, runners: Mapping[str, Runner]) -> Measured:
    base = stock.origin.base(line.scheme)
    directory = plan.memory if line.to == "tmpfs" else plan.disk
    costs: dict[str, list[Cost]] = {key: [] for key in runners}
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


def _installed(peers: Sequence[str]) -> dict[str, Runner]:
    return {key: PEERS[key] for key in peers if shutil.which(PEERS[key].program)}


def _no_fsync(shelf: Shelf, files: FileSet) -> dict[str, Runner]:
    if files.name != "small" or not shutil.which(NO_FSYNC):
        return {}
    return {"no fsync": Subject(shelf, name="fetcher sync, no fsync", before=[NO_FSYNC])}
