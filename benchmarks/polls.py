"""What a pass costs with thousands of tasks that are all due, and what that does to downloads beside it."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from benchmarks.files import SETS, FileSet
from benchmarks.measure import Cost, measure
from benchmarks.plan import Plan
from benchmarks.runner import Round
from benchmarks.stock import Stock, round_in, stocked
from benchmarks.subject import FETCHER, Subject
from benchmarks.table import table
from fetcher.simulator.world import RateLimit

_RATE: Final = 4 << 20
"""Bytes a second that the origin gives one connection."""
_WINDOW_S: Final = 10.0
_NEVER_S: Final = 1e9
_DUE_AGAIN_S: Final = 1.5
"""After a pass, with the interval that is set: then all are due again."""
_HEADS: Final = ("", "seconds", "calls", "most in 10 s", "CPU s", "peak MiB", "last file after s")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One pass."""

    cost: Cost
    calls_at: list[float]
    """When each call arrived, Unix seconds."""
    last_file_s: float | None
    """From the start of the pass; None where it fetched nothing."""

    def row(self, name: str) -> list[str]:
        """Return what the table says of it."""
        file = "" if self.last_file_s is None else f"{self.last_file_s:.1f}"
        most, mib = most_within(self.calls_at, _WINDOW_S), self.cost.peak_bytes / (1 << 20)
        figures = (f"{self.cost.wall_s:.1f}", str(len(self.calls_at)), str(most), f"{self.cost.cpu_s:.1f}")
        return [name, *figures, f"{mib:.0f}", file]


def polls(plan: Plan) -> str:
    """Ask about quiet tasks for the first and a second time; fetch files alone, and beside such tasks."""
    files = next((one for one in plan.files if one.name == "medium"), SETS["medium"])
    tasks = f"{plan.tasks:,} tasks"
    rows: list[list[str]] = []
    for seen, name in _asked_twice(plan, tasks):
        _tell(rows, seen.row(name))
    _tell(rows, _fetched(plan, files, 0).row(f"{files}, no other task"))
    _tell(rows, _fetched(plan, files, plan.tasks).row(f"{files} beside {tasks}, never asked about"))
    return f"{table(_HEADS, rows)}\n1 run of each.\n"


def _tell(rows: list[list[str]], row: list[str]) -> None:
    rows.append(row)
    print(f"polls: {row}", file=sys.stderr)


def most_within(moments: Iterable[float], window_s: float) -> int:
    """Return how many of *moments* lie within *window_s* at the most."""
    recent: deque[float] = deque()
    most = 0
    for moment in sorted(moments):
        recent.append(moment)
        while recent[0] <= moment - window_s:
            recent.popleft()
        most = max(most, len(recent))
    return most


def _asked_twice(plan: Plan, tasks: str) -> Iterator[tuple[_Seen, str]]:
    with stocked(plan.memory, SETS["small"].of(1)) as stock:
        stock.shelf.task_ids[:] = _quiet(stock, plan.tasks)
        with round_in(stock, stock.origin.base("https"), plan.memory) as one:
            subject = Subject(stock.shelf, options=("--json",))
            (command,) = subject.steps(one)
            for name in ("never asked about", "asked before"):
                time.sleep(_DUE_AGAIN_S)
                yield _seen(stock, one, subject, command, FETCHER_POLL_INTERVAL="1"), f"{tasks}, {name}"


def _fetched(plan: Plan, files: FileSet, tasks: int) -> _Seen:
    with stocked(plan.memory, files, limit_rate=_RATE) as stock:
        stock.shelf.task_ids += _quiet(stock, tasks)
        with round_in(stock, stock.origin.base("https"), plan.memory) as one:
            subject = Subject(stock.shelf, options=("--jobs", "8", "--json"))
            (command,) = subject.steps(one)
            return _seen(stock, one, subject, command)


def _quiet(stock: Stock, count: int) -> list[str]:
    """Have Polyv prepare *count* tasks of one video for ever, under the limit that its documentation names."""
    simulator = stock.shelf.simulator
    simulator.rate_limit = RateLimit()
    library = simulator.library
    return [library.create_task([library.add_video(size=1 << 20, ready_after=_NEVER_S).vid]) for _ in range(count)]


def _seen(stock: Stock, one: Round, subject: Subject, command: Sequence[str], **environ: str) -> _Seen:
    simulator = stock.shelf.simulator
    simulator.requests.clear()
    began_at = simulator.now()
    ended = measure([command], environ={**subject.environ(one), **environ}, directory=one.target)
    calls_at = [request.received_at for request in simulator.requests]
    listed = measure(
        [[FETCHER, "list", "--status", "done", "--format", "jsonl"]],
        environ=subject.environ(one),
        directory=one.target,
    )
    done_at = [datetime.fromisoformat(json.loads(row)["done_at"]) for row in listed.stdout.splitlines()]
    last_file_s = max(done_at).timestamp() - began_at if done_at else None
    return _Seen(cost=ended.cost, calls_at=calls_at, last_file_s=last_file_s)
