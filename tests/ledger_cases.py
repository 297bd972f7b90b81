"""What the tests of the ledger share: a ledger, names, and short ways to make things happen in it."""

import contextlib
import functools
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Container, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from fetcher.domain.events import Event, FileVerified
from fetcher.domain.link import Link
from fetcher.domain.observation import Observation
from fetcher.domain.status import Evidence, Preparation, Status
from fetcher.ledger.answers import DueTask, PollRecord
from fetcher.ledger.changes import Change, Fence, apply
from fetcher.ledger.claims import Claimed, Nameable, claim
from fetcher.ledger.engine import Database, open_database
from fetcher.ledger.polls import PollOutcome, record_poll
from fetcher.ledger.schema import APPLICATION_ID
from fetcher.ledger.upgrade import create_ledger, migrations_directory
from fetcher.ledger.work import add_tasks

NOW: Final = 1_750_000_000_000
MINUTE: Final = 60_000
DAY: Final = 86_400_000
CANARY: Final = "canary5f2d"
SHA256: Final = "5" * 64
FAR: Final = NOW + DAY


def at_revision(path: Path, revision: str) -> Database:
    """Make a ledger as a version before this one left it, and return it opened."""
    with raw(path) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
    database = open_database(path)
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return database


def vid(number: int) -> str:
    """Return the vid of video *number*."""
    return f"{number:032x}_1"


def task_id(number: int) -> str:
    """Return the id of task *number*."""
    return f"{number:032x}"


def link(number: int = 1, *, turn: int = 0, success_at: int | None = NOW) -> Link:
    """Return a link of video *number*; each *turn* is another one."""
    url = f"https://cdn.example/{number:x}.mp4?auth_key={1_750_000_000 + turn}-{CANARY}-0-abcdef"
    return Link(url=url, obtained_at=NOW, success_at=success_at)


def seen(
    number: int, said: Preparation = Preparation.SUCCESS, *, turn: int = 0, deadline: int | None = FAR
) -> Observation:
    """Return what Polyv says of video *number*: SUCCESS with a link, unless told otherwise."""
    is_ready = said is Preparation.SUCCESS
    return Observation(
        vid=vid(number),
        said=said,
        raw=said.value,
        created_at=NOW,
        link=link(number, turn=turn) if is_ready else None,
        deadline=deadline if is_ready else None,
    )


@functools.cache
def _empty_ledger() -> bytes:
    """Return a new ledger, made once for all tests: migrations take twenty times as long as a copy."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "ledger.db")
        create_ledger(path)
        return path.read_bytes()


def put_empty_ledger(path: Path) -> None:
    """Put a new ledger where there is none."""
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(_empty_ledger())


@contextlib.contextmanager
def opened(directory: Path, **values: Any) -> Iterator[Database]:
    """Make a ledger in *directory* where there is none, and open it."""
    path = directory / "ledger.db"
    if not path.exists():
        put_empty_ledger(path)
    database = open_database(path, **values)
    try:
        yield database
    finally:
        database.close()


def added(database: Database, number: int = 1, *, now: int = NOW) -> DueTask:
    """Record task *number* and return it."""
    with database.writing() as connection:
        add_tasks(connection, [task_id(number)], now=now)
    return task_of(database, number)


def task_of(database: Database, number: int) -> DueTask:
    """Return task *number* as it stands."""
    row = rows(database, f"SELECT * FROM tasks WHERE task_id = '{task_id(number)}'")[0]
    return DueTask(
        row_id=row["id"], task_id=row["task_id"], added_at=row["added_at"], quiet_polls=row["quiet_polls"]
    )


def polled(
    database: Database,
    number: int,
    *answer: Observation,
    now: int = NOW,
    is_given_up: bool = False,
    refused: Container[str] = (),
    expired: Container[str] = (),
    signing_anew: AbstractSet[str] = frozenset(),
) -> PollOutcome:
    """Keep *answer* as what Polyv says of task *number*.

    Args:
        database: The ledger.
        number: Of the task.
        answer: What is said.
        now: ms UTC.
        is_given_up: Whether what is not said by now counts as never.
        refused: Links that are wanted anew.
        expired: Those that the origin has just called expired.
        signing_anew: Hosts whose links are known to be signed anew.
    """
    record = PollRecord(
        task=task_of(database, number),
        seen=answer,
        now=now,
        next_poll_at=now + MINUTE,
        refused_links=refused,
        expired_links=expired,
        signing_anew=signing_anew,
        is_given_up=is_given_up,
    )
    with database.writing() as connection:
        return record_poll(connection, record)


def ready(database: Database, *numbers: int, task: int = 1) -> None:
    """Have a task give links of the videos *numbers*."""
    added(database, task)
    polled(database, task, *(seen(number) for number in numbers))


def named(facts: Nameable, is_twin: bool) -> tuple[str, str]:  # noqa: FBT001 - the ledger's own signature
    """Name a file after its vid, folded as a disk may fold it."""
    path = f"{facts.vid}-{facts.vid}.mp4" if is_twin else f"{facts.vid}.mp4"
    return path, path.casefold()


def taken(
    database: Database, *, limit: int = 10, owner: str = "run", now: int = NOW, lease_ms: int = MINUTE
) -> list[Claimed]:
    """Claim videos."""
    with database.writing() as connection:
        return claim(connection, limit=limit, owner=owner, now=now, lease_ms=lease_ms, name=named)


def happened(database: Database, video_id: int, event: Event, fence: Fence | None = None) -> Status:
    """Write one event."""
    with database.writing() as connection:
        return apply(connection, Change(video_id=video_id, event=event, fence=fence))


def verified(path: str, *, at: int = NOW) -> FileVerified:
    """Return the event of a file in place."""
    return FileVerified(at=at, path=path, size=5, sha256=SHA256, evidence=Evidence.MD5, md5="0" * 32)


def rows(database: Database, statement: str) -> list[dict[str, Any]]:
    """Return what *statement* finds."""
    with database.reading() as connection:
        return [dict(row._mapping) for row in connection.execute(text(statement))]


def video(database: Database, number: int) -> dict[str, Any]:
    """Return the row of video *number*."""
    return rows(database, f"SELECT * FROM videos WHERE vid = '{vid(number)}'")[0]


def statuses(database: Database) -> dict[str, str]:
    """Return the status of each video by vid."""
    return {row["vid"]: row["status"] for row in rows(database, "SELECT vid, status FROM videos")}


def task(database: Database, number: int = 1) -> tuple[str, int | None]:
    """Return a task's status and when it is asked about next."""
    row = rows(database, f"SELECT * FROM tasks WHERE task_id = '{task_id(number)}'")[0]
    return row["status"], row["next_poll_at"]


def history(database: Database, number: int = 1) -> list[str]:
    """Return the kinds of what happened to a video."""
    found = rows(database, f"SELECT kind FROM events JOIN videos ON videos.id = video WHERE vid = '{vid(number)}'")
    return [row["kind"] for row in found]


def plan(connection: Connection, statement: Any) -> str:
    """Return SQLite's plan of *statement*."""
    compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
    told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}").all()
    return "\n".join(str(row[3]) for row in told)


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a process that runs *code* with *arguments*, and wait until it says that it is ready."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def ended(process: "subprocess.Popen[str]") -> None:
    """Kill a child and wait for its end."""
    process.kill()
    process.communicate()


@contextlib.contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database behind the ledger's back."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
