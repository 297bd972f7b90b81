"""Ask Polyv to prepare videos, and say what is known of the task afterwards: values in, outcomes out.

The call is not idempotent, and no call lists tasks. So the one thing that must not be mistaken is whether a task
may exist: only a word of Polyv's own, or a connection that never came about, says that there is none.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from fetcher.domain.errors import PolyvBlockedError, PolyvError, PolyvRefusedError, VideoRefusedError
from fetcher.polyv.delivery import Delivery
from fetcher.polyv.failures import NeverSentError

PATIENCE_S: Final = 5.0
"""Seconds that a stop waits for an answer: its id is worth more than the time, and a supervisor kills after 10."""
_THEIR_FAULT: Final = range(500, 600)
"""Codes by which whoever answers says that something broke in the midst of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCreated:
    """There is a task."""

    task_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRefused:
    """There is none: Polyv does not take one of the ids."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingCreated:
    """There is none; another try may help."""

    error: PolyvError | None
    """None where a stop came before anything was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskLost:
    """There may be one, and nobody knows its id."""

    detail: str


Outcome = TaskCreated | TaskRefused | NothingCreated | TaskLost


class TaskMaker(Protocol):
    """Who can be asked for a task."""

    async def create_task(self, vids: Sequence[str], *, expire_days: int, delivery: Delivery | None = None) -> str:
        """Return the id of a new task."""
        ...


class Submitter:
    """Asks for one task at a time.

    Args:
        source: Polyv.
        patience_s: How long a stop waits for the answer to what may have arrived, in seconds.
    """

    def __init__(self, source: TaskMaker, *, patience_s: float = PATIENCE_S) -> None:
        self._source = source
        self._patience_s = patience_s
        self._asking: asyncio.Task[str] | None = None
        self._delivery = Delivery()
        self._is_stopped = False

    def stop(self) -> None:
        """Begin no other call, and wait for the answer of the one under way for a little while only."""
        self._is_stopped = True
        if self._asking is None:
            return
        if self._delivery.may_have_arrived:
            asyncio.get_running_loop().call_later(self._patience_s, self._asking.cancel)
        else:
            self._asking.cancel()

    async def submit(self, vids: Sequence[str], *, expire_days: int) -> Outcome:
        """Ask for one task.

        Args:
            vids: 1 to 100 video ids.
            expire_days: How long the thawed files stay readable, 1 to 7 days.

        Raises:
            CredentialsRefusedError: No call can succeed; there is no task.
        """
        if self._is_stopped:
            return NothingCreated(error=None)
        self._delivery = Delivery()
        call = self._source.create_task(vids, expire_days=expire_days, delivery=self._delivery)
        self._asking = asyncio.create_task(call)
        try:
            await asyncio.wait({self._asking})
            return self._outcome(self._asking)
        finally:
            self._asking = None

    def _outcome(self, asked: "asyncio.Task[str]") -> Outcome:
        if asked.cancelled():
            return self._broken_off()
        try:
            return TaskCreated(task_id=asked.result())
        except PolyvError as exc:
            return _outcome_of(exc)

    def _broken_off(self) -> Outcome:
        if not self._delivery.may_have_arrived:
            return NothingCreated(error=None)
        return TaskLost(detail=f"the run was stopped, and no answer came within {self._patience_s:g} s")


def _outcome_of(error: PolyvError) -> Outcome:
    """Return what is known of the task after *error*."""
    if isinstance(error, VideoRefusedError):
        return TaskRefused(detail=str(error))
    if isinstance(error, NeverSentError | PolyvBlockedError):
        return NothingCreated(error=error)
    if isinstance(error, PolyvRefusedError) and error.code not in _THEIR_FAULT:
        return NothingCreated(error=error)
    return TaskLost(detail=str(error))
