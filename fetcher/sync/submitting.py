"""Ask Polyv for the videos that are wanted: the intent first, then the call, then what is known of it."""

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from fetcher.domain.delay import rest_delay
from fetcher.domain.errors import CredentialsRefusedError, PolyvBlockedError, PolyvError, UsageError
from fetcher.domain.suspects import Suspects
from fetcher.ledger import caution, intents, requests
from fetcher.ledger.intents import Intent
from fetcher.report.text import counted
from fetcher.submitter import NothingCreated, Outcome, Submitter, TaskCreated, TaskLost, TaskRefused
from fetcher.sync.choosing import Choosing, Terms
from fetcher.sync.losses import Loss, lose, tell
from fetcher.sync.measuring import Measuring
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_COST: Final = 5.0
"""A look that found no room is not repeated before so many times what it took: a million is sorted by age."""
_DIED: Final = "the run that asked ended before the answer was written down"


class Submitting:
    """Tasks that are asked for, one after the other, as long as there is room for what they thaw.

    Args:
        wires: Of the run.
        submitter: Asks Polyv.
        terms: See there.
        measuring: Looks at the line.
        retry_in_s: Returns for how many seconds Polyv is left alone.
        created: Called when there is a new task to ask about.
    """

    def __init__(
        self,
        wires: Wires,
        *,
        submitter: Submitter,
        terms: Terms,
        measuring: Measuring,
        retry_in_s: Callable[[], float],
        created: Callable[[], None],
    ) -> None:
        self._wires = wires
        self._submitter = submitter
        self._terms = terms
        self._choosing = Choosing(wires, terms, measuring=measuring)
        self._retry_in_s = retry_in_s
        self._created = created
        self._suspects = Suspects()
        self.active: asyncio.Task[None] | None = None
        self._ended: list[asyncio.Task[None]] = []
        self._is_stopped = False
        self._is_due = True
        """Whether there may be something to ask for."""
        self._not_before = 0.0
        """Of the loop's clock: a rest after trouble, or the pause between two looks."""
        self._troubles = 0
        self._intents = 0
        self._held_until: int | None = None
        self._seen_ends = 0
        self._is_behind_questions = False
        """Whether recorded tasks have to be asked about before anything is asked for."""
        self._questions = 0

    def recover(self, connection: Connection) -> list[Loss]:
        """Take what a dead run has asked for without an answer in the ledger for lost, and return it to be told."""
        left = intents.unanswered(connection, now=self._wires.now())
        return [lose(connection, intent, detail=_DIED, now=self._wires.now()) for intent in left]

    def tell_lost(self, losses: Iterable[Loss]) -> None:
        """Say once of which tasks nobody knows whether they exist."""
        for loss in losses:
            tell(loss, self._wires)

    def note_questions(self) -> None:
        """Say that questions about tasks have ended: what they name is known now."""
        self._questions += 1
        if self._is_behind_questions:
            self._is_due = True

    def note_ends(self, ends: int) -> None:
        """Say how many videos have come to an end in this run: what they took is free again."""
        if ends != self._seen_ends:
            self._seen_ends = ends
            self._is_due = True

    def start(self) -> None:
        """Begin to ask where it is time to; at most one task is asked for at a time."""
        if self._held_until is not None and self._wires.now() >= self._held_until:
            self._held_until, self._is_due = None, True
        if self.active is None and self._is_due and not self._is_stopped and self._pause_s() <= 0:
            self.active = asyncio.create_task(self._ask_on())
            self.active.add_done_callback(self._end)

    def start_last(self) -> bool:
        """Begin to ask once more before a pass ends, unless there was trouble; tell whether that was begun.

        The pause between two looks is none that Polyv asked for, and not waited out.
        """
        if not self._troubles and self._retry_in_s() <= 0:
            self._not_before = 0.0
            self.start()
        return self.active is not None

    def next_in_s(self) -> float | None:
        """Return in how many seconds there may be something to ask for; None where nothing is known to come."""
        if self.active is not None or self._is_stopped:
            return None
        if self._is_due:
            return self._pause_s()
        return None if self._held_until is None else max(0.0, (self._held_until - self._wires.now()) / 1000)

    def stop(self) -> None:
        """Ask for nothing more; an answer that is on its way is waited for, see ``submitter``."""
        self._is_stopped = True
        self._submitter.stop()

    def take_ended(self) -> list[asyncio.Task[None]]:
        """Return what has ended since this was last called."""
        ended, self._ended = self._ended, []
        return ended

    def _end(self, asked: asyncio.Task[None]) -> None:
        self.active = None
        self._ended.append(asked)
        self._wires.news.set()

    def _pause_s(self) -> float:
        return max(self._not_before - asyncio.get_running_loop().time(), self._retry_in_s())

    async def _ask_on(self) -> None:
        """Ask for one task after the other until there is no room, nothing wanted, or trouble.

        Raises:
            CredentialsRefusedError: No call can succeed.
        """
        while not self._is_stopped:
            self._is_due = False  # Until something says otherwise, while the ledger is asked too.
            began = asyncio.get_running_loop().time()
            intent = await self._intend()
            if intent is None:
                cost_s = asyncio.get_running_loop().time() - began
                looks_again_in_s = max(self._terms.looks_every_s, _COST * cost_s)
                self._rest(0 if self._is_behind_questions else looks_again_in_s)
                return
            self._is_due = True
            if not await self._ask(intent):
                self._troubles += 1
                longest_s = self._terms.longest_pause_s
                self._rest(rest_delay(self._troubles, first_s=self._terms.first_poll_s, longest_s=longest_s))
                return
            self._troubles = 0

    def _rest(self, seconds: float) -> None:
        self._not_before = asyncio.get_running_loop().time() + seconds

    async def _intend(self) -> Intent | None:
        """Write down what to ask for next; None where there is nothing, or no room."""
        if not await self._wires.ledger.read(requests.is_any_wanted) or await self._has_to_wait():
            return None
        while suspects := self._suspects.take():
            intent = await self._written(suspects)
            if intent is not None:
                return intent
            self._suspects.set_aside()
        chosen = await self._choosing.choose()
        self._held_until = self._choosing.held_until
        return await self._written(chosen) if chosen else None

    async def _has_to_wait(self) -> bool:
        """Tell whether nothing may be asked for yet, whatever it is."""
        questions = self._questions
        self._is_behind_questions = await self._wires.ledger.read(caution.is_any_unasked)
        if self._is_behind_questions:
            self._is_due = questions != self._questions  # One has ended while the ledger was read.
            self._created()
            return True
        resumes_at = await self._wires.ledger.read(caution.resumes_at)
        if resumes_at is None or resumes_at <= self._wires.now():
            return False
        self._held_until = resumes_at
        return True

    async def _written(self, video_ids: Sequence[int]) -> Intent | None:
        self._intents += 1
        write = functools.partial(
            intents.write_intent,
            video_ids=video_ids,
            key=f"{self._wires.owner}-{self._intents}",
            expire_days=self._terms.expire_days,
            now=self._wires.now(),
        )
        return await self._wires.ledger.write(write)

    async def _ask(self, intent: Intent) -> bool:
        """Ask for one task and keep what came of it; tell whether it went well.

        Raises:
            CredentialsRefusedError: No call can succeed.
            UsageError: Nor can one be sent.
        """
        _log.debug("asking Polyv for a task of %s, intent %s", counted(len(intent.vids), "video"), intent.key)
        try:
            outcome = await self._submitter.submit(intent.vids, expire_days=intent.expire_days)
        except (CredentialsRefusedError, UsageError):
            await self._forget(intent)
            raise
        return await self._keep(intent, outcome)

    async def _keep(self, intent: Intent, outcome: Outcome) -> bool:
        match outcome:
            case TaskCreated(task_id=task_id):
                await self._keep_created(intent, task_id)
            case TaskRefused(detail=detail):
                await self._keep_refused(intent, detail)
            case TaskLost(detail=detail):
                self._suspects.set_aside()
                keep = functools.partial(lose, intent=intent, detail=detail, now=self._wires.now())
                tell(await self._wires.ledger.write(keep), self._wires)
                return False
            case NothingCreated(error=error):
                self._suspects.set_aside()
                await self._forget(intent)
                self._tell_failed(error)
                return False
        return True

    async def _forget(self, intent: Intent) -> None:
        await self._wires.ledger.write(functools.partial(intents.withdraw, intent=intent))

    async def _keep_created(self, intent: Intent, task_id: str) -> None:
        now = self._wires.now()
        keep = functools.partial(
            intents.keep_created,
            intent=intent,
            task_id=task_id,
            now=now,
            next_poll_at=now + round(self._terms.first_poll_s * 1000),
        )
        await self._wires.ledger.write(keep)
        self._suspects.accept()
        self._wires.summary.tasks_created += 1
        _log.info("task %s: asked Polyv for %s", task_id, counted(len(intent.vids), "video"))
        self._wires.notify({"type": "task_created", "task_id": task_id, "videos": len(intent.vids)})
        self._created()

    async def _keep_refused(self, intent: Intent, detail: str) -> None:
        is_alone = self._suspects.refuse(intent.video_ids)
        self._wires.notify({"type": "task_refused", "videos": len(intent.vids), "error": detail})
        if not is_alone:
            await self._forget(intent)
            return
        keep = functools.partial(intents.keep_refused, intent=intent, detail=detail, now=self._wires.now())
        await self._wires.ledger.write(keep)
        self._wires.summary.failed += 1
        _log.warning("%s: Polyv refuses it: %s; see 'fetcher show %s'", intent.vids[0], detail, intent.vids[0])
        self._wires.notify({"type": "failed", "vid": intent.vids[0], "error": detail})

    def _tell_failed(self, error: PolyvError | None) -> None:
        if error is None:
            return
        self._wires.summary.asks_failed += 1
        if not isinstance(error, PolyvBlockedError) or not self._troubles:
            _log.warning("no task was made: %s", error)
        self._wires.notify({"type": "task_failed", "error": str(error)})
