"""The ledger as it stands on the disk, read behind the product's back and without touching it."""

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulation.disk import scratch_directory

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerView:
    """All rows of an archive's ledger."""

    videos: dict[str, Row]
    """By vid."""
    tasks: dict[str, Row]
    """By task id, or by our own key where none is known."""
    items: tuple[Row, ...]
    """What each task said of each video."""
    events: tuple[Row, ...]
    runs: tuple[Row, ...]

    def standing(self, *statuses: str) -> list[str]:
        """Return the vids that stand at one of *statuses*."""
        return [vid for vid, row in self.videos.items() if row["status"] in statuses]

    def is_asked_about(self, vid: str) -> bool:
        """Tell whether a task that names a video will be asked about again."""
        asked = {row["id"] for row in self.tasks.values() if row["next_poll_at"] is not None}
        return any(item["video"] == self.videos[vid]["id"] and item["task"] in asked for item in self.items)

    def is_prepared_anew(self, vid: str) -> bool:
        """Tell whether a video that had failed waits because a newer task has named it."""
        video = self.videos.get(vid)
        if video is None or video["status"] != "waiting":
            return False
        last = [event for event in self.events if event["video"] == video["id"]][-1]
        return (last["kind"], last["from_status"]) == ("TaskNamed", "failed")

    def may_know(self, task_id: str, vid: str) -> bool:
        """Tell whether a task has named a video, or may still do so."""
        if task_id not in self.tasks:
            return False  # Its answer was lost.
        task, video = self.tasks[task_id], self.videos.get(vid, {}).get("id")
        return task["status"] == "open" or any(
            (item["task"], item["video"]) == (task["id"], video) for item in self.items
        )


def view(ledger: Path) -> LedgerView:
    """Return what *ledger* says. A copy is read: opening the file itself would do SQLite's recovery."""
    with tempfile.TemporaryDirectory(dir=scratch_directory()) as directory:
        copy = Path(directory, "ledger.db")
        for end in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{ledger}{end}", f"{copy}{end}")
        with _opened(copy) as connection:
            assert [("ok",)] == connection.execute("PRAGMA integrity_check").fetchall()
            return LedgerView(
                videos={row["vid"]: row for row in _rows(connection, "videos")},
                tasks={row["task_id"] or row["request_key"]: row for row in _rows(connection, "tasks")},
                items=tuple(_rows(connection, "task_items", "task, video")),
                events=tuple(_rows(connection, "events")),
                runs=tuple(_rows(connection, "runs")),
            )


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        yield connection


def _rows(connection: sqlite3.Connection, table: str, order: str = "id") -> list[Row]:
    found = connection.execute(f"SELECT * FROM {table} ORDER BY {order}")
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found]
