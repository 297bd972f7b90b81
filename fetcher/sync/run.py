"""The pass itself: one loop that starts what can be started and waits for what comes first."""

import asyncio
import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fetcher.archive.space import disk_errors
from fetcher.domain.errors import CredentialsRefusedError, FetcherError, PolyvError
from fetcher.domain.exit_code import ExitCode
from fetcher.ledger.views import totals
from fetcher.ledger.work import end_run, note_run
from fetcher.sync.asking import Asking
from fetcher.sync.beginning import drop_parts, look_for_missing, take_over
from fetcher.sync.fetching import Fetching
from fetcher.sync.growing import Growing
from fetcher.sync.measuring import Measuring
from fetcher.sync.outcome import Options, Summary
from fetcher.sync.planning import Planning
from fetcher.sync.submitting import Submitting
from fetcher.sync.wires import Downloads, Wires

if TYPE_CHECKING:
    from fetcher.sync.sidecars import Sidecars

_HEARTBEAT_S: Final = 200
"""How often the claims of a run are extended: three times in the life of a lease."""
_TICK_S: Final = 0.2
"""How often limits, plan and number of transfers are looked at."""
_LEARN_S: Final = 10.0
"""How often what was learned of links is written down."""


class Run:
    """One pass over an archive whose lock is held."""

    def __init__(
        self,
        wires: Wires,
        *,
        submitting: Submitting,
        asking: Asking,
        fetching: Fetching,
        measuring: Measuring,
        planning: Planning,
        growing: Growing,
        options: Options,
        calls: Callable[[], int],
        sidecars: "Sidecars | None" = None,
    ) -> None:
        self._wires = wires
        self._submitting = submitting
        self._sidecars = sidecars
        self._asking = asking
        self._fetching = fetching
        self._measuring = measuring
        self._planning = planning
        self._growing = growing
        self._options = options
        self._calls = calls
        self.summary = wires.summary
        self._stopping = asyncio.Event()
        self._refused: CredentialsRefusedError | None = None
        self._unexpected: BaseException | None = None

    @property
    def downloader(self) -> Downloads:
        """Whose transfers are under way."""
        return self._wires.downloader

    def stop(self, code: ExitCode | None = None) -> None:
        """End the run soon: nothing new is begun, transfers are broken off and their parts kept."""
        if code is not None and self.summary.stopped_by is None:
            self.summary.stopped_by = code
        self._stopping.set()
        self._wires.news.set()
        self._wires.downloader.stop()

    async def run(self) -> Summary:
        """Do what can be done now, return how it went.

        Raises:
            LedgerError: The ledger failed; what is on the disk is adopted by the next run.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        run_id = await self._recover()
        watch = asyncio.create_task(self._watch(began))
        try:
            await self._work()
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            await self._drain()
            if self._sidecars is not None:
                await self._sidecars.finish(is_stopped=self._stopping.is_set())
            self.summary.seconds = loop.time() - began
        await self._close(run_id)
        return self.summary

    async def _recover(self) -> int:
        """See to what earlier runs left, return the id of this one."""
        longest_ms = self._asking.longest_ms
        run_id, lost = await take_over(self._wires, longest_poll_ms=longest_ms, recover=self._submitting.recover)
        await self._wires.clocks.load(self._wires.ledger)
        await self._planning.load()
        self._submitting.tell_lost(lost)
        with disk_errors(f"looking at {self._wires.root}"):
            await drop_parts(self._wires)
            await look_for_missing(self._wires)
        return run_id

    async def _work(self) -> None:
        """Start what can be started, wait for what comes first. One pass asks about each task once or so."""
        began_at = self._wires.now()
        self._heed_limits()
        while not self._stopping.is_set():
            self._wires.news.clear()
            self._reap()
            self._submitting.note_ends(self.summary.ended)
            if self._refused is None:
                self._submitting.start()
                await self._asking.start_due(before=None if self._polls_on() else began_at)
            await self._planning.look()
            await self._fetching.start()
            if self._refused is None and self._fetching.active:
                await self._asking.refresh_dying()
            if self._wires.news.is_set():
                continue  # Something ended while we looked elsewhere.
            wake_in_s = self._wake_in_s()
            if not self._active() and wake_in_s is None and not self._asks_once_more():
                return
            await self._wait(wake_in_s)

    def _polls_on(self) -> bool:
        """Tell whether tasks that become due during the run are asked about, too."""
        return self._options.until_done or bool(self._fetching.active)

    def _asks_once_more(self) -> bool:
        """Tell whether a pass that has nothing left to do has begun to ask for what there is room for by now.

        The next pass would find it wanted, ask, and leave all that comes of it to the one after.
        """
        return self._refused is None and self._submitting.start_last()

    def _active(self) -> set[asyncio.Task[Any]]:
        submitting = [self._submitting.active] if self._submitting.active is not None else []
        return {*submitting, *self._asking.active.values(), *self._fetching.active}

    def _wake_in_s(self) -> float | None:
        """Return in how many seconds there is something to begin; None where only what is under way counts."""
        pauses = [self._fetching.next_try_in_s()]
        if self._refused is None and self._polls_on():
            pauses.append(self._asking.next_in_s())
        if self._refused is None and self._options.until_done:
            pauses.append(self._submitting.next_in_s())
        return min((pause for pause in pauses if pause is not None), default=None)

    async def _wait(self, wake_in_s: float | None) -> None:
        """Wait until something ends, something is due, or the run is stopped. Sleeps on the monotonic clock."""
        timeout = None if wake_in_s is None else max(0.01, min(wake_in_s, 60.0))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wires.news.wait()

    def _reap(self) -> None:
        """Take in which questions have ended, and which downloads have broken."""
        asked = self._asking.take_ended()
        if asked:
            if any(not one.cancelled() and one.exception() is None for one in asked):
                self._measuring.note_answer(monotonic=asyncio.get_running_loop().time())
            start_bys = self._asking.take_start_bys()
            self._fetching.look_again(start_bys)
            self._planning.look_again(links=len(start_bys))
            self._submitting.note_questions()
        for one in (*self._fetching.take_broken(), *asked, *self._submitting.take_ended()):
            self._look_at(one)

    def _look_at(self, ended: asyncio.Task[Any]) -> None:
        """Take in how one poll or download ended; an error that concerns the whole run ends it."""
        error = None if ended.cancelled() else ended.exception()
        if error is None or isinstance(error, PolyvError):
            return
        if isinstance(error, CredentialsRefusedError):
            # Polyv says no to every question; what is being downloaded needs none.
            self._refused = self._refused or error
        elif isinstance(error, FetcherError):
            self.summary.error = self.summary.error or error
            self.stop()
        else:
            self._unexpected = self._unexpected or error
            self.stop()

    async def _watch(self, began: float) -> None:
        """Hold the claims, and end the run where its limits are."""
        loop = asyncio.get_running_loop()
        if self._options.max_duration_s is not None:
            loop.call_at(began + self._options.max_duration_s, self.stop, ExitCode.STOPPED_BY_LIMIT)
        beat_at = began + _HEARTBEAT_S
        learned_at = began
        while True:
            await asyncio.sleep(_TICK_S)
            self._heed_limits()
            self._planning.tick(now=loop.time())
            self._growing.tick(now=loop.time())
            if self._fetching.is_stale:
                self._wires.news.set()
            if loop.time() >= learned_at + _LEARN_S:
                learned_at = loop.time()
                await self._learn()
            if loop.time() >= beat_at:
                beat_at = loop.time() + _HEARTBEAT_S
                await self._keep_claims()

    def _heed_limits(self) -> None:
        """Stop where so many bytes have come as were allowed."""
        most = self._options.max_bytes
        if most is not None and self._wires.downloader.fetched >= most:
            self.stop(ExitCode.STOPPED_BY_LIMIT)

    async def _keep_claims(self) -> None:
        with self._ending_the_run():
            await self._fetching.keep_claims()

    async def _learn(self) -> None:
        """Write down what was seen of links; where that moves deadlines, what is most urgent may be another."""
        with self._ending_the_run():
            if await self._wires.clocks.keep(self._wires.ledger, now=self._wires.now()):
                self._fetching.reorder()
                self._planning.look_again()

    @contextlib.contextmanager
    def _ending_the_run(self) -> Iterator[None]:
        """Let an error of the ledger's end the run in order."""
        try:
            yield
        except FetcherError as exc:
            self.summary.error = self.summary.error or exc
            self.stop()

    async def _drain(self) -> None:
        """Let what is under way come to its end; broken-off transfers do so at once."""
        self._wires.downloader.stop()
        self._asking.stop()
        self._submitting.stop()
        await self._planning.stop()
        while active := self._active():
            await asyncio.wait(active)
            self._reap()
        self._reap()
        await self._fetching.give_back()
        if self._unexpected is not None:
            raise self._unexpected

    async def _close(self, run_id: int) -> None:
        """Count what is left, and write down how the run went."""
        summary, now = self.summary, self._wires.now()
        monotonic = asyncio.get_running_loop().time()
        self._measuring.look(self._fetching, now=self._wires.polyv_now(), monotonic=monotonic)
        await self._wires.clocks.keep(self._wires.ledger, now=now)
        measured = self._measuring.kept(now=now, monotonic=monotonic)
        if measured["bytes_per_s"] or measured["stood_ms"]:
            await self._wires.ledger.write(functools.partial(note_run, run_id=run_id, counts=measured))
        summary.at_risk = await self._planning.at_risk()
        found = await self._wires.ledger.read(totals)
        summary.error = summary.error or self._refused
        summary.counts = found.counts
        summary.nearest_deadline = found.nearest_deadline
        summary.next_poll_at = found.next_poll_at
        summary.open_tasks = found.tasks.get("open", 0)
        summary.calls = self._calls()
        summary.bytes = self._wires.downloader.fetched
        counts = {
            "done": summary.done,
            "failed": summary.failed,
            "calls": summary.calls,
            **measured,
        }
        code = int(summary.exit_code)
        await self._wires.ledger.write(
            functools.partial(end_run, run_id=run_id, now=now, exit_code=code, counts=counts)
        )
