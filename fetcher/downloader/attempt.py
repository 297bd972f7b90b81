"""One try at one file. A thread moves the bytes and gives them their name; the event loop only hears of it."""

import asyncio
import contextlib
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from fetcher.archive.part import Part
from fetcher.archive.placing import Placing
from fetcher.domain.errors import DifferenceError, TransferStoppedError
from fetcher.domain.events import FileVerified
from fetcher.domain.link import Link
from fetcher.domain.vendor import Mismatch, Verdict, judged
from fetcher.downloader.crew import Hands
from fetcher.downloader.keeper import Keeper
from fetcher.downloader.orders import Order, Sightings
from fetcher.transfer.fetch import Fetched, Known, Tools, fetch
from fetcher.transfer.meter import Meter
from fetcher.transfer.origin import FileSource
from fetcher.transfer.receive import BUFFER_SIZE
from fetcher.transfer.turn import Turn

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all attempts of a run share."""

    root: Path
    """The archive."""
    placing: Placing
    """Gives names below *root*."""
    origin: FileSource
    crew: Hands
    """Where the bytes move, one transfer in each thread."""
    turn: Turn
    """Whose of them it is, as *origin* knows it too."""
    now: Callable[[], int]
    """ms UTC, by this machine's clock: when something was done."""
    stall_s: float
    """Seconds in which at least a trickle has to come."""
    reserve: int
    """Bytes that stay free on the disk."""
    buffers: list[memoryview]
    """Those not in use."""
    sightings: Sightings
    """Told which links worked, and which had expired."""
    mismatch: Mismatch = Mismatch.QUARANTINE
    """What becomes of a file that came whole and is not what Polyv says."""
    checkpoint: int = 256 << 20
    """Bytes after which what has come is made durable: what a power cut costs at the most."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds."""


class Attempt:
    """Fetch, verify, make durable, place."""

    def __init__(
        self,
        workshop: Workshop,
        order: Order,
        part: Part,
        meter: Meter,
        *,
        ensure_space: Callable[[int], None],
        repeated_size: int | None = None,
    ) -> None:
        self._workshop = workshop
        self._ensure_space = ensure_space
        self._repeated_size = repeated_size
        self._order = order
        self._part = part
        self._meter = meter
        self._keeper = Keeper(order.vid, part, meter, checkpoint=workshop.checkpoint)

    async def run(self, link: Link) -> FileVerified:
        """Return what the ledger has to know once the file is in place.

        Raises:
            TransferError: This try failed; the part keeps what is sound.
            ConflictError: Other bytes stand under the name; the part is whole.
            OSError: The disk.
        """
        self._part.restart_if_shared()
        try:
            work = functools.partial(self._fetch_and_place, link, asyncio.get_running_loop())
            fetched, is_new = await self._in_thread(work)
        finally:
            await self._keeper.end()
        if is_new is None:
            is_new = await self._place(fetched)
        return FileVerified(
            at=self._workshop.now(),
            path=self._order.path,
            size=fetched.size,
            sha256=fetched.digests["sha256"],
            md5=fetched.digests.get("md5"),
            crc64=fetched.digests.get("crc64"),
            etag=fetched.etag,
            evidence=fetched.proof.evidence,
            agreed=fetched.proof.agreed,
            container=fetched.proof.container,
            difference=None if fetched.proof.difference is None else fetched.proof.difference.text,
            fetched=self._meter.fetched,
            adopted=not is_new,
        )

    def _fetch_and_place(self, link: Link, loop: asyncio.AbstractEventLoop) -> tuple[Fetched, bool | None]:
        """Fetch with one of the buffers, which is in nobody else's hands until this thread is through with it.

        Returns:
            What was fetched, and whether its name is new; None where a memo has to be finished before it is placed.
        """
        shop = self._workshop
        self._meter.raise_if_aborted()  # It may have waited for a thread until after the end of the run.
        try:
            buffer = shop.buffers.pop()
        except IndexError:
            buffer = memoryview(bytearray(BUFFER_SIZE))
        try:
            # Under a limited rate there is nothing to be quick about, but long waits for it.
            with contextlib.nullcontext() if self._meter.is_paced else shop.turn.held():
                fetched, is_kept = self._fetch(link, buffer, loop)
                self._require_wanted(fetched)
                return fetched, None if is_kept else self._name(fetched)
        finally:
            shop.buffers.append(buffer)

    def _require_wanted(self, fetched: Fetched) -> None:
        """See that what is not what Polyv says may have a name all the same.

        Raises:
            DifferenceError: It may not, or not yet.
        """
        difference, sha256 = fetched.proof.difference, fetched.digests["sha256"]
        if difference is None:
            return
        policy, before = self._workshop.mismatch, self._order.differed
        if judged(difference, sha256=sha256, differed=before, policy=policy) is not Verdict.KEEP:
            raise DifferenceError(difference, sha256=sha256)

    def _name(self, fetched: Fetched) -> bool:
        """Give the part its final name, tell whether that is new."""
        shop, sha256 = self._workshop, fetched.digests["sha256"]
        return shop.placing.place(self._part.path, self._order.path, sha256=sha256, slowly=shop.turn.left)

    def _fetch(self, link: Link, buffer: memoryview, loop: asyncio.AbstractEventLoop) -> tuple[Fetched, bool]:
        shop, part, is_kept = self._workshop, self._part, self._part.memo is not None

        def take_head(known: Known) -> None:
            """A part that fits into the buffer is not worth a memo."""
            nonlocal is_kept
            shop.sightings.worked(link)
            if is_kept or known.size is None or known.size >= len(buffer):
                is_kept = True
                loop.call_soon_threadsafe(self._keeper.take_head, part.incarnation, known)

        tools = Tools(
            origin=shop.origin,
            meter=self._meter,
            buffer=buffer,
            turn=shop.turn,
            on_head=take_head,
            ensure_space=self._ensure_space,
            created_at=self._order.created_at,
            expected=self._order.expected,
            repeated_size=self._repeated_size,
            monotonic=shop.monotonic,
        )
        return fetch(link.url, part, known=_known(part), tools=tools), is_kept

    async def _place(self, fetched: Fetched) -> bool:
        """Note what the part turned out to be, then place it."""
        sha256 = fetched.digests["sha256"]
        if self._part.memo is not None:
            memo = msgspec.structs.replace(self._part.memo, sha256=sha256)
            await self._part.remember(memo, incarnation=self._part.incarnation, durably=True)
        return await self._in_thread(functools.partial(self._name, fetched))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        """Have *work* done by a thread. Whoever cancels this waits until the thread has let go of the part."""
        return await to_its_end(self._workshop.crew.do(work), self._meter)


async def to_its_end(doing: asyncio.Future[T], meter: Meter) -> T:
    """Return what a thread does. Whoever cancels this breaks the transfer off, and waits for the thread's end."""
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        meter.abort(TransferStoppedError("the download was cancelled"))
        while not doing.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([doing])
        if not doing.cancelled():
            doing.exception()
        raise


def _known(part: Part) -> Known:
    """Return what earlier tries learned, nothing where there is no sound byte of them."""
    have, memo = part.sound_bytes(), part.memo
    if memo is None or not have:
        return Known()
    return Known(
        have=have, size=memo.size, etag=memo.etag, last_modified=memo.last_modified, announced=memo.announced
    )
