"""How many files at once: speed and memory by ``--jobs``, on lines of three kinds."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from benchmarks.far_line import far
from benchmarks.files import FileSet
from benchmarks.measure import Cost
from benchmarks.plan import Plan
from benchmarks.ratios import Spread
from benchmarks.rotation import rotated
from benchmarks.stock import Stock, run_once, stocked
from benchmarks.subject import Subject
from benchmarks.table import counted, table

_MIB: Final = 1 << 20
_KIB: Final = 1 << 10
_FIXED: Final = (1, 2, 4, 8, 16, 32)
_ROUND_TRIP_S: Final = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of line, and enough files to fill it.

    Attributes:
        name: As the table calls it.
        size: Of each file, bytes.
        each: Files for each job; the start of a run weighs the same then.
        least: Files at the least.
        most: Files at the most.
        to_grow: Files for a run that finds its number by itself: enough that most of it is done with what it found.
        limit_rate: Bytes a second that the origin gives one connection; 0 means no limit.
        is_far: Whether a round trip takes 40 ms.
        unit: What a second brings: "MiB" or "files".
    """

    name: str
    size: int
    each: int
    least: int
    most: int
    to_grow: int
    limit_rate: int
    is_far: bool
    unit: str

    def files(self, jobs: int | None) -> FileSet:
        """Return what is fetched with so many jobs, None being a number that grows."""
        count = self.to_grow if jobs is None else min(max(self.each * jobs, self.least), self.most)
        return FileSet(name=self.name, count=count, size=self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crowd:
    """How many files at once.

    Attributes:
        name: As the table calls it.
        options: Words after ``sync``.
        jobs: Their number; None where it grows.
    """

    name: str
    options: Sequence[str]
    jobs: int | None


_CROWDS: Final = (
    *(_Crowd(name=str(jobs), options=("--jobs", str(jobs)), jobs=jobs) for jobs in _FIXED),
    _Crowd(name="8, growing", options=(), jobs=None),
)
_KINDS: Final = (
    _Kind(
        name="4 MiB/s a connection, 40 ms: 8 MiB files",
        size=8 * _MIB,
        each=3,
        least=3,
        most=96,
        to_grow=288,
        limit_rate=4 * _MIB,
        is_far=True,
        unit="MiB",
    ),
    _Kind(
        name="40 ms: 64 KiB files",
        size=64 * _KIB,
        each=40,
        least=40,
        most=640,
        to_grow=4000,
        limit_rate=0,
        is_far=True,
        unit="files",
    ),
    _Kind(
        name="no limit: 16 MiB files",
        size=16 * _MIB,
        each=4,
        least=32,
        most=32,
        to_grow=128,
        limit_rate=0,
        is_far=False,
        unit="MiB",
    ),
)


def jobs(plan: Plan) -> str:
    """Measure each kind of line with each number of jobs, these in turn."""
    costs = {kind.name: _of_kind(plan, kind) for kind in _KINDS}
    rows = []
    for crowd in _CROWDS:
        peak = max(cost.peak_bytes for kind in _KINDS for cost in costs[kind.name][crowd.name])
        speeds = [_speed(kind, crowd, costs[kind.name][crowd.name]) for kind in _KINDS]
        rows.append([crowd.name, *speeds, f"{peak / _MIB:.0f}"])
    heads = ["jobs", *(f"{kind.name}, {kind.unit}/s" for kind in _KINDS), "peak MiB"]
    return f"{table(heads, rows)}\n{counted(plan.reps, 'repetition')}.\n"


def _of_kind(plan: Plan, kind: _Kind) -> dict[str, list[Cost]]:
    costs = {crowd.name: list[Cost]() for crowd in _CROWDS}
    for turn in range(plan.reps):
        for crowd in rotated(_CROWDS, turn):
            with (
                stocked(plan.memory, kind.files(crowd.jobs), limit_rate=kind.limit_rate) as stock,
                _line(stock, kind) as base,
            ):
                subject = Subject(stock.shelf, options=crowd.options)
                costs[crowd.name].append(run_once(stock, subject, base, plan.memory))
            print(f"jobs {crowd.name}, {kind.name}: {costs[crowd.name][-1].wall_s:.2f} s", file=sys.stderr)
    return costs


def _speed(kind: _Kind, crowd: _Crowd, costs: Sequence[Cost]) -> str:
    files = kind.files(crowd.jobs)
    amount = files.count if kind.unit == "files" else files.total / _MIB
    return f"{Spread.of([amount / cost.wall_s for cost in costs]):.1f}"


@contextmanager
def _line(stock: Stock, kind: _Kind) -> Iterator[str]:
    if not kind.is_far:
        yield stock.origin.base("https")
        return
    with far(stock.origin.https_port, round_trip_s=_ROUND_TRIP_S) as port:
        yield f"https://127.0.0.1:{port}"
