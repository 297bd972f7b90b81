"""Which tests are measured for coverage: not those that pass through lines which others measure, many times over.

Measuring makes a history on virtual time three times as long, and a command half as long again. What is left out
here is told by its tests as loudly as ever where it fails; only its lines are not counted.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Final

import pytest

_UNMEASURED: Final = (
    # Thousands of steps, kills and power cuts through what the other tests take step by step.
    "tests/crash/",
    "tests/simulation/",
    # Many examples, all through the same few lines.
    "tests/integration/test_ledger_history.py",
    "tests/integration/test_names_claimed.py",
    "tests/integration/test_sync_rhythm.py",
    "tests/integration/test_sync_run.py::test_a_link_that_comes_while",
    "tests/integration/test_sync_run.py::test_a_pass_asks_about_each_of_five_hundred",
    "tests/integration/test_transfer_arrivals.py",
    "tests/unit/domain/test_crowd.py::test_a_line_that_wobbles",
    "tests/unit/domain/test_crowd.py::test_a_wobbling_line",
    "tests/unit/domain/test_link.py::test_what_is_shown_never",
    "tests/unit/polyv/test_polyv_answers.py::test_anything_at_all",
    "tests/unit/polyv/test_polyv_tasks.py::test_anything_at_all",
)
"""How the names of those begin that are not."""
_COMMANDS: Final = "tests/acceptance/"
"""Where tests start commands, which are measured from anew each time."""
_MEASURED_COMMANDS: Final = frozenset(
    "test_bad_input test_export test_export_bag test_ledger_commands test_ledger_rebuild test_metrics test_prune "
    "test_reconcile test_sidecars test_submit test_sync test_usage test_verify test_verify_mending".split()
)
"""Those that go through each command and its options; of a test with many cases the first is measured."""
_PROCESSES: Final = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""What has a process that is started measure itself."""


def is_measured(item: pytest.Item) -> bool:
    """Tell whether the lines that a test passes through count."""
    if item.nodeid.startswith(_UNMEASURED):
        return False
    if not item.nodeid.startswith(_COMMANDS):
        return True
    callspec = getattr(item, "callspec", None)
    is_first = callspec is None or not any(callspec.indices.values())
    return item.path.stem in _MEASURED_COMMANDS and is_first


@contextlib.contextmanager
def nothing_measured() -> Iterator[None]:
    """Have no line count until the block ends, in this process and in those that it starts."""
    kept = {name: os.environ.pop(name) for name in _PROCESSES if name in os.environ}
    coverage = sys.modules.get("coverage")  # Nobody else loads it.
    running = coverage.Coverage.current() if coverage else None
    if running:
        running.stop()
    try:
        yield
    finally:
        if running:
            running.start()
        os.environ.update(kept)
