"""Keep the memo beside a growing part, and make durable what has come."""

import asyncio
import os
from pathlib import Path
from typing import Final

import msgspec

from fetcher.archive.memos import Memo, current_boot_id
from fetcher.archive.part import Part
from fetcher.domain.errors import TransferInterruptedError
from fetcher.transfer.fetch import Known
from fetcher.transfer.meter import Meter

_TICK_S: Final = 0.5


class Keeper:
    """Writes one part's memo, alone, from the first head on until ``end``.

    Args:
        vid: Whose part it is.
        part: The part.
        meter: Of its transfer, which is broken off where nothing can be kept.
        checkpoint: Bytes after which what has come is made durable.
    """

    def __init__(self, vid: str, part: Part, meter: Meter, *, checkpoint: int) -> None:
        self._vid = vid
        self._part = part
        self._meter = meter
        self._checkpoint = checkpoint
        self._heads: asyncio.Queue[tuple[str, Known] | None] = asyncio.Queue()
        self._keeping: asyncio.Task[None] | None = None

    def take_head(self, incarnation: str, known: Known) -> None:
        """Take in what the origin says of the file, for the incarnation of the part that it is about."""
        self._heads.put_nowait((incarnation, known))
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())
            self._keeping.add_done_callback(self._break_off)

    async def end(self) -> None:
        """Write what is still to be written.

        Raises:
            OSError: The disk.
        """
        if self._keeping is not None:
            self._heads.put_nowait(None)
            await self._keeping

    def _break_off(self, keeping: asyncio.Task[None]) -> None:
        """No part grows without its memo: the error that ended the keeping is raised by ``end``."""
        if keeping.cancelled() or keeping.exception() is not None:
            self._meter.abort(TransferInterruptedError("the memo beside the part cannot be written"))

    async def _keep(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_TICK_S):
                    head = await self._heads.get()
            except TimeoutError:
                await self._save()
            else:
                if head is None:
                    return
                await self._remember(*head)

    async def _remember(self, incarnation: str, known: Known) -> None:
        """Write down what the part is a part of."""
        before = self._part.memo
        memo = Memo(
            vid=self._vid,
            size=known.size,
            etag=known.etag,
            last_modified=known.last_modified,
            announced=dict(known.announced),
            boot_id=current_boot_id(),
            synced=min(before.synced, known.have) if before is not None else 0,
        )
        await self._part.remember(memo, incarnation=incarnation)

    async def _save(self) -> None:
        """Make what has come durable, every now and then, so that a power cut costs no more than that."""
        memo, incarnation = self._part.memo, self._part.incarnation
        if memo is None or self._meter.have - memo.synced < self._checkpoint:
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


def _synced(path: Path) -> int:
    """Flush a growing file, return how many bytes are durable now."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        os.fdatasync(descriptor)
        return size
    finally:
        os.close(descriptor)
