"""Run a program many times in a row, under the shim where calls are to be counted or broken."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from crash.shim import Injection

_LONGEST_S = 300
_TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    code: int
    """Its exit code; -9 where it was killed."""
    calls: int
    """How many were counted, 0 without the shim; -1 where it was killed."""
    stdout: str
    stderr: str


class Runs:
    """Runs, one at a time.

    Args:
        shim: The built library; None for runs that nothing happens to.
        directory: For what the runs say.
        program: The module with the program, see ``zygote.py``.
    """

    def __init__(self, shim: Path | None, directory: Path, *, program: str) -> None:
        self._directory = directory
        loaded = {} if shim is None else {"LD_PRELOAD": str(shim)}
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "crash.zygote", program],
            env={"PATH": os.environ["PATH"], "LANG": "C", "PYTHONPATH": str(_TESTS), **loaded},
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
        assert select.select([self._zygote.stdout], [], [], _LONGEST_S)[0], f"{arguments} does not end"
        told = json.loads(self._zygote.stdout.readline())
        said = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in streams.items()}
        return Ended(code=told["code"], calls=told["calls"], **said)

    def close(self) -> None:
        """End the process that runs are forked from."""
        self._zygote.communicate(timeout=30)


@contextmanager
def runs_under(shim: Path | None, directory: Path, *, program: str = "fetcher.cli.main") -> Iterator[Runs]:
    """Yield what runs *program*, under *shim* where there is one."""
    runs = Runs(shim, directory, program=program)
    try:
        yield runs
    finally:
        runs.close()
