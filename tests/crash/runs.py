"""Run a program many times in a row under the shim."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crash.shim import Injection

_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    """Its exit code; -9 where it was killed."""
    calls: int
    """How many were counted; -1 where it was killed."""
    stdout: str
    stderr: str


class Runs:
    """Runs under the shim, one at a time.

    Args:
        shim: The built library.
        directory: For what the runs say.
        program: The module with the program, see ``zygote.py``.
    """

    def __init__(self, shim: Path, directory: Path, *, program: str) -> None:
        self._directory = directory
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "crash.zygote", program],
            env={"PATH": os.environ["PATH"], "LANG": "C", "PYTHONPATH": str(_TESTS), "LD_PRELOAD": str(shim)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, root: Path, environ: Mapping[str, str], injection: Injection) -> Ended:
        """Run the program with *arguments* on the archive *root* to its end."""
        streams = {name: self._directory / name for name in ("stdout", "stderr")}
        for path in streams.values():
            path.unlink(missing_ok=True)
        order = {
            "arguments": arguments,
            "environ": {"LANG": "C", **environ, **injection.environ(root)},
            **{name: str(path) for name, path in streams.items()},
        }
        assert self._zygote.stdin is not None
        assert self._zygote.stdout is not None
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()
        told = json.loads(self._zygote.stdout.readline())
        said = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in streams.items()}
        return Ended(code=told["code"], calls=told["calls"], **said)

    def close(self) -> None:
        """End the process that runs are forked from."""
        self._zygote.communicate(timeout=30)


@contextmanager
def runs_under(shim: Path, directory: Path, *, program: str = "fetcher.cli.main") -> Iterator[Runs]:
    """Yield what runs *program* under *shim*."""
    runs = Runs(shim, directory, program=program)
    try:
        yield runs
    finally:
        runs.close()
