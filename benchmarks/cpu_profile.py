"""Where the processor's time of a run with big files goes, by py-spy."""

import linecache
import re
import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.files import SETS
from benchmarks.plan import Plan
from benchmarks.runner import JOBS
from benchmarks.stock import Stock, run_once, stocked
from benchmarks.subject import Subject
from benchmarks.table import table

_SAMPLES_A_SECOND: Final = 250
_WAITING: Final = "waiting"
_KINDS: Final = (
    (_WAITING, re.compile(r"queue\.get\(|\.get\(\)|\bselect\(|\bpoll\(|\.acquire\(|\bwait\(")),
    ("receive and decrypt", re.compile(r"recv|readinto|\.read1?\(")),
    ("SHA-256", re.compile(r"\bupdate\(")),
    ("fsync", re.compile(r"fsync|fdatasync")),
    ("write", re.compile(r"write\(|pwritev?\(")),
)
"""What the line of source that a thread stands in says of what it does: C code has no lines of its own. Who only
waits does not compute, whatever py-spy makes of it, and is left out."""
_REST: Final = "all else: Python, start-up, ledger"
_FRAME: Final = re.compile(r"(?P<function>.+) \((?P<file>.+):(?P<line>\d+)\)")
_LARGEST: Final = 5


def cpu_profile(plan: Plan) -> str:
    """Sample a run twice: all threads that are not idle, and the one that holds the interpreter's lock."""
    files = next((one for one in plan.files if one.name == "big"), SETS["big"])
    program = spy()
    if program is None:
        return "py-spy is not installed: `pip install -e '.[bench]'`.\n"
    with stocked(plan.memory, files) as stock:
        computing = _sampled(plan, stock, [program])
        locked = _sampled(plan, stock, [program], "--gil")
    return _shown(computing, locked)


def spy() -> str | None:
    """Return where py-spy is."""
    beside = Path(sys.executable).with_name("py-spy")
    return str(beside) if beside.exists() else shutil.which("py-spy")


def kind_of(source: str) -> str:
    """Return what a line of source does; pure."""
    return next((name for name, pattern in _KINDS if pattern.search(source)), _REST)


def leaves(raw: str) -> Counter[tuple[str, int, str]]:
    """Count samples by file, line and function of the innermost frame.

    Args:
        raw: Lines of ``frame;frame;...;frame COUNT``, as py-spy writes them.
    """
    counted: Counter[tuple[str, int, str]] = Counter()
    for stack in raw.splitlines():
        frames, _, count = stack.rpartition(" ")
        if frame := _FRAME.fullmatch(frames.rpartition(";")[2]):
            counted[frame["file"], int(frame["line"]), frame["function"]] += int(count)
    return counted


def _sampled(plan: Plan, stock: Stock, program: Sequence[str], *options: str) -> Counter[tuple[str, int, str]]:
    raw = stock.scratch / "samples.txt"
    record = [
        "record",
        "-r",
        str(_SAMPLES_A_SECOND),
        "-f",
        "raw",
        "--full-filenames",
        "-o",
        str(raw),
        *options,
        "--",
    ]
    subject = Subject(stock.shelf, before=[*program, *record], options=("--jobs", str(JOBS)))
    run_once(stock, subject, stock.origin.base("https"), plan.memory)
    seen = leaves(raw.read_text(encoding="utf-8"))
    return Counter({leaf: count for leaf, count in seen.items() if _kind_at(leaf) != _WAITING})


def _shown(computing: Counter[tuple[str, int, str]], locked: Counter[tuple[str, int, str]]) -> str:
    shares, locked_shares = _shares(computing), _shares(locked)
    total = max(computing.total(), 1)
    names = [*(name for name, _ in _KINDS if name != _WAITING), _REST]
    held = locked.total() / _SAMPLES_A_SECOND
    rows = [[name, f"{shares[name]:.0%}", f"{locked_shares[name]:.0%}"] for name in names]
    rest = Counter({leaf: count for leaf, count in computing.items() if _kind_at(leaf) == _REST})
    largest = [
        f"`{function}` in {_short(file)} {count / total:.1%}"
        for (file, _, function), count in _by_function(rest).most_common(_LARGEST)
    ]
    heads = [
        "big files over https to tmpfs",
        f"of {total / _SAMPLES_A_SECOND:.1f} s of threads that were not idle",
        f"of {held:.1f} s in which one held the interpreter's lock",
    ]
    return f"{table(heads, rows)}\nThe largest of the rest: {', '.join(largest)}.\n\n1 run for each column.\n"


def _by_function(counted: Counter[tuple[str, int, str]]) -> Counter[tuple[str, int, str]]:
    joined: Counter[tuple[str, int, str]] = Counter()
    for (file, _, function), count in counted.items():
        joined[file, 0, function] += count
    return joined


def _shares(counted: Counter[tuple[str, int, str]]) -> Mapping[str, float]:
    total = max(counted.total(), 1)
    shares: Counter[str] = Counter()
    for leaf, count in counted.items():
        shares[_kind_at(leaf)] += count
    return {name: shares[name] / total for name in [*(name for name, _ in _KINDS), _REST]}


def _kind_at(leaf: tuple[str, int, str]) -> str:
    file, line, _ = leaf
    return kind_of(linecache.getline(file, line))


def _short(file: str) -> str:
    return "/".join(Path(file).parts[-2:])
