"""An archive with one task of one video, behind an API and an origin on raw sockets."""

import contextlib
import itertools
import json
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from archive_case import Archive, run_fetcher
from origin import OriginServer
from polyv_client_cases import SECRET, TASK, VID
from polyv_server import PolyvServer
from transfer_cases import video

SIZE: Final = 1_500_000
"""More than fits into one buffer, so that a part is remembered from run to run."""
BODY: Final = video(SIZE)
PATH: Final = f"/{VID}.mp4"
KEY: Final = "canary0c4d"
"""In every link's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How one run ended."""

    code: int
    told: list[str]
    """What is said at the default level: warnings and errors."""
    said: str
    """All that was said anywhere, at the loudest level."""

    @classmethod
    def of(cls, ended: subprocess.CompletedProcess[str]) -> "Ended":
        """Return how a run with ``-vv --log-format json`` ended."""
        lines = [json.loads(line) for line in ended.stderr.splitlines()]
        told = [line["message"] for line in lines if line["levelname"] in {"WARNING", "ERROR", "CRITICAL"}]
        return cls(code=ended.returncode, told=told, said=ended.stdout + ended.stderr)


class RawCase(Archive):
    """The archive, the servers, and what they hold when they behave."""

    def __init__(self, root: Path, *, polyv: PolyvServer, origin: OriginServer) -> None:
        super().__init__(root, app_id="a0Wmol5EwX", app_secret=SECRET, api_url=polyv.url)
        self.environ["FETCHER_TRIES"] = "2"
        # There are many of these runs; other tests measure what they pass through.
        self.environ = {name: value for name, value in self.environ.items() if not name.startswith("COVERAGE")}
        self.polyv = polyv
        self.origin = origin
        self._turns = itertools.count(1)
        self.origin.add(PATH, BODY)
        self.behave()

    def behave(self) -> None:
        """Have both servers do from now on what they have to."""
        self.origin.forget(PATH)
        self.polyv.script.clear()
        self.polyv.ahead_s, self.polyv.sends_date = 0.0, True
        self.polyv.data = lambda: [self.row()]

    def link(self, path: str = PATH) -> str:
        """Return a link, another one each time."""
        return f"{self.origin.url(path)}?auth_key={int(time.time())}-{KEY}-0-{next(self._turns):032x}"

    def row(self, **changed: Any) -> dict[str, Any]:
        """Return Polyv's row of the video, ready, with *changed* in it."""
        at = int(time.time() * 1000)
        row = {"vid": VID, "url": self.link(), "status": "SUCCESS", "createTime": at, "successTime": at}
        return row | changed

    def pass_once(self, **environ: str) -> Ended:
        """Run one pass at the loudest level."""
        return Ended.of(self.run("-vv", "--log-format", "json", "sync", "--json", **environ))

    def standing(self) -> tuple[str | None, str | None]:
        """Return status and reason of the video, None where the ledger does not know it."""
        with contextlib.closing(
            sqlite3.connect(f"file:{self.root}/.fetcher/ledger.db?mode=ro", uri=True)
        ) as ledger:
            row = ledger.execute("SELECT status, reason FROM videos WHERE vid = ?", [VID]).fetchone()
        return (row[0], row[1]) if row else (None, None)

    @property
    def file(self) -> Path:
        """Where the video's file is in the end."""
        return self.root / f"{VID}.mp4"

    def is_right(self) -> bool:
        """Tell whether the file is there, byte for byte, and no other beside it."""
        return self.files() == [self.file.name] and self.file.read_bytes() == BODY

    def secrets(self) -> list[str]:
        """Return what may stand in no output: the secret, what each link's key has, every signature so far."""
        return [SECRET, KEY, *(request.params["sign"] for request in self.polyv.requests)]


def prepared_archive(place: Path) -> Path:
    """Return an archive that knows the task and nothing else, to be copied."""
    root = place / "archive"
    for arguments in (["-q", "init", str(root)], ["--archive", str(root), "-q", "add", TASK]):
        ended = run_fetcher(*arguments, environ={})
        assert (0, "") == (ended.returncode, ended.stdout + ended.stderr)
    return root


@contextlib.contextmanager
def raw_case(prepared: Path, root: Path) -> Iterator[RawCase]:
    """Yield a copy of *prepared* in *root* with servers that behave."""
    shutil.copytree(prepared, root)
    with PolyvServer(secret=SECRET) as polyv, OriginServer() as origin:
        yield RawCase(root, polyv=polyv, origin=origin)
