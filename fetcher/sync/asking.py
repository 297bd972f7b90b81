"""Which tasks to ask Polyv about now: those that are due, and those of videos whose links are refused or dying."""

import asyncio
import functools
from collections.abc import Callable
from typing import Final

from fetcher.domain.clock_steps import ClockSteps
from fetcher.domain.errors import PolyvError, TransferStoppedError
from fetcher.domain.link import RISK_MS, Link
from fetcher.domain.observation import Observation
from fetcher.downloader.orders import Order
from fetcher.ledger.answers import DueTask
from fetcher.ledger.due import current_link, due_tasks, dying_tasks, next_poll_at, tasks_naming
from fetcher.ledger.recovery import bring_forward
from fetcher.poller import Poller
from fetcher.sync.enquiring import Enquiring
from fetcher.sync.polling import Polling
from fetcher.sync.rhythm import Rhythm
from fetcher.sync.wires import Wires

_FRESH_MS: Final = 60_000
"""A link that Polyv gave so lately is taken in place of a refused one, without asking."""
_FRUITLESS_S: Final = 30.0
"""For so long a task that had no other links is not asked for any again."""
_REFRESH_S: Final = 60.0
"""How often it is looked which links are dying."""
_YOUNG_S: Final = RISK_MS // 2000
"""A link that is younger is not replaced before its turn, nor is its task asked again for others."""
_BATCH: Final = 64
"""Questions under way at the most, those included that wait for a connection."""
_LEAST_ROOM: Final = 16
"""The ledger is not looked at for fewer: more than enough wait for their turn already."""


class Asking:
    """Questions to Polyv, several at once, never two about the same task.

    Args:
        wires: Of the run.
        poller: Asks about one task.
        rhythm: Says when a task is asked about again, and when no more.
        retry_in_s: For how many seconds Polyv is to be left alone; 0 where it may be asked.
        enquiring: Asks about the sources of a task's videos; None where nothing is asked of them.
    """

    def __init__(
        self,
        wires: Wires,
        *,
        poller: Poller,
        rhythm: Rhythm,
        retry_in_s: Callable[[], float],
        enquiring: Enquiring | None = None,
    ) -> None:
        self._wires = wires
        self._enquiring = enquiring
        self._rhythm = rhythm
        self._polling = Polling(wires, poller=poller, rhythm=rhythm, enquiring=enquiring)
        self._retry_in_s = retry_in_s
        self._next_at: int | None = 0
        self._steps = ClockSteps()
        self.active: dict[int, asyncio.Task[list[Observation]]] = {}
        """By the task's row."""
        self._ended: list[asyncio.Task[list[Observation]]] = []
        self._fruitless: dict[int, float] = {}
        """When tasks were asked for other links and had none, by their row; monotonic seconds."""
        self._refresh_at = 0.0
        self._refreshed: dict[int, float] = {}
        """When tasks were asked for links in place of dying ones, by their row; monotonic seconds."""
        self._count = 0
        self._is_stopped = False

    @property
    def longest_ms(self) -> int:
        """The longest pause between two questions about a task."""
        return round(max(self._rhythm.longest_s, self._rhythm.first_s) * 1000)

    async def start_due(self, *, before: int | None = None) -> None:
        """Begin to ask about the tasks that are due, unless Polyv is left alone for now.

        Args:
            before: Tasks that became due later than this, ms UTC, are left to another pass; None for no such limit.
        """
        await self._heed_clock()
        now = self._wires.now() if before is None else min(before, self._wires.now())
        if self._next_at is None or now < self._next_at or self._retry_in_s() > 0 or self._has_plenty():
            return
        find = functools.partial(due_tasks, now=now, limit=_BATCH - len(self.active), skip=list(self.active))
        for task in await self._wires.ledger.read(find):
            if task.row_id not in self.active:  # A download may have asked meanwhile, for a fresh link.
                self._ask(task)
        asked, count = list(self.active), self._count
        next_at = await self._wires.ledger.read(functools.partial(next_poll_at, skip=asked))
        if count == self._count:  # Else something has changed, and the ledger is looked at again.
            self._next_at = next_at

    async def _heed_clock(self) -> None:
        """Where this machine's clock was set back, have pauses last no longer for it: links live on by Polyv's."""
        now_s = asyncio.get_running_loop().time()
        if back_ms := self._steps.set_back_ms(wall_ms=self._wires.now(), monotonic_s=now_s):
            await self._wires.ledger.write(functools.partial(bring_forward, by_ms=back_ms))
            self.look_again()

    def look_again(self) -> None:
        """Say that there is a new task in the ledger."""
        self._next_at = 0
        self._count += 1

    def next_in_s(self) -> float | None:
        """Return in how many seconds the next task is due; None where nothing is to be asked."""
        if self._next_at is None or self._has_plenty():
            return None
        now, monotonic_s = self._wires.now(), asyncio.get_running_loop().time()
        if self._steps.is_set_back(wall_ms=now, monotonic_s=monotonic_s):
            return 0.0  # By the new clock that moment is far away, and nobody would look at it before.
        return max((self._next_at - now) / 1000, self._retry_in_s())

    def _has_plenty(self) -> bool:
        return len(self.active) > _BATCH - _LEAST_ROOM

    def stop(self) -> None:
        """Break off all questions and begin no other: Polyv's answer is not waited for."""
        self._is_stopped = True
        for asking in self.active.values():
            asking.cancel()
        if self._enquiring is not None:
            self._enquiring.stop()

    async def renew(self, order: Order) -> Link | None:
        """Return another link of a video than the one it has, None where Polyv has no other.

        Raises:
            TransferStoppedError: ``stop`` was called.
        """
        known = await self._wires.ledger.read(lambda connection: current_link(connection, order.video_id))
        if known is not None and known[0].url != order.link.url and self._is_lively(*known):
            return known[0]  # An answer about another video of its task has brought it along.
        with self._polling.refused(order):
            return await self._other_link(order)

    def _is_lively(self, link: Link, deadline: int | None) -> bool:
        """Tell whether a link is fresh, so that Polyv need not be asked for another one."""
        now = self._wires.polyv_now()
        return now - _FRESH_MS <= link.obtained_at <= now and (deadline is None or deadline > now + _FRESH_MS // 2)

    async def _other_link(self, order: Order) -> Link | None:
        for task in await self._wires.ledger.read(lambda connection: tasks_naming(connection, order.video_id)):
            if self._is_stopped:
                raise TransferStoppedError("the run is stopping")
            if self._is_fruitless(task):
                continue
            try:
                seen = await asyncio.shield(self.active.get(task.row_id) or self._ask(task))
            except PolyvError:
                continue
            links = {one.vid: one.link for one in seen if one.link is not None}
            link = links.get(order.vid)
            if link is not None and link.url != order.link.url:
                return link
            if link is not None or not links:  # Else it is this video alone that Polyv has no link of.
                self._fruitless[task.row_id] = asyncio.get_running_loop().time()
        return None

    def _is_fruitless(self, task: DueTask) -> bool:
        """Tell whether Polyv has just said that it has no other links than those we know of this task.

        All videos of a task die together; one question serves them all.
        """
        asked_at = self._fruitless.get(task.row_id)
        return asked_at is not None and asyncio.get_running_loop().time() - asked_at < _FRUITLESS_S

    async def refresh_dying(self) -> None:
        """Ask for fresh links in place of those that will be dead before their turn comes. Once a minute or so."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._refresh_at or self._retry_in_s() > 0 or self._is_stopped:
            return
        self._refresh_at = now_s + _REFRESH_S
        now, skip = self._wires.polyv_now(), [row for row, at in self._refreshed.items() if now_s - at < _YOUNG_S]
        find = functools.partial(
            dying_tasks, before=now + RISK_MS, obtained_before=now - _YOUNG_S * 1000, limit=_BATCH, skip=skip
        )
        for task in await self._wires.ledger.read(find):
            if task.row_id not in self.active and len(self.active) < _BATCH:
                self._refreshed[task.row_id] = now_s
                self._ask(task).add_done_callback(functools.partial(self._end_refresh, task.row_id))

    def _end_refresh(self, row_id: int, asked: asyncio.Task[list[Observation]]) -> None:
        """Have a task asked again soon that did not answer."""
        if asked.cancelled() or asked.exception() is not None:
            self._refreshed.pop(row_id, None)

    def take_ended(self) -> list[asyncio.Task[list[Observation]]]:
        """Return the questions that have ended since this was last called; each ends up here once."""
        ended, self._ended = self._ended, []
        return ended

    def take_start_bys(self) -> list[int | None]:
        """Return by when to begin with what has become ready since this was last called."""
        return self._polling.take_start_bys()

    def _ask(self, task: DueTask) -> asyncio.Task[list[Observation]]:
        asking = asyncio.create_task(self._polling.poll(task))
        self.active[task.row_id] = asking
        asking.add_done_callback(functools.partial(self._end, task.row_id))
        return asking

    def _end(self, row_id: int, asked: asyncio.Task[list[Observation]]) -> None:
        """Have the ledger looked at again: a task may be due sooner than it was, and a video ready."""
        del self.active[row_id]
        self.look_again()
        self._ended.append(asked)
        self._wires.news.set()
