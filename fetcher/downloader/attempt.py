"""One try at one file. A thread moves the bytes; the coroutine beside it keeps the memo and watches for stalls."""

import asyncio
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
from fetcher.domain.errors import TransferStalledError
from fetcher.domain.events import FileVerified
from fetcher.domain.link import Link
from fetcher.downloader.orders import Order
from fetcher.downloader.stall import SLOWEST, StallWatch
from fetcher.transfer.fetch import Fetched, Known, Tools, fetch
from fetcher.transfer.meter import Meter
from fetcher.transfer.origin import Origin
from fetcher.transfer.receive import BUFFER_SIZE

T = TypeVar("T")

_CHECKPOINT: Final = 256 << 20
_TICK_S: Final = 0.5

_Heads = asyncio.Queue[Known | None]


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
        fetched = await self._fetch(link)
        sha256 = fetched.digests["sha256"]
        if self._part.memo is not None:
            await self._part.remember(msgspec.structs.replace(self._part.memo, sha256=sha256), durably=True)
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
        shop = self._workshop
        loop, heads = asyncio.get_running_loop(), _Heads()
        buffer = shop.buffers.pop() if shop.buffers else memoryview(bytearray(BUFFER_SIZE))
        tools = Tools(
            origin=shop.origin,
            meter=self._meter,
            buffer=buffer,
            on_head=lambda known: _tell(loop, heads, known),
            ensure_space=lambda needed: require_space(shop.root, needed=needed, reserve=shop.reserve),
        )
        watch = asyncio.create_task(self._watch(heads))
        try:
            return await self._in_thread(
                functools.partial(fetch, link.url, self._part, known=_known(self._part), tools=tools)
            )
        finally:
            shop.buffers.append(buffer)
            heads.put_nowait(None)
            await watch

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._workshop.threads, work)

    async def _watch(self, heads: _Heads) -> None:
        """Keep the memo, notice a stall, make durable what has come. Whatever writes the memo meanwhile is here."""
        loop, stall_s = asyncio.get_running_loop(), self._workshop.stall_s
        stall = StallWatch(window_s=stall_s)
        while True:
            try:
                async with asyncio.timeout(min(_TICK_S, stall_s / 4)):
                    known = await heads.get()
            except TimeoutError:
                await self._checkpoint()
            else:
                if known is None:
                    return
                await self._remember(known)
            meter = self._meter
            if stall.is_stalled(now=loop.time(), fetched=meter.fetched, is_receiving=meter.is_receiving):
                meter.abort(TransferStalledError(f"less than {SLOWEST} bytes a second came for {stall_s:g} s"))

    async def _remember(self, known: Known) -> None:
        """Write down what the part is a part of. One that fits into the buffer is not worth it."""
        if known.size is not None and known.size < BUFFER_SIZE:
            return
        memo = Memo(
            vid=self._order.vid,
            size=known.size,
            etag=known.etag,
            last_modified=known.last_modified,
            announced=dict(known.announced),
            boot_id=current_boot_id(),
        )
        await self._part.remember(memo)

    async def _checkpoint(self) -> None:
        """Make what has come durable, every now and then, so that a power cut costs no more than that."""
        memo = self._part.memo
        if memo is None or self._meter.have - memo.synced < _CHECKPOINT:
            return
        synced = await asyncio.to_thread(_make_durable, self._part.path)
        await self._part.remember(msgspec.structs.replace(memo, synced=synced), durably=True)


def _tell(loop: asyncio.AbstractEventLoop, heads: _Heads, known: Known) -> None:
    loop.call_soon_threadsafe(heads.put_nowait, known)


def _known(part: Part) -> Known:
    """Return what earlier tries learned, nothing where there is no sound byte of them."""
    have, memo = part.sound_bytes(), part.memo
    if memo is None or not have:
        return Known()
    return Known(
        have=have, size=memo.size, etag=memo.etag, last_modified=memo.last_modified, announced=memo.announced
    )


def _make_durable(path: Path) -> int:
    """Flush a growing file, return how many bytes are durable now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        os.fdatasync(descriptor)
        return size
    finally:
        os.close(descriptor)
