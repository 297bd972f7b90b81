"""An archive on disk, a simulator on loopback, and the installed command between them."""

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crash.shim import Injection

from fetcher.ledger.finished import rows
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.views import Selection
from fetcher.ledger.work import add_tasks
from fetcher.report.formats import formatted
from fetcher.report.rows import video_row
from fetcher.simulator.library import Video
from fetcher.simulator.server import Simulator

if TYPE_CHECKING:
    from crash.runs import Runs

FETCHER = str(Path(sys.executable).with_name("fetcher"))
_PASSED_ON = ("PATH", "COVERAGE_PROCESS_CONFIG", "COVERAGE_PROCESS_START", "COVERAGE_FILE")


def passed_on() -> dict[str, str]:
    """Return the little of this process' environment that a command is given."""
    return {**{name: os.environ[name] for name in _PASSED_ON if name in os.environ}, "LANG": "C"}


def run_fetcher(
    *arguments: str, environ: Mapping[str, str], stdin: str = "", command: str = FETCHER
) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end, as cron would: no terminal, cwd=/."""
    return subprocess.run(
        [command, *arguments],
        input=stdin,
        env={**passed_on(), **environ},
        cwd="/",
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


class Archive:
    """One archive, and the installed command at work in it."""

    def __init__(self, root: Path, *, app_id: str, app_secret: str, api_url: str) -> None:
        self.root = root
        self.runs: Runs | None = None
        """What forks commands from a loaded one, in a third of the time: for tests of many cases."""
        self.environ = {
            **passed_on(),
            "POLYV_APP_ID": app_id,
            "POLYV_APP_SECRET": app_secret,
            "FETCHER_API_URL": api_url,
            "FETCHER_ARCHIVE": str(root),
            "FETCHER_POLL_INTERVAL": "0.05",
            "FETCHER_POLL_INTERVAL_MAX": "0.05",
            "FETCHER_RETRY_DELAY": "0.05",
            "FETCHER_MIN_FREE": "0",
        }

    def run(self, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end: the installed one, or one forked from a process that has loaded it."""
        environ = {**self.environ, **environ}
        if self.runs is None or stdin:
            return run_fetcher(*arguments, environ=environ, stdin=stdin)
        ended = self.runs.run(*arguments, root=self.root, environ=environ, injection=Injection())
        return subprocess.CompletedProcess(arguments, ended.code, ended.stdout, ended.stderr)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[bytes]:
        """Start the installed command."""
        return subprocess.Popen(
            [FETCHER, *arguments],
            env={**self.environ, **environ},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def sync(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run one pass."""
        return self.run("sync", *arguments, **environ)

    def rows(self, *arguments: str) -> dict[str, dict[str, Any]]:
        """Return ``list --format jsonl`` by vid; the command itself is run where it has *arguments*."""
        if not arguments:
            return rows_of(self.ledger)
        listed = self.run("list", "--format", "jsonl", *arguments)
        assert (0, "") == (listed.returncode, listed.stderr)
        return {row["vid"]: row for row in map(json.loads, listed.stdout.splitlines())}

    @property
    def ledger(self) -> Path:
        """Where the ledger is."""
        return Path(self.environ.get("FETCHER_LEDGER", self.root / ".fetcher" / "ledger.db"))

    def status(self) -> dict[str, Any]:
        """Return ``status --json``."""
        told: dict[str, Any] = json.loads(self.run("status", "--json").stdout)
        return told

    def files(self) -> list[str]:
        """Return all finished files, relative to the archive."""
        return sorted(
            str(path.relative_to(self.root))
            for path in self.root.rglob("*")
            if path.is_file() and ".fetcher" not in path.relative_to(self.root).parts
        )

    def parts(self) -> list[str]:
        """Return what is left of files on their way."""
        return sorted(path.name for path in (self.root / ".fetcher" / "parts").iterdir())


class ArchiveCase(Archive):
    """One archive and the simulator that it is filled from."""

    def __init__(self, root: Path, simulator: Simulator) -> None:
        super().__init__(root, app_id=simulator.app_id, app_secret=simulator.app_secret, api_url=simulator.url)
        self.simulator = simulator

    def add(self, *videos: Video, **options: Any) -> str:
        """Have Polyv prepare *videos* in one task, and record it as 'add' does."""
        task_id = self.simulator.library.create_task([video.vid for video in videos], **options)
        with closing(open_ledger(self.ledger)) as ledger, ledger.writing() as connection:
            assert 1 == add_tasks(connection, [task_id], now=int(time.time() * 1000))
        return task_id

    def require_right(self, videos: Iterable[Video]) -> None:
        """See that each video is done and byte for byte what the simulator holds."""
        rows = self.rows()
        for video in videos:
            row = rows[video.vid]
            data = (self.root / row["path"]).read_bytes()
            assert ("done", video.size, video.sha256()) == (row["status"], row["size"], row["sha256"])
            assert video.sha256() == hashlib.sha256(data).hexdigest()

    def fetched_bytes(self, video: Video) -> int:
        """Return how many bytes of a video the origin has sent."""
        return sum(request.bytes_sent for request in self.simulator.requests.of(video.vid))


def rows_of(ledger: Path) -> dict[str, dict[str, Any]]:
    """Return what 'list --format jsonl' prints, by vid; without a process, which takes a third of a second."""
    with closing(open_ledger(ledger)) as database:
        lines = formatted(map(video_row, rows(database, Selection())), "jsonl")
        return {row["vid"]: row for row in map(json.loads, lines)}


def put_empty_archive(root: Path) -> None:
    """Put an archive in *root* as 'init' makes it."""
    shutil.copytree(Path(_empty_archive().name, "archive"), root)


@contextmanager
def archive_case(root: Path, **simulator: Any) -> Iterator[ArchiveCase]:
    """Yield an empty archive in *root* and its simulator."""
    put_empty_archive(root)
    with Simulator(**simulator) as running:
        yield ArchiveCase(root, running)


@functools.cache
def _empty_archive() -> "tempfile.TemporaryDirectory[str]":
    """Return where 'init' has made an archive: once for all tests, for each begins with a copy of it."""
    scratch = tempfile.TemporaryDirectory(prefix="fetcher-tests-")
    made = run_fetcher("-q", "init", str(Path(scratch.name, "archive")), environ={})
    assert (0, "") == (made.returncode, made.stdout + made.stderr)
    return scratch
