"""How well ``--limit-rate`` holds: bytes that are on the disk after some seconds, against what was asked for."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.files import FileSet
from benchmarks.plan import Plan
from benchmarks.runner import JOBS, Round
from benchmarks.stock import round_in, stocked
from benchmarks.subject import Subject
from benchmarks.table import table

_RATE: Final = 40 << 20
_MIB: Final = 1 << 20
_MORE: Final = 1.5
"""There is more to fetch than can come: the files are so many times too large."""
_NEAR_PERCENT: Final = 5.0
_LOOK_S: Final = 0.01
_PATIENCE_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    name: str
    jobs: int
    stalled: int | None
    """The number of a file that all but stops after its first 64 KiB; None where all are sound."""


_CASES: Final = (
    _Case(name="1 job", jobs=1, stalled=None),
    _Case(name=f"{JOBS} jobs", jobs=JOBS, stalled=None),
    _Case(name=f"{JOBS} jobs, one of them on a stalled line", jobs=JOBS, stalled=0),
)


def rate(plan: Plan) -> str:
    """Measure the rate that is seen with one job, with eight, and with a stalled line among eight."""
    rows = []
    for case in _CASES:
        off = (_seen(plan, case) / _RATE - 1) * 100
        rows.append([case.name, f"{off:+.1f} %", "met" if abs(off) <= _NEAR_PERCENT else "**missed**"])
        print(f"rate: {rows[-1]}", file=sys.stderr)
    asked = f"`--limit-rate {_RATE // _MIB}M` over {plan.seconds:g} s: by how much more or less came"
    return f"{table([asked, 'off', f'within {_NEAR_PERCENT:g} %'], rows)}\n1 run of each.\n"


def _seen(plan: Plan, case: _Case) -> float:
    """Return bytes a second, from when the first ones are on the disk."""
    size = int(_RATE * plan.seconds * _MORE / (JOBS - 1)) + _MIB
    files = FileSet(name="steady", count=JOBS, size=size)
    options = ("--jobs", str(case.jobs), "--limit-rate", str(_RATE))
    with (
        stocked(plan.memory, files, stalled=case.stalled) as stock,
        round_in(stock, stock.origin.base("https"), plan.memory) as one,
    ):
        return _watched(Subject(stock.shelf, options=options), one, plan.seconds)


def _watched(subject: Subject, one: Round, seconds: float) -> float:
    (command,) = subject.steps(one)
    with subprocess.Popen(command, env=subject.environ(one), stderr=subprocess.PIPE) as process:
        try:
            give_up_at = time.monotonic() + _PATIENCE_S
            while not (first := _fetched(one.target)):
                if process.poll() is not None or time.monotonic() > give_up_at:
                    raise RuntimeError("no byte came within 30 s")
                time.sleep(_LOOK_S)
            began = time.monotonic()
            time.sleep(seconds)
            last, took = _fetched(one.target), time.monotonic() - began
            if process.poll() is not None:
                raise RuntimeError("the run ended too early: it had too little to do")
        finally:
            process.terminate()
    return (last - first) / took


def _fetched(archive: Path) -> int:
    """Return the bytes of parts and finished files; one that has both names counts once."""
    sizes = {}
    for path in archive.rglob("*.*"):
        if path.suffix in {".part", ".mp4"}:
            try:
                status = path.stat()
            except FileNotFoundError:
                continue  # it was just placed
            sizes[status.st_ino] = status.st_size
    return sum(sizes.values())
