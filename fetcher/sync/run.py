"""The pass itself: one loop that starts what can be started and waits for what comes first."""

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from fetcher.archive.placing import size_of
from fetcher.domain.errors import CredentialsRefusedError, FetcherError, PolyvError
from fetcher.domain.exit_code import ExitCode
from fetcher.domain.link import RISK_MS
from fetcher.downloader.worker import Downloader
from fetcher.ledger.claims import release_others
from fetcher.ledger.recovery import latest_done, still_wanted
from fetcher.ledger.views import totals
from fetcher.ledger.work import begin_run, end_run, file_missing, forget_refusals
from fetcher.sync.asking import Asking
from fetcher.sync.fetching import Fetching
from fetcher.sync.outcome import Options, Summary
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_HEARTBEAT_S: Final = 200
_TICK_S: Final = 0.2
_LOOKED_AT: Final = 20_000


class Run:
    """One pass over an archive whose lock is held."""

    def __init__(
        self, wires: Wires, *, asking: Asking, fetching: Fetching, options: Options, calls: Callable[[], int]
    ) -> None:
        self._wires = wires
        self._asking = asking
        self._fetching = fetching
        self._options = options
        self._calls = calls
        self.summary = wires.summary
        self._stopping = asyncio.Event()
        self._refused: CredentialsRefusedError | None = None
        self._unexpected: BaseException | None = None

    @property
    def downloader(self) -> Downloader:
        """Whose transfers are under way."""
        return self._wires.downloader

    def stop(self, code: ExitCode | None = None) -> None:
        """End the run soon: nothing new is begun, transfers are broken off and their parts kept."""
        if code is not None and self.summary.stopped_by is None:
            self.summary.stopped_by = code
        self._stopping.set()
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
            self.summary.seconds = loop.time() - began
        await self._close(run_id)
        return self.summary

    async def _recover(self) -> int:
        """Take over what a dead run left, notice done files that are gone, drop parts that nobody needs."""

        def take_over(connection: Connection) -> int:
            release_others(connection, owner=self._wires.owner)
            forget_refusals(connection)
            return begin_run(connection, owner=self._wires.owner, now=self._wires.now())

        run_id = await self._wires.ledger.write(take_over)
        await self._wires.parts.scan()
        ids = self._wires.parts.ids()
        wanted = await self._wires.ledger.read(lambda connection: still_wanted(connection, ids)) if ids else set()
        for video_id in set(ids) - wanted:
            self._wires.parts.drop(video_id)
        await self._look_for_missing()
        return run_id

    async def _look_for_missing(self) -> None:
        """See that the latest done files are where they were put; ``verify`` looks at all, and inside."""
        done = await self._wires.ledger.read(functools.partial(latest_done, limit=_LOOKED_AT))
        gone = await asyncio.to_thread(_missing, self._wires.root, done)
        for video_id, path, detail in gone:
            _log.warning("%s: %s; fetched again", path, detail)
            self._wires.notify({"type": "missing", "path": path, "error": detail})
            put_back = functools.partial(file_missing, video_id=video_id, detail=detail, now=self._wires.now())
            await self._wires.ledger.write(put_back)
        self.summary.missing = len(gone)

    async def _work(self) -> None:
        while not self._stopping.is_set():
            if self._refused is None:
                await self._asking.start_due()
            await self._fetching.start()
            active = self._active()
            if not active and self._reap():
                continue  # It ended while we looked elsewhere, and what it brought has not been looked for.
            wake_at = self._wake_at(is_active=bool(active))
            if not active and wake_at is None:
                return
            await self._wait(active, wake_at)
            self._reap()

    def _active(self) -> set[asyncio.Task[Any]]:
        return {*self._asking.active.values(), *self._fetching.active}

    def _wake_at(self, *, is_active: bool) -> int | None:
        """Return when there is something to begin, ms UTC; None where only what is under way, if that, counts."""
        moments = [self._fetching.next_try_at()]
        if self._refused is None and (is_active or self._options.until_done):
            moments.append(self._asking.next_at())
        return min((moment for moment in moments if moment is not None), default=None)

    async def _wait(self, active: Iterable[asyncio.Task[Any]], wake_at: int | None) -> None:
        """Wait until something ends, something is due, or the run is stopped. Sleeps on the monotonic clock."""
        timeout = None if wake_at is None else max(0.005, min((wake_at - self._wires.now()) / 1000, 60.0))
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({*active, stopping}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    def _reap(self) -> bool:
        """Take in which downloads and questions have ended, tell whether any has."""
        ended = {one for one in self._fetching.active if one.done()}
        self._fetching.active -= ended
        asked = self._asking.take_ended()
        for one in (*ended, *asked):
            self._look_at(one)
        return bool(ended or asked)

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
        loop, options = asyncio.get_running_loop(), self._options
        beat_at = began + _HEARTBEAT_S
        while True:
            await asyncio.sleep(_TICK_S)
            if options.max_bytes is not None and self._wires.downloader.fetched >= options.max_bytes:
                self.stop(ExitCode.STOPPED_BY_LIMIT)
            if options.max_duration_s is not None and loop.time() - began >= options.max_duration_s:
                self.stop(ExitCode.STOPPED_BY_LIMIT)
            if loop.time() >= beat_at:
                beat_at = loop.time() + _HEARTBEAT_S
                await self._keep_claims()

    async def _keep_claims(self) -> None:
        try:
            await self._fetching.keep_claims()
        except FetcherError as exc:
            self.summary.error = self.summary.error or exc
            self.stop()

    async def _drain(self) -> None:
        """Let what is under way come to its end; broken-off transfers do so at once."""
        self._wires.downloader.stop()
        for asking in self._asking.active.values():
            asking.cancel()
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
        found = await self._wires.ledger.read(functools.partial(totals, risk_until=now + RISK_MS))
        summary.error = summary.error or self._refused
        summary.counts = found.counts
        summary.at_risk = found.at_risk
        summary.nearest_deadline = found.nearest_deadline
        summary.next_poll_at = found.next_poll_at
        summary.rejected_tasks = found.tasks.get("rejected", 0)
        summary.calls = self._calls()
        summary.bytes = self._wires.downloader.fetched
        counts = {"done": summary.done, "failed": summary.failed, "bytes": summary.bytes, "calls": summary.calls}
        code = int(summary.exit_code)
        await self._wires.ledger.write(
            functools.partial(end_run, run_id=run_id, now=now, exit_code=code, counts=counts)
        )


def _missing(root: Path, done: Iterable[tuple[int, str, int]]) -> list[tuple[int, str, str]]:
    """Return which files are gone or of another size: id, path and what was seen."""
    found = []
    for video_id, path, size in done:
        there = size_of(root, path)
        if there is None:
            found.append((video_id, path, "the finished file is gone"))
        elif there != size:
            found.append((video_id, path, f"the finished file has {there} bytes instead of {size}"))
    return found
