"""The whole of ``fetcher sync`` as one of the programs that are measured."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import Steps
from benchmarks.runner import JOBS, Round, Runner, Told, WrongResultError
from benchmarks.shelf import Shelf

FETCHER: Final = str(Path(sys.executable).with_name("fetcher"))


class Subject(Runner):
    """``fetcher sync`` in a fresh archive; ``init`` and ``add`` are outside of what is measured.

    Args:
        shelf: Whose tasks are recorded.
        name: As the table calls it.
        before: Words before the command, such as the name of a program that runs it.
        options: Words after ``sync``.
    """

    programs = (FETCHER,)

    def __init__(
        self,
        shelf: Shelf,
        *,
        name: str = "fetcher sync",
        before: Sequence[str] = (),
        options: Sequence[str] = ("--jobs", str(JOBS)),
    ) -> None:
        self.name = name
        self._shelf = shelf
        self._before = before
        self._options = options

    def steps(self, one: Round) -> Steps:
        """Make an archive and record the tasks."""
        self._call(one, "-q", "init", str(one.target))
        self._call(one, "add", "-", stdin="\n".join(self._shelf.task_ids))
        return [self.command()]

    def command(self) -> list[str]:
        """Return the command itself."""
        return [*self._before, FETCHER, "sync", *self._options]

    def environ(self, one: Round) -> dict[str, str]:
        """Return account and archive beside what all programs see."""
        simulator = self._shelf.simulator
        return {
            **one.environ(),
            "POLYV_APP_ID": simulator.app_id,
            "POLYV_APP_SECRET": simulator.app_secret,
            "FETCHER_API_URL": simulator.url,
            "FETCHER_ARCHIVE": str(one.target),
            "FETCHER_MIN_FREE": "0",
        }

    def told(self, one: Round, stdout: str) -> Mapping[str, Told]:
        """Return what the ledger says of the files that are done."""
        del stdout
        rows = [json.loads(line) for line in self._call(one, "list", "--format", "jsonl").splitlines()]
        return {row["vid"]: Told(path=row["path"], sha256=row["sha256"]) for row in rows if row["status"] == "done"}

    def _call(self, one: Round, *arguments: str, stdin: str = "") -> str:
        ended = subprocess.run(
            [FETCHER, *arguments], env=self.environ(one), input=stdin, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise WrongResultError(f"fetcher {arguments[0]} ended with {ended.returncode}: {ended.stderr}")
        return ended.stdout
