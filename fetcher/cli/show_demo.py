"""The demo: a simulated library on loopback, and the real commands against it."""

import hashlib
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Final

import click

from fetcher.archive.home import Home, create_home
from fetcher.cli.context import Session
from fetcher.cli.pass_ import run_pass
from fetcher.credentials import Credentials
from fetcher.domain.errors import UsageError
from fetcher.domain.exit_code import ExitCode
from fetcher.ledger.upgrade import create_ledger
from fetcher.ledger.views import Selection, listed, totals
from fetcher.ledger.work import add_tasks
from fetcher.report.rows import status_row
from fetcher.report.text import counted, status_lines
from fetcher.settings import annotated_config, load_settings
from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video
from fetcher.simulator.server import Simulator
from fetcher.sync.outcome import Options

_SIZE: Final = 400_000
_EXTENSIONS: Final = (".mp4", ".MOV", ".flv")


def show_demo(session: Session, directory: Path, count: int) -> int:
    """Fill an archive in *directory* from a simulated Polyv, check every byte, say what to type next."""
    if directory.exists() and any(directory.iterdir()):
        raise UsageError(f"{directory} is not empty; name another place with --dir")
    with Simulator() as simulator:
        videos = _stock(simulator, count)
        home = create_home(directory, config=annotated_config(), prepare=lambda made: create_ledger(made.ledger))
        _record(session, home, simulator, videos)
        code = _sync(session, home, simulator)
        if session.signals.asked is not None:
            return code
        return _tell(session, home, videos, code)


def _stock(simulator: Simulator, count: int) -> list[Video]:
    """Put videos on the shelf: most are plain, three meet with something."""
    meets = {0: [Fault.cut(after=_SIZE // 2)], 1: [Fault.expired()]}
    return [
        simulator.library.add_video(
            size=_SIZE + number * 1013,
            extension=_EXTENSIONS[number % len(_EXTENSIONS)],
            faults=meets.get(number, []),
            fails=number == 2,  # noqa: PLR2004 - the third one
            ready_after_polls=number % 3,
        )
        for number in range(count)
    ]


def _record(session: Session, home: Home, simulator: Simulator, videos: list[Video]) -> None:
    third = max(1, len(videos) // 3)
    task_ids = []
    for start in range(0, len(videos), third):
        for chunk in range(start, min(start + third, len(videos)), 100):
            vids = [video.vid for video in videos[chunk : min(chunk + 100, start + third)]]
            task_ids.append(simulator.library.create_task(vids))
    made = f"{counted(len(videos), 'video')} in {counted(len(task_ids), 'task')}"
    _say(f"simulator of Polyv at {simulator.url}: {made}")
    database = session.ledger(home)
    try:
        with database.writing() as connection:
            add_tasks(connection, task_ids, now=int(time.time() * 1000))
    finally:
        database.close()


def _sync(session: Session, home: Home, simulator: Simulator) -> int:
    _say("fetcher sync --until-done")
    flags = {"api_url": simulator.url, "poll_interval": 0.2, "retry_delay": 0.1, "min_free": "0"}
    settings = load_settings(home, {}, flags)
    credentials = Credentials(app_id=simulator.app_id, app_secret=simulator.app_secret)
    began = time.monotonic()
    code = run_pass(session, home, settings, credentials, Options(until_done=True), as_json=False)
    planned = ", as planned: one video needs a person" if code == ExitCode.PERSON else ""
    _say(f"ended with exit code {code} after {time.monotonic() - began:.1f} s{planned}")
    return code


def _tell(session: Session, home: Home, videos: list[Video], code: int) -> int:
    """Compare every file with what the simulator served, show the status, and say what comes next."""
    database = session.ledger(home)
    try:
        with database.reading() as connection:
            rows = {row["vid"]: row for row in listed(connection, Selection())}
            status = status_row(totals(connection))
    finally:
        database.close()
    wrong = [video.vid for video in videos if not _is_as_expected(home, video, rows)]
    for line in status_lines(status, str(home.root)):
        click.echo(line)
    for row in rows.values():
        if row["status"] == "failed":
            click.echo(f"needs a person: {row['vid']} ({row['reason']}: {row['detail']})")
    if wrong or code != ExitCode.PERSON:
        click.echo(f"the demo went wrong: exit code {code}, not as expected: {wrong}", err=True)
        return ExitCode.UNEXPECTED
    _say_next(home, len(videos) - 1)
    return ExitCode.OK


def _is_as_expected(home: Home, video: Video, rows: dict[str, dict[str, object]]) -> bool:
    row = rows.get(video.vid)
    if row is None:
        return False
    if row["status"] == "failed":
        return row["reason"] == "vendor_failed"
    if row["status"] != "done":
        return False
    with (home.root / str(row["path"])).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == video.sha256()


def _say_next(home: Home, done: int) -> None:
    place, fetcher = shlex.quote(os.path.relpath(home.root)), shlex.quote(_own_name())
    click.echo(f"\n{counted(done, 'file', 'are')} byte for byte right. The archive is in {home.root}\n")
    click.echo("Look around:")
    click.echo(f"  {fetcher} --archive {place} list")
    click.echo(f"  {fetcher} --archive {place} show VID")
    click.echo("For your own library:")
    click.echo(f"  {fetcher} init /srv/polyv")
    click.echo("  export FETCHER_ARCHIVE=/srv/polyv POLYV_APP_ID=... POLYV_APP_SECRET_FILE=/etc/polyv-secret")
    click.echo(f"  {fetcher} submit --library && {fetcher} sync")


def _own_name() -> str:
    """Return how this command was called, so that what is printed can be typed."""
    called = sys.argv[0]
    return "fetcher" if shutil.which("fetcher") == os.path.abspath(called) else called


def _say(text: str) -> None:
    click.echo(f"demo: {text}", err=True)
