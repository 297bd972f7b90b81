"""One try at one file. A thread moves the bytes; the coroutine beside it keeps the memo and watches for stalls."""

import asyncio
import contextlib
import functools
import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from fetcher.archive.parts import Memo, Part, current_boot_id
from fetcher.archive.placing import place
from fetcher.archive.space import require_space
from fetcher.domain.errors import TransferInterruptedError, TransferStalledError, TransferStoppedError
from fetcher.domain.events import FileVerified
from fetcher.domain.link import Link
from fetcher.downloader.orders import Order
from fetcher.downloader.stall import SLOWEST, StallWatch
from fetcher.transfer.fetch import Fetched, Known, Tools, fetch
from fetcher.transfer.meter import Meter
from fetcher.transfer.origin import Origin
from fetcher.transfer.receive import BUFFER_SIZE

T = TypeVar("T")

_TICK_S: Final = 0.5

_Heads = asyncio.Queue[tuple[str, Known] | None]
"""What the origin says of the file, with the incarnation of the part that it is about; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all attempts of a run share."""

    root: Path
    """The archive."""
    origin: Origin
    threads: Executor
    """Where the bytes move, one transfer in each."""
    now: Callable[[], int]
    """ms UTC, by the corrected clock."""
    stall_s: float
    """Seconds in which at least a trickle has to come."""
    reserve: int
    """Bytes that stay free on the disk."""
    buffers: list[memoryview]
    """Those not in use."""
    checkpoint: int = 256 << 20
    """Bytes after which what has come is made durable: what a power cut costs at the most."""


class Attempt:
    """Fetch, verify, make durable, place."""

    def __init__(self, workshop: Workshop, order: Order, part: Part, meter: Meter) -> None:
        self._workshop = workshop
        self._order = order
        self._part = part
        self._meter = meter

    async def run(self, link: Link) -> FileVerified:
        """Return what the ledger has to know once the file is in place for good.

        Raises:
            TransferError: This try failed; the part keeps what is sound.
            ConflictError: Other bytes stand under the name; the part is whole.
            OSError: The disk.
        """
        self._part.restart_if_shared()
        fetched = await self._fetch(link)
        sha256 = fetched.digests["sha256"]
        if self._part.memo is not None:
            memo = msgspec.structs.replace(self._part.memo, sha256=sha256)
            await self._part.remember(memo, incarnation=self._part.incarnation, durably=True)
        is_new = await self._in_thread(
            functools.partial(place, self._workshop.root, self._part.path, self._order.path, sha256=sha256)
        )
        return FileVerified(
            at=self._workshop.now(),
            path=self._order.path,
            size=fetched.size,
            sha256=sha256,
            md5=fetched.digests.get("md5"),
            crc64=fetched.digests.get("crc64"),
            etag=fetched.etag,
            evidence=fetched.evidence,
            fetched=self._meter.fetched,
            adopted=not is_new,
        )

    async def _fetch(self, link: Link) -> Fetched:
        heads = _Heads()
        watch = asyncio.create_task(self._watch(heads))
        watch.add_done_callback(self._break_off)
        try:
            return await self._in_thread(
                functools.partial(self._fetch_in_thread, link, asyncio.get_running_loop(), heads)
            )
        finally:
            heads.put_nowait(None)
            await watch

    def _fetch_in_thread(self, link: Link, loop: asyncio.AbstractEventLoop, heads: _Heads) -> Fetched:
        """Fetch with one of the buffers, which is in nobody else's hands until this thread is through with it."""
        shop, part = self._workshop, self._part
        try:
            buffer = shop.buffers.pop()
        except IndexError:
            buffer = memoryview(bytearray(BUFFER_SIZE))
        tools = Tools(
            origin=shop.origin,
            meter=self._meter,
            buffer=buffer,
            on_head=lambda known: _tell(loop, heads, (part.incarnation, known)),
            ensure_space=lambda needed: require_space(shop.root, needed=needed, reserve=shop.reserve),
        )
        try:
            return fetch(link.url, part, known=_known(part), tools=tools)
        finally:
            shop.buffers.append(buffer)

    def _break_off(self, watch: asyncio.Task[None]) -> None:
        """Nothing goes on unwatched: the error that ended the watch is raised once the thread has ended."""
        if watch.cancelled() or watch.exception() is not None:
            self._meter.abort(TransferInterruptedError("the memo beside the part cannot be written"))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Have *work* done by a thread. Whoever cancels this waits until the thread has let go of the part."""
        doing = asyncio.get_running_loop().run_in_executor(self._workshop.threads, work)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            self._meter.abort(TransferStoppedError("the download was cancelled"))
            while not doing.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([doing])
            if not doing.cancelled():
                doing.exception()
            raise

    async def _watch(self, heads: _Heads) -> None:
        """Keep the memo, notice a stall, make durable what has come. Whatever writes the memo meanwhile is here."""
        loop, stall_s = asyncio.get_running_loop(), self._workshop.stall_s
        stall = StallWatch(window_s=stall_s)
        while True:
            try:
                async with asyncio.timeout(min(_TICK_S, stall_s / 4)):
                    head = await heads.get()
            except TimeoutError:
                await self._checkpoint()
            else:
                if head is None:
                    return
                await self._remember(*head)
            meter = self._meter
            if stall.is_stalled(now=loop.time(), fetched=meter.fetched, is_receiving=meter.is_receiving):
                meter.abort(TransferStalledError(f"less than {SLOWEST} bytes a second came for {stall_s:g} s"))

    async def _remember(self, incarnation: str, known: Known) -> None:
        """Write down what the part is a part of. One that fits into the buffer is not worth it."""
        if known.size is not None and known.size < BUFFER_SIZE:
            return
        before = self._part.memo
        memo = Memo(
            vid=self._order.vid,
            size=known.size,
            etag=known.etag,
            last_modified=known.last_modified,
            announced=dict(known.announced),
            boot_id=current_boot_id(),
            synced=min(before.synced, known.have) if before is not None else 0,
        )
        await self._part.remember(memo, incarnation=incarnation)

    async def _checkpoint(self) -> None:
        """Make what has come durable, every now and then, so that a power cut costs no more than that."""
        memo, incarnation = self._part.memo, self._part.incarnation
        if memo is None or self._meter.have - memo.synced < self._workshop.checkpoint:
            return
        try:
            synced = await asyncio.to_thread(_synced, self._part.path)
        except FileNotFoundError:
            return  # The part has just been begun anew.
        except OSError:
            self._meter.abort(TransferInterruptedError("what came cannot be made durable"))
            self._part.restart()
            raise
        await self._part.remember(
            msgspec.structs.replace(memo, synced=synced), incarnation=incarnation, durably=True
        )


def _tell(loop: asyncio.AbstractEventLoop, heads: _Heads, head: tuple[str, Known]) -> None:
    loop.call_soon_threadsafe(heads.put_nowait, head)


def _known(part: Part) -> Known:
    """Return what earlier tries learned, nothing where there is no sound byte of them."""
    have, memo = part.sound_bytes(), part.memo
    if memo is None or not have:
        return Known()
    return Known(
        have=have, size=memo.size, etag=memo.etag, last_modified=memo.last_modified, announced=memo.announced
    )


def _synced(path: Path) -> int:
    """Flush a growing file, return how many bytes are durable now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        os.fdatasync(descriptor)
        return size
    finally:
        os.close(descriptor)
