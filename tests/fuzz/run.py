"""Fuzz one target with atheris, which is no requirement of anything else: ``pip install atheris`` first.

    python tests/fuzz/run.py answers -max_total_time=300

What follows the target's name is libFuzzer's. An input that breaks a target is left as ``crash-…`` in the current
directory; ``python tests/fuzz/run.py answers crash-…`` tries it again.
"""

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Fuzz until the time is over or something breaks."""
    atheris: Any = importlib.import_module("atheris")
    sys.path[:0] = [str(Path(__file__).resolve().parents[number]) for number in (1, 2)]
    with atheris.instrument_imports(include=["fetcher", "tomllib"]):
        from fuzz.targets import TARGETS  # noqa: PLC0415 - what is imported here is watched
    target, beginnings = TARGETS[sys.argv[1]]
    corpus = Path(tempfile.mkdtemp(prefix="fetcher-corpus-"))
    for number, beginning in enumerate(beginnings):
        (corpus / str(number)).write_bytes(beginning)
    atheris.Setup([sys.argv[0], *sys.argv[2:], *([] if _has_input(sys.argv[2:]) else [str(corpus)])], target)
    atheris.Fuzz()


def _has_input(options: list[str]) -> bool:
    return any(not option.startswith("-") for option in options)


if __name__ == "__main__":
    main()
