"""The ledger's own thread: nothing of it ever runs on the event loop, and many small writes become one."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from fetcher.domain.errors import FetcherError
from fetcher.ledger.changes import Change, apply
from fetcher.ledger.engine import Database

T = TypeVar("T")
_Group = list[tuple[Change, "asyncio.Future[None]"]]


class LedgerThread:
    """A database whose transactions are awaited.

    ``record`` commits in groups: what is asked for while one commit is on its way goes into the next. Its promise
    stays: when it returns, the event is durable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._pending: _Group = []
        self._committing: asyncio.Task[None] | None = None

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run *work* in one write transaction."""

        def transact() -> T:
            with self._database.writing() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._thread, transact)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run *work* on one snapshot."""

        def look() -> T:
            with self._database.reading() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._thread, look)

    async def record(self, change: Change) -> None:
        """Write one event; durable on return.

        Raises:
            StaleLeaseError: The claim ended, and the event was not written.
            LedgerError: Nothing was written.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.append((change, written))
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_groups())
        await written

    async def _commit_groups(self) -> None:
        """Commit what is pending, and what has become so meanwhile, until nothing is."""
        try:
            while self._pending:
                group, self._pending = self._pending, []
                await self._commit(group)
        finally:
            self._committing = None

    async def _commit(self, group: _Group) -> None:
        try:
            results = await self.write(lambda connection: [_tried(connection, change) for change, _ in group])
        except Exception as exc:  # noqa: BLE001 - handed to each of those who wait for it
            results = [exc] * len(group)
        for (_, written), error in zip(group, results, strict=True):
            if written.done():
                continue
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(error)

    def close(self) -> None:
        """Wait for what is under way, then close the database."""
        self._thread.shutdown(wait=True)
        self._database.close()


def _tried(connection: Connection, change: Change) -> Exception | None:
    """Apply one change of a group. Ours are raised before anything is written, so the others still stand."""
    try:
        apply(connection, change)
    except FetcherError as exc:
        return exc
    return None
