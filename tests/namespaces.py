"""Run the command in a mount namespace of its own: what is mounted there is seen by nobody else."""

import os
import shutil
import subprocess
from typing import Final

import pytest
from archive_case import FETCHER, Archive

needs_mounts: Final = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="wants root and util-linux (unshare, mount)"
)


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
