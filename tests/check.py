"""Run every check of the project, or those that are named: what CI runs, and what README calls.

    python tests/check.py                  all of them
    python tests/check.py lint unit        some of them

Each one's output goes through as it comes; the first that fails ends the run with its exit code.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
_TOOLS: Final = Path(sys.executable).parent
_PYTEST: Final = ("-m", "pytest", "-q", "-n", str((os.cpu_count() or 1) + 2), "--dist", "worksteal")
"""Many tests wait for a socket or a process: two more at a time than there are processors. Those of a file stay
together as long as no process is idle, because a file prepares things once for all of them."""
_FAILED: Final = 1
"""What pytest ends with where tests have failed and nothing else is wrong."""
_MOST_AGAIN: Final = 5
"""Where more have failed, that is no matter of what ran beside them."""


def _call(*command: str | Path, cwd: Path = ROOT, **environ: str) -> None:
    subprocess.run([str(word) for word in command], cwd=cwd, env={**os.environ, **environ}, check=True)


def lint() -> None:
    """Style and form: ruff."""
    _call(_TOOLS / "ruff", "check", ".")
    _call(_TOOLS / "ruff", "format", "--check", ".")


def types() -> None:
    """Types: mypy --strict."""
    _call(_TOOLS / "mypy")


def floors() -> None:
    """The floors of the house: import-linter."""
    _call(_TOOLS / "lint-imports")


def tests() -> None:
    """All tests with branch coverage, in one report; the few that fail are run again without others beside them.

    Many of them measure what a machine does that has other things to do as well. One that passes twice by itself is
    told of at the end, for somebody to mend.
    """
    told = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
    told.unlink(missing_ok=True)
    _call(sys.executable, "-m", "coverage", "erase")
    alone: list[str] = []
    try:
        _call(sys.executable, "-m", "coverage", "run", *_PYTEST, COVERAGE_FILE=str(ROOT / ".coverage"))
    except subprocess.CalledProcessError as failed:
        alone = list(json.loads(told.read_text(encoding="utf-8"))) if told.exists() else []
        if failed.returncode != _FAILED or not 0 < len(alone) <= _MOST_AGAIN:
            raise
        for _ in range(2):
            _call(sys.executable, "-m", "pytest", "-q", *alone)
    _call(sys.executable, "-m", "coverage", "combine", "-q")
    _call(sys.executable, "-m", "coverage", "report")
    for name in alone:
        print(f"failed beside others and passed twice alone, to be mended: {name}", file=sys.stderr)


def _part(name: str) -> Callable[[], None]:
    return lambda: _call(sys.executable, *_PYTEST, f"tests/{name}")


def wheel() -> None:
    """Build the wheel, install it into a clean venv, remove nothing from it, and run the demo from /."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        _call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", place / "dist", ROOT)
        (built,) = (place / "dist").glob("*.whl")
        _call(sys.executable, "-m", "venv", "--without-pip", place / "venv")
        inside = place / "venv" / "bin" / "python"
        pip = [sys.executable, "-m", "pip"] if _has_pip() else [shutil.which("python3") or "python3", "-m", "pip"]
        constraints = ["-c", str(ROOT / "requirements.lock")]
        _call(*pip, "-q", "--python", inside, "install", *constraints, built)
        _call(place / "venv" / "bin" / "fetcher", "demo", "--dir", place / "archive", cwd=Path("/"), LANG="C")


def _has_pip() -> bool:
    asked = subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True, check=False)
    return asked.returncode == 0


CHECKS: Final[Mapping[str, Callable[[], None]]] = {
    "lint": lint,
    "types": types,
    "floors": floors,
    "tests": tests,
    "wheel": wheel,
}
PARTS: Final[Mapping[str, Callable[[], None]]] = {
    "unit": _part("unit"),
    "integration": _part("integration"),
    "acceptance": _part("acceptance"),
    "crash": _part("crash"),
    "simulation": _part("simulation"),
}


def main() -> int:
    """Run what is named on the command line, all checks where nothing is."""
    parser = argparse.ArgumentParser(description="Run the project's checks.")
    known = {**CHECKS, **PARTS}
    parser.add_argument("names", nargs="*", choices=[*known, []], metavar="NAME", help=", ".join(known))
    for name in parser.parse_args().names or CHECKS:
        began = time.monotonic()
        try:
            known[name]()
        except subprocess.CalledProcessError as exc:
            print(f"{name}: failed after {time.monotonic() - began:.0f} s", file=sys.stderr)
            return exc.returncode or 1
        print(f"{name}: good, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
