"""The table of one set of files over one line; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.files import FileSet
from benchmarks.measure import Cost
from benchmarks.plan import Line
from benchmarks.ratios import Spread, pairwise
from benchmarks.table import counted, table
from benchmarks.targets import PEAK_MIB, judged, verdict

_GIB: Final = 1 << 30
_MIB: Final = 1 << 20
_HEADS: Final = ("", "wall s", "CPU s a GiB", "peak MiB", "fetcher ÷ it: wall", "CPU", "target")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What all programs cost for one set of files over one line; "fetcher" is one of them.

    Attributes:
        files: The set.
        line: Scheme and place.
        names: Of the programs, by key.
        costs: One for each repetition, by key.
    """

    files: FileSet
    line: Line
    names: Mapping[str, str]
    costs: Mapping[str, Sequence[Cost]]


def section(measured: Measured) -> str:
    """Return a heading, a table, and how often it was measured."""
    heading = f"### {measured.files.name.capitalize()} files ({measured.files}) over {measured.line}\n"
    reps = counted(len(measured.costs["fetcher"]), "repetition")
    return f"{heading}\n{table(_HEADS, [_row(measured, key) for key in measured.names])}\n{reps}.\n"


def _row(measured: Measured, key: str) -> list[str]:
    costs = measured.costs[key]
    gib = measured.files.total / _GIB
    peak = Spread.of([cost.peak_bytes / _MIB for cost in costs])
    figures = [
        f"{Spread.of([cost.wall_s for cost in costs]):.2f}",
        f"{Spread.of([cost.cpu_s / gib for cost in costs]):.2f}",
        f"{peak:.0f}",
    ]
    if key == "fetcher":
        return [f"**{measured.names[key]}**", *figures, "", "", judged("peak", peak.most, PEAK_MIB)]
    ours = measured.costs["fetcher"]
    wall = pairwise([cost.wall_s for cost in ours], [cost.wall_s for cost in costs])
    cpu = pairwise([cost.cpu_s for cost in ours], [cost.cpu_s for cost in costs])
    target = verdict(files=measured.files.name, peer=key, ratios={"wall": wall.middle, "CPU": cpu.middle})
    return [measured.names[key], *figures, f"{wall:.2f}", f"{cpu:.2f}", target]
