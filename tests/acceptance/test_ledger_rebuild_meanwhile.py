"""``fetcher ledger rebuild`` beside others: what they write while it reads, and what it may not read."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Final

import pytest
from archive_case import FETCHER, passed_on
from done_archive import DoneArchive, lose_ledger
from ledger_cases import task_id, vid

_LARGE: Final = 1 << 30
"""Bytes of a file that takes some tenths of a second to read, and no room."""


@pytest.fixture
def archive(tmp_path: Path) -> DoneArchive:
    """Two done files and their sidecars."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill([f"{vid(1)}.mp4", f"{vid(2)}.mp4"])
    archive.add_sidecars()
    return archive


def test_a_task_that_is_recorded_while_files_are_read_is_not_put_aside(archive: DoneArchive) -> None:
    """F77: the ledger of 'init' may be replaced, one that has come to know a task meanwhile may not."""
    lose_ledger(archive.root)
    (archive.root / ".fetcher" / "config.toml").unlink()
    assert 0 == archive.run("init", str(archive.root)).returncode
    with (archive.root / f"{vid(3)}.mp4").open("wb") as file:
        file.truncate(_LARGE)
    running = archive.start("ledger", "rebuild")
    while not (archive.root / ".fetcher" / "rebuild.db").exists():
        assert running.poll() is None
        time.sleep(0.002)
    running.send_signal(signal.SIGSTOP)
    assert 0 == archive.run("add", task_id(1)).returncode
    running.send_signal(signal.SIGCONT)
    _, told = running.communicate()

    assert (2, True) == (running.returncode, b"--replace" in told)
    assert {"open": 1} == json.loads(archive.run("status", "--json").stdout)["tasks"]
    assert 0 == archive.run("ledger", "rebuild", "--replace").returncode
    assert {vid(1), vid(2), vid(3)} == set(archive.rows())


def test_a_file_whose_sidecar_cannot_be_read_is_not_taken_by_its_name(archive: DoneArchive) -> None:
    """F77: its bytes may be wrong, and the sidecar says so: exit code 9, and the others are done."""
    (archive.root / f"{vid(1)}.mp4").write_bytes(b"1 of thex")
    (archive.root / f"{vid(1)}.mp4.json").chmod(0)
    lose_ledger(archive.root)
    command = [FETCHER, "--archive", str(archive.root), "ledger", "rebuild"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]

    ran = subprocess.run(command, env=passed_on(), capture_output=True, text=True, check=False, cwd="/")

    told = f"unreadable  {vid(1)}.mp4: its sidecar cannot be read: Permission denied\n"
    assert (9, told) == (ran.returncode, ran.stdout)
    assert {vid(2)} == set(archive.rows())
