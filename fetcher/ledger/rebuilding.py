"""Fill a new ledger with what was found of a lost one's videos and tasks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, select

from fetcher.domain.status import Preparation, Status, TaskStatus
from fetcher.ledger.bulk import insert_rows, one_of, packed
from fetcher.ledger.engine import Database
from fetcher.ledger.schema import events, task_items, tasks, videos

_DAY_MS: Final = 86_400_000
_ASKED_AGAIN_MS: Final = 8 * _DAY_MS
"""A task that had a video done since may have others that are thawed: no window is longer than seven days."""
_HAPPENED: Final = "LedgerRebuilt"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneVideo:
    """A finished file, and what is known of its video."""

    values: Mapping[str, Any]
    """The columns of its row but the id; the same ones for every video."""
    task_ids: Sequence[str]
    """The tasks that named it."""
    detail: str
    """For its history."""


class Rebuilding:
    """Fills a ledger that has no row yet.

    Args:
        database: The new ledger.
        first_id: The first video that is added gets it; all ids below are left for parts.
        now: ms UTC.
    """

    def __init__(self, database: Database, *, first_id: int, now: int) -> None:
        self._database = database
        self._next_id = first_id
        self._now = now

    def add_done(self, found: Sequence[DoneVideo]) -> None:
        """Add done videos and their tasks, in one transaction.

        A task is open where a video of it was done not long ago: it is asked about once more, for others of its
        videos may have links that die. Else it is finished.
        """
        first, self._next_id = self._next_id, self._next_id + len(found)
        rows = [{"id": first + number, **one.values} for number, one in enumerate(found)]
        with self._database.writing() as connection:
            insert_rows(connection, videos, rows)
            insert_rows(
                connection, events, [self._event(row, one.detail) for row, one in zip(rows, found, strict=True)]
            )
            self._name_tasks(connection, [(row, one.task_ids) for row, one in zip(rows, found, strict=True)])

    def add_wanted(self, vids: Mapping[int, str]) -> None:
        """Add videos of which a part is there, by the id that the part has in its name."""
        with self._database.writing() as connection:
            rows = [
                {"id": video_id, "vid": vid, "status": Status.WANTED.value, "added_at": self._now}
                for video_id, vid in sorted(vids.items())
            ]
            insert_rows(connection, videos, rows)
            insert_rows(connection, events, [self._event(row, "a part of it is here") for row in rows])

    def _event(self, row: Mapping[str, Any], detail: str) -> dict[str, Any]:
        return {
            "video": row["id"],
            "at": self._now,
            "kind": _HAPPENED,
            "from_status": row["status"],
            "to_status": row["status"],
            "detail": detail,
        }

    def _name_tasks(self, connection: Connection, named: Sequence[tuple[Mapping[str, Any], Sequence[str]]]) -> None:
        done_at: dict[str, int] = {}
        for row, task_ids in named:
            for task_id in task_ids:
                done_at[task_id] = max(row["done_at"], done_at.get(task_id, 0))
        known = self._known(connection, done_at)
        new = [task_id for task_id in done_at if task_id not in known]
        insert_rows(connection, tasks, [self._task(task_id, done_at[task_id]) for task_id in new])
        reopened = [known[task_id] for task_id, at in done_at.items() if task_id in known and self._is_recent(at)]
        self._reopen(connection, reopened)
        ids = self._known(connection, done_at)
        items = [
            {"task": ids[task_id], "video": row["id"], "said": Preparation.SUCCESS.value, "seen_at": row["done_at"]}
            for row, task_ids in named
            for task_id in dict.fromkeys(task_ids)
        ]
        insert_rows(connection, task_items, items)

    def _task(self, task_id: str, done_at: int) -> dict[str, Any]:
        is_open = self._is_recent(done_at)
        return {
            "task_id": task_id,
            "status": (TaskStatus.OPEN if is_open else TaskStatus.FINISHED).value,
            "added_at": min(done_at, self._now),
            "next_poll_at": self._now if is_open else None,
        }

    def _is_recent(self, done_at: int) -> bool:
        return done_at > self._now - _ASKED_AGAIN_MS

    def _reopen(self, connection: Connection, task_rows: Iterable[int]) -> None:
        reopened = packed(task_rows)
        connection.execute(
            tasks.update()
            .where(tasks.c.id.in_(one_of()))
            .values(status=TaskStatus.OPEN.value, next_poll_at=self._now),
            reopened,
        )

    def _known(self, connection: Connection, task_ids: Iterable[str]) -> dict[str, int]:
        found = connection.execute(
            select(tasks.c.task_id, tasks.c.id).where(tasks.c.task_id.in_(one_of())), packed(task_ids)
        )
        return {row.task_id: row.id for row in found}
