"""Run the command in a mount namespace of its own: what is mounted there is seen by nobody else."""

import shutil
import subprocess
from typing import Final

import pytest
from archive_case import FETCHER, Archive


def _can_mount() -> bool:
    """Tell whether it works here: root in a container often may not."""
    if shutil.which("unshare") is None:
        return False
    trial = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /tmp"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


needs_mounts: Final = pytest.mark.skipif(not _can_mount(), reason="wants root and util-linux (unshare, mount)")


def run_mounted(
    archive: Archive, mounting: str, *arguments: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end where *mounting*, a line for the shell, has been done before."""
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", f'{mounting} && exec "$0" "$@"', FETCHER, *arguments],
        env={**archive.environ, **environ},
        cwd="/",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
