"""What a command costs that has nothing to do: cron calls it a hundred times a day."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.files import SETS
from benchmarks.measure import measure
from benchmarks.plan import Plan
from benchmarks.ratios import Spread, pairwise
from benchmarks.rotation import rotated
from benchmarks.stock import round_in, stocked
from benchmarks.subject import FETCHER, Subject
from benchmarks.table import counted, table
from benchmarks.targets import judged

_TIMES: Final = 8
"""These runs are short: so many for each repetition that is asked for."""
_PAIRS: Final = (("sync", "libraries", 1.3), ("help", "python", 5.0))
"""Ours, theirs, and the most that the ratio of wall time should be."""
_COMMANDS: Final[Mapping[str, tuple[str, Sequence[str]]]] = {
    "sync": ("`fetcher sync`, nothing to do", [FETCHER, "sync"]),
    "libraries": ('`python -c "import sqlalchemy, httpx"`', [sys.executable, "-c", "import sqlalchemy, httpx"]),
    "help": ("`fetcher --help`", [FETCHER, "--help"]),
    "python": ("`python -c pass`", [sys.executable, "-c", "pass"]),
}


def startup(plan: Plan) -> str:
    """Measure two of our commands, each beside a start of Python with what anybody's would load."""
    files = SETS["small"].of(3)
    with stocked(plan.memory, files) as stock, round_in(stock, stock.origin.base("http"), plan.memory) as one:
        subject = Subject(stock.shelf)
        measure(subject.steps(one), environ=subject.environ(one), directory=one.target)
        walls = _walls(subject.environ(one), one.target, plan.reps * _TIMES)
    return f"{_shown(walls)}\n{counted(plan.reps * _TIMES, 'run')} of each.\n"


def _walls(environ: Mapping[str, str], directory: Path, reps: int) -> dict[str, list[float]]:
    walls: dict[str, list[float]] = {key: [] for key in _COMMANDS}
    for turn in range(reps):
        for key in rotated(list(_COMMANDS), turn):
            walls[key].append(measure([_COMMANDS[key][1]], environ=environ, directory=directory).cost.wall_s)
    return walls


def _shown(walls: Mapping[str, Sequence[float]]) -> str:
    rows = []
    for ours, theirs, most in _PAIRS:
        ratio = pairwise(walls[ours], walls[theirs])
        rows.append(
            [_COMMANDS[ours][0], _milliseconds(walls[ours]), f"{ratio:.2f}", judged("wall", ratio.middle, most)]
        )
        rows.append([_COMMANDS[theirs][0], _milliseconds(walls[theirs]), "1", ""])
    return table(["", "wall ms", "ratio", "target"], rows)


def _milliseconds(walls: Sequence[float]) -> str:
    return f"{Spread.of([wall * 1000 for wall in walls]):.0f}"
