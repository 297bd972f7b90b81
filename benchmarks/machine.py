"""On what was measured, and with which versions."""

import os
import platform
import shutil
import ssl
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.origin_nginx import version as nginx_version
from benchmarks.plan import Plan
from benchmarks.subject import FETCHER

_ROOT: Final = Path(__file__).resolve().parents[1]
_PROGRAMS: Final[Mapping[str, Sequence[str]]] = {
    "curl": ["curl", "--version"],
    "aria2c": ["aria2c", "--version"],
    "rclone": ["rclone", "version"],
    "wget2": ["wget2", "--version"],
    "openssl": ["openssl", "version"],
    "sha256sum": ["sha256sum", "--version"],
    "eatmydata": ["dpkg-query", "-W", "-f", "eatmydata ${Version}", "eatmydata"],
}


def machine(plan: Plan) -> str:
    """Return a list of all that the figures depend on."""
    installed = {name: _told(words) for name, words in _PROGRAMS.items() if shutil.which(name)}
    absent = [name for name in _PROGRAMS if name not in installed]
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} at commit {_commit()}.",
        f"{_processors()}, Linux {platform.release()}, {_memory_gib()} GiB of memory.",
        f"tmpfs is {file_system(plan.memory)}, disk is {file_system(plan.disk)}.",
        f"fetcher {_told([FETCHER, '--version'])}; Python {platform.python_version()}, {ssl.OPENSSL_VERSION}.",
        f"{'; '.join([nginx_version(), *installed.values()])}.",
    ]
    if absent:
        lines.append(f"Not installed, so left out: {', '.join(absent)}.")
    return "\n".join(f"* {line}" for line in lines) + "\n"


def file_system(path: Path) -> str:
    """Return the type of the file system that holds *path*."""
    real = path.resolve()
    mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
    holding = [(len(where), kind) for _, where, kind, *_ in mounts if real.is_relative_to(where)]
    return max(holding)[1] if holding else "unknown"


def _told(words: Sequence[str]) -> str:
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return " ".join(told.partition("\n")[0].partition(" (x86")[0].split())


def _commit() -> str:
    git = ["git", "-C", str(_ROOT), "describe", "--always", "--dirty"]
    told = subprocess.run(git, capture_output=True, text=True, check=False) if shutil.which("git") else None
    return told.stdout.strip() if told and not told.returncode else "unknown"


def _processors() -> str:
    count = len(os.sched_getaffinity(0))
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return f"{count} × {line.partition(':')[2].strip()}"
    return f"{count} × {platform.machine()}, {sys.platform}"


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))
