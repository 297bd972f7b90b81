"""The ledger's own thread: nothing of it ever runs on the event loop, and many small writes become one."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Final, TypeVar

from sqlalchemy import Connection

from fetcher.ledger.changes import Change, apply_all
from fetcher.ledger.engine import Database

T = TypeVar("T")
_Wanted = tuple[Change, "asyncio.Future[None]"]
Barrier = Callable[[Sequence[Change]], Sequence[Exception | None]]
_GATHER_S: Final = 0.02
"""Many small files share a commit then; a row that comes so much later costs nobody anything."""


def _no_barrier(changes: Sequence[Change]) -> Sequence[None]:
    """Nothing has to be done first."""
    return [None] * len(changes)


class LedgerThread:
    """A database whose transactions are awaited.

    ``record`` commits in groups: what is asked for within a moment, or while one commit is on its way, goes into
    one transaction. Its promise stays: when it returns, the event is durable.

    Args:
        database: An open ledger.
        barrier: Called in the ledger's thread before a group is written: makes durable what its events speak of,
            and says for each why it may not be written, None where it may.
        thread: Does one thing after the other; None for a thread of its own. It is shut down by ``close``.
    """

    def __init__(
        self, database: Database, *, barrier: Barrier = _no_barrier, thread: Executor | None = None
    ) -> None:
        self._database = database
        self._barrier = barrier
        self._thread = thread or ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._pending: deque[_Wanted] = deque()
        self._timer: asyncio.TimerHandle | None = None

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
        if self._timer is None:
            self._timer = loop.call_later(_GATHER_S, self._commit_soon, loop)
        await written

    def _commit_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._thread.submit(self._commit_pending, loop)

    def _commit_pending(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Commit all that is pending."""
        group = _taken(self._pending)
        if not group:
            return
        try:
            results = self._written([change for change, _ in group])
        except Exception as exc:  # noqa: BLE001 - handed to each of those who wait for it
            results = [exc] * len(group)
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(_tell, group, results)

    def _written(self, changes: Sequence[Change]) -> list[Exception | None]:
        """Write those of *changes* that may be written, return what went wrong with each."""
        errors = list(self._barrier(changes))
        allowed = [number for number, error in enumerate(errors) if error is None]
        if allowed:
            with self._database.writing() as connection:
                results = apply_all(connection, [changes[number] for number in allowed])
            for number, result in zip(allowed, results, strict=True):
                errors[number] = result if isinstance(result, Exception) else None
        return errors

    def close(self) -> None:
        """Write what is pending, wait for it, then close the database."""
        if self._timer is not None:
            self._timer.cancel()
        self._thread.submit(self._commit_pending, None)
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
