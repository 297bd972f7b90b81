"""The shim between a process and the kernel: built once, told by the environment what to do; see ``shim.c``."""

import shutil
import signal
import subprocess
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import pytest

LOCKS: Final = "lock"
"""Has what the first thread does with locks counted, and no file."""
_SOURCE = Path(__file__).with_name("shim.c")


class Mode(StrEnum):
    """What happens at the chosen call."""

    COUNT = "count"
    BEFORE = "before"
    AFTER = "after"
    TORN = "torn"
    FAIL = "fail"
    SHORT = "short"
    FULL = "full"
    BROKEN = "broken"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """What the shim does to one process."""

    mode: Mode = Mode.COUNT
    point: int = 0
    """The number of the call, from 1; 0 is never reached."""
    error: int = 0
    """The errno of what fails."""
    only: str = ""
    """Which calls count: a kind, a colon, a piece of the path; all where it is empty; ``LOCKS`` for those."""
    signal: int = signal.SIGINT
    """What ``STOP`` sends."""
    links: bool = True
    """Whether the file system has hard links."""
    log: Path | None = None
    """Where every call is written down."""
    boot_id: Path | None = None
    """A file that is read in place of the kernel's boot id."""

    def environ(self, root: Path) -> dict[str, str]:
        """Return the environment that tells the shim so, for files below *root*."""
        return {
            "SHIM_ROOT": str(root),
            "SHIM_MODE": self.mode.value,
            "SHIM_POINT": str(self.point),
            "SHIM_ERRNO": str(self.error),
            "SHIM_ONLY": self.only,
            "SHIM_SIGNAL": str(int(self.signal)),
            "SHIM_LINKS": "" if self.links else "none",
            "SHIM_LOG": "" if self.log is None else str(self.log),
            "SHIM_BOOT_ID": "" if self.boot_id is None else str(self.boot_id),
        }


def build_shim(directory: Path) -> Path:
    """Compile the shim into *directory*; where there is no compiler the test is left out."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler 'cc' (Debian: gcc and libc6-dev): calls cannot be counted or broken")
    built = directory / "shim.so"
    options = ["-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-pthread", "-ldl"]
    subprocess.run([compiler, *options, "-o", str(built), str(_SOURCE)], check=True)
    return built
