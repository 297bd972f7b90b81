"""What a command costs: wall time, processor time, peak memory."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_SPAWN: Final = Path(__file__).with_name("spawn.py")
_PATIENCE_S: Final = 900.0
_TOLD: Final = 1500

Steps = Sequence[Sequence[str]]
"""Commands that are run one after the other and cost together."""


class CommandFailedError(Exception):
    """A measured command did not end as it should; its figures mean nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What some steps cost together."""

    wall_s: float
    """From the start of the first to the end of the last, seconds."""
    cpu_s: float
    """User and system time of all, and of what they started and waited for, seconds."""
    peak_bytes: int
    """Resident memory of the largest process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Steps that ended well."""

    cost: Cost
    stdout: str


def measure(steps: Steps, *, environ: Mapping[str, str], directory: Path) -> Ended:
    """Run *steps* in *directory*.

    Args:
        steps: None of them may read stdin.
        environ: All that they see of an environment.
        directory: Where they begin.

    Raises:
        CommandFailedError: One ended with another code than 0, or they took longer than 15 minutes.
    """
    with tempfile.TemporaryDirectory(prefix="measured-") as scratch:
        stdout, stderr = Path(scratch, "stdout"), Path(scratch, "stderr")
        told = _spawn({"steps": steps, "stdout": str(stdout), "stderr": str(stderr)}, environ, directory)
        codes = told.pop("exit_codes")
        if codes[-1]:
            said = stderr.read_text(errors="replace")[-_TOLD:]
            raise CommandFailedError(f"{steps[len(codes) - 1][0]} ended with {codes[-1]}: {said}")
        return Ended(cost=Cost(**told), stdout=stdout.read_text(errors="replace"))


def _spawn(order: Mapping[str, object], environ: Mapping[str, str], directory: Path) -> dict[str, Any]:
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(_SPAWN)],
        env=dict(environ),
        cwd=directory,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        told, _ = process.communicate(json.dumps(order), timeout=_PATIENCE_S)
    except BaseException as exc:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(exc, subprocess.TimeoutExpired):
            raise CommandFailedError(f"{order['steps']} took longer than {_PATIENCE_S:.0f} s") from exc
        raise
    if process.returncode:
        raise CommandFailedError(f"the steps could not be started: {order['steps']}")
    answer: dict[str, Any] = json.loads(told)
    return answer
