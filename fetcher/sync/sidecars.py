"""Sidecars of finished files: written beside the downloads, some hundred at a time, when their rows are durable."""

import asyncio
import functools
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from fetcher.archive.sidecars import has_sidecar, write_sidecars
from fetcher.domain.status import Status
from fetcher.ledger.recovery import latest_done
from fetcher.ledger.thread import LedgerThread
from fetcher.ledger.views import shown
from fetcher.report.rows import video_row

_log: Final = logging.getLogger(__name__)
_BATCH: Final = 200
_LOOKED_AT: Final = 20_000
_FIELDS: Final = (
    "vid", "title", "category", "created_at", "path", "size", "sha256", "md5", "crc64", "evidence", "task_ids",
    "done_at",
)  # fmt: skip
"""Those of a video's row that stand in its sidecar; a link is none of them."""


class Sidecars:
    """Writes sidecars.

    Args:
        ledger: What is known stands there.
        root: The archive, whose lock is held.
    """

    def __init__(self, ledger: LedgerThread, root: Path) -> None:
        self._ledger = ledger
        self._root = root
        self._pending: list[int] = []
        self._writing: asyncio.Task[None] | None = None

    def note(self, video_id: int) -> None:
        """Have the sidecar of a video written soon that has just become done."""
        self._pending.append(video_id)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_pending())

    async def finish(self, *, is_stopped: bool) -> None:
        """Write what is still to be written, and what earlier runs did not come to, among the files done last.

        Args:
            is_stopped: Whether the run was asked to end: then only the former.
        """
        if self._writing is not None:
            await self._writing
        await self._write_pending()
        if not is_stopped:
            done = await self._ledger.read(functools.partial(latest_done, limit=_LOOKED_AT))
            self._pending += await asyncio.to_thread(_without, self._root, done)
            await self._write_pending()

    async def _write_pending(self) -> None:
        while self._pending:
            batch, self._pending = self._pending[:_BATCH], self._pending[_BATCH:]
            rows = await self._ledger.read(functools.partial(shown, video_ids=batch))
            texts = {row["path"]: (row["vid"], sidecar_text(row)) for row in rows if row["status"] == Status.DONE}
            failed = await asyncio.to_thread(write_sidecars, self._root, texts)
            for path, why in failed.items():
                _log.warning("%s: no sidecar beside it: %s", path, why)


def sidecar_text(row: Mapping[str, Any]) -> bytes:
    """Return what stands in the sidecar of a video, by its row as the ledger shows it."""
    shown_row = video_row(row)
    return msgspec.json.format(msgspec.json.encode({name: shown_row[name] for name in _FIELDS})) + b"\n"


def _without(root: Path, done: Sequence[tuple[int, str, str, int]]) -> list[int]:
    return [video_id for video_id, _, path, _ in done if not has_sidecar(root, path)]
