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
    "tests/acceptance/test_misbehaving_",
    "tests/acceptance/test_vendors_word.py",
    "tests/acceptance/test_whole_library.py",
    "tests/integration/test_ledger_history.py",
    "tests/integration/test_names_claimed.py",
    "tests/integration/test_sync_rhythm.py",
    "tests/integration/test_transfer_arrivals.py",
    "tests/unit/domain/test_crowd.py::test_a_line_that_wobbles",
    "tests/unit/domain/test_crowd.py::test_a_wobbling_line",
)
"""How the names of those begin that are not."""
_COMMANDS: Final = "tests/acceptance/"
"""Where a test with many cases is measured by its first: each starts commands, which are measured from anew."""
_PROCESSES: Final = ("COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START")
"""What has a process that is started measure itself."""


def is_measured(item: pytest.Item) -> bool:
    """Tell whether the lines that a test passes through count."""
    if item.nodeid.startswith(_UNMEASURED):
        return False
    callspec = getattr(item, "callspec", None)
    return not (item.nodeid.startswith(_COMMANDS) and callspec and any(callspec.indices.values()))


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
