"""The ledger's own thread: nothing of it ever runs on the event loop, and many small writes become one."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from fetcher.ledger.changes import Change, apply_all
from fetcher.ledger.engine import Database

T = TypeVar("T")
_Wanted = tuple[Change, "asyncio.Future[None]"]


class LedgerThread:
    """A database whose transactions are awaited.

    ``record`` commits in groups: what is asked for while one commit is on its way goes into the next. Its promise
    stays: when it returns, the event is durable.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._pending: deque[_Wanted] = deque()

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

        Whoever gives up waiting changes nothing: what was asked for is written all the same.

        Raises:
            StaleLeaseError: The claim ended, and the event was not written.
            LedgerError: Nothing was written.
        """
        loop = asyncio.get_running_loop()
        written: asyncio.Future[None] = loop.create_future()
        self._pending.append((change, written))
        self._thread.submit(self._commit_pending, loop)
        await written

    def _commit_pending(self, loop: asyncio.AbstractEventLoop) -> None:
        """Commit all that is pending: nothing where an earlier call has taken it along."""
        group = _taken(self._pending)
        if not group:
            return
        try:
            with self._database.writing() as connection:
                results = [_error(result) for result in apply_all(connection, [change for change, _ in group])]
        except Exception as exc:  # noqa: BLE001 - handed to each of those who wait for it
            results = [exc] * len(group)
        with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
            loop.call_soon_threadsafe(_tell, group, results)

    def close(self) -> None:
        """Wait for what is under way, then close the database."""
        self._thread.shutdown(wait=True)
        self._database.close()


def _taken(pending: deque[_Wanted]) -> list[_Wanted]:
    group: list[_Wanted] = []
    with contextlib.suppress(IndexError):
        while True:
            group.append(pending.popleft())
    return group


def _tell(group: Sequence[_Wanted], results: Sequence[Exception | None]) -> None:
    for (_, written), error in zip(group, results, strict=True):
        if written.done():
            continue
        if error is None:
            written.set_result(None)
        else:
            written.set_exception(error)


def _error(result: object) -> Exception | None:
    return result if isinstance(result, Exception) else None
