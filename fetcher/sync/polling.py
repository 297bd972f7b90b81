"""Ask Polyv about one task, keep what it says, and tell what came of it."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.space import require_files_left
from fetcher.domain.errors import PolyvBlockedError, PolyvError, PolyvRefusedError
from fetcher.domain.observation import Observation
from fetcher.downloader.orders import Order
from fetcher.ledger.answers import DueTask, PollRecord
from fetcher.ledger.polls import PollOutcome, record_poll, record_poll_failure
from fetcher.ledger.sources import Told, keep_told
from fetcher.poller import Poller
from fetcher.sync.enquiring import Enquiring
from fetcher.sync.rhythm import Rhythm
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_AT_ONCE: Final = 20
"""As many connections as httpx keeps open. Polyv's rate is held by the client, not by this."""


class Polling:
    """Questions about tasks, each kept as soon as it is answered.

    Args:
        wires: Of the run.
        poller: Asks, and reads the answer.
        rhythm: Says when a task is asked about again, and when no more.
        enquiring: Asks about the sources of a task's videos; None where nothing is asked of them.
    """

    def __init__(self, wires: Wires, *, poller: Poller, rhythm: Rhythm, enquiring: Enquiring | None) -> None:
        self._wires = wires
        self._poller = poller
        self._rhythm = rhythm
        self._enquiring = enquiring
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._refused: set[str] = set()
        self._expired: set[str] = set()
        """Those of them that the origin called expired."""
        self._start_bys: list[int | None] = []
        self._is_blocked_told = False

    @contextlib.contextmanager
    def refused(self, order: Order) -> Iterator[None]:
        """While this is open, an answer with the link of *order* brings nothing new: the origin refuses it."""
        self._refused.add(order.link.url)
        if order.is_expired:
            self._expired.add(order.link.url)
        try:
            yield
        finally:
            self._refused.discard(order.link.url)
            self._expired.discard(order.link.url)

    def take_start_bys(self) -> list[int | None]:
        """Return by when to begin with what has become ready since this was last called."""
        start_bys, self._start_bys = self._start_bys, []
        return start_bys

    async def poll(self, task: DueTask) -> list[Observation]:
        """Ask about one task and keep the answer.

        Raises:
            PolyvError: No usable answer; that is kept, too.
            CredentialsRefusedError: No call can succeed.
            StorageError: There was no file left to ask with, which says nothing of Polyv.
        """
        try:
            async with self._room:
                self._wires.summary.polls += 1
                seen = await self._poller.ask(task.task_id)
        except PolyvError as exc:
            require_files_left(exc.__cause__, "asking Polyv")
            await self._keep_failure(task, exc)
            raise
        told = await self._enquiring.ask(seen) if self._enquiring is not None else {}
        outcome = await self._kept(self._record_of(task, seen), told)
        self._tell(task, seen, outcome)
        return seen

    def _record_of(self, task: DueTask, seen: list[Observation]) -> PollRecord:
        now, polyv_now = self._wires.now(), self._wires.polyv_now()
        return PollRecord(
            task=task,
            seen=seen,
            now=now,
            polyv_now=polyv_now,
            next_poll_at=self._rhythm.next_at(task, now=now),
            after_news_at=self._rhythm.after_news_at(now=now),
            refused_links=frozenset(self._refused),
            expired_links=frozenset(self._expired),
            signing_anew=self._wires.clocks.signing_anew(),
            is_given_up=self._rhythm.is_given_up(task, now=now, polyv_now=polyv_now),
            expire_days=self._rhythm.expire_days,
            resubmit_expired=self._rhythm.resubmit_expired,
        )

    async def _kept(self, record: PollRecord, told: Mapping[str, Told]) -> PollOutcome:
        """Write an answer down: what is said of the sources is there as soon as their links are."""

        def keep(connection: Connection) -> PollOutcome:
            outcome = record_poll(connection, record)
            keep_told(connection, told, now=record.now)
            return outcome

        return await self._wires.ledger.write(keep)

    def _tell(self, task: DueTask, seen: Sequence[Observation], outcome: PollOutcome) -> None:
        """Count what an answer brought, and pass it on."""
        self._wires.summary.published += outcome.published
        self._wires.summary.windows_closed += outcome.windows_closed
        self._start_bys += outcome.start_bys
        self._wires.clocks.signed(outcome.signs_anew)
        self._wires.notify(
            {
                "type": "poll",
                "task_id": task.task_id,
                "videos": len(seen),
                "published": outcome.published,
                "failed": len(outcome.failed),
                "finished": outcome.is_finished,
            }
        )
        self._tell_failed(task, outcome)

    async def _keep_failure(self, task: DueTask, exc: PolyvError) -> None:
        self._wires.summary.polls_failed += 1
        if isinstance(exc, PolyvBlockedError):
            self._tell_blocked(task, exc)
            return
        now, polyv_now = self._wires.now(), self._wires.polyv_now()
        _log.warning("task %s: %s", task.task_id, exc)
        self._wires.notify({"type": "poll_failed", "task_id": task.task_id, "error": str(exc)})
        keep = functools.partial(
            record_poll_failure,
            task=task,
            text=str(exc),
            now=now,
            next_poll_at=self._rhythm.next_at(task, now=now),
            # An outage says nothing about the task; only Polyv's own refusal does.
            is_given_up=isinstance(exc, PolyvRefusedError)
            and self._rhythm.is_given_up(task, now=now, polyv_now=polyv_now),
        )
        self._tell_failed(task, await self._wires.ledger.write(keep))

    def _tell_blocked(self, task: DueTask, exc: PolyvBlockedError) -> None:
        """Say once that Polyv is left alone for a while: it is not the task's fault, nor another task's."""
        if not self._is_blocked_told:
            _log.warning("%s", exc)
            self._wires.notify({"type": "poll_failed", "task_id": task.task_id, "error": str(exc)})
        self._is_blocked_told = True

    def _tell_failed(self, task: DueTask, outcome: PollOutcome) -> None:
        """Name what needs a person, videos and the task itself: this is what cron mails."""
        if outcome.is_rejected:
            self._wires.summary.tasks_rejected += 1
            error = "Polyv told nothing of it for too long, and it is not asked about any more"
            _log.warning("task %s: %s; 'fetcher add %s' begins anew", task.task_id, error, task.task_id)
            self._wires.notify({"type": "task_rejected", "task_id": task.task_id, "error": error})
        self._wires.summary.failed += len(outcome.failed)
        for vid in outcome.failed:
            error = f"Polyv does not give it in task {task.task_id}"
            _log.warning("%s: %s; see 'fetcher show %s'", vid, error, vid)
            self._wires.notify({"type": "failed", "vid": vid, "error": error})
