"""Whole histories on virtual time: what is promised holds in each, and each can be told again.

More of them: ``SIMULATION_SEEDS=5000 SIMULATION_FROM=1000 python -m pytest tests/simulation``, or
``python tests/simulate.py --seeds 5000 --from 1000``.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from simulation import history
from simulation.disk import drop_template, scratch_directory
from telling import Tell

_SEEDS: Final = int(os.environ.get("SIMULATION_SEEDS", "80"))
_FIRST: Final = int(os.environ.get("SIMULATION_FROM", "0"))
_ENOUGH: Final = 80
"""Histories of which each kind of trouble has to be in one at least."""
_COMMAND: Final = Path(__file__).resolve().parent.parent / "simulate.py"
_NEEDED: Final = frozenset(
    {
        "api: silence",
        "body: cut",
        "body: flip",
        "body: stall",
        "clock: jumped",
        "link: expired",
        "life: died",
        "life: died after a name",
        "range: crumbs",
    }
)


@pytest.fixture(name="place", scope="module")
def _place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fetcher-histories-", dir=scratch_directory()) as directory:
        yield Path(directory)
    drop_template()


def test_what_is_promised_holds_in_every_history(place: Path, tell: Tell) -> None:
    """F01, F02, F03, F12, F13, F16, F17, F18, F19, F20, F21, F23, F24, F25, F26, F29, F31: by chance, together.

    F33, F34, F35, F37, F38, F42, F45, F46, F48, F52, F55, F56, F57, F58, F59, F60, F61, F62, F63, F66, F67, F72,
    F78, F83 too. The seed of a history that breaks a promise stands in the error.
    """
    struck: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    for seed in range(_FIRST, _FIRST + _SEEDS):
        told = history.tell(seed, place)
        struck += told.struck
        ended += told.ended
    tell(f"{_SEEDS} histories from seed {_FIRST} on: {dict(sorted(ended.items()))}")  # That they are not empty.
    tell(f"what went wrong in them: {dict(sorted(struck.items()))}")

    if _SEEDS >= _ENOUGH:
        assert set() == _NEEDED - struck.keys(), "the histories are too quiet"
        assert ended["done"] > _SEEDS


@pytest.mark.parametrize("seed", [3, 17, 101])
def test_a_seed_happens_again_exactly(place: Path, seed: int) -> None:
    """To the microsecond of its own time, and to the last column of the ledger."""
    assert history.tell(seed, place) == history.tell(seed, place)


def test_a_seed_happens_again_in_another_process() -> None:
    """Whatever order sets and names of files come in there."""
    command = [sys.executable, str(_COMMAND), "--from", "29", "--seeds", "2", "--trace"]
    told = {
        subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True, text=True, check=True
        ).stdout
        for number in ("1", "2", "3")
    }

    assert 1 == len(told)
    assert told.pop().count("'life'") > 4
