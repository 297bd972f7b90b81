"""What a run begins with: what earlier ones left in the ledger, among the parts, and of the finished files."""

import asyncio
import functools
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.home import Home
from fetcher.archive.placing import size_of
from fetcher.archive.quarantine import quarantine
from fetcher.archive.rereading import glance
from fetcher.domain.errors import ConflictError
from fetcher.ledger.claims import release_others
from fetcher.ledger.recovery import latest_done, owners, pull_back, still_wanted
from fetcher.ledger.work import begin_run, file_missing, forget_refusals
from fetcher.sync.losses import Loss
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_LOOKED_AT: Final = 20_000
"""Finished files, the latest, of which a run sees whether they are there; 'verify' looks at all."""
_LONGEST_RETRY_MS: Final = 60_000
"""A pause between tries is no longer; what is put off for longer an origin asked for."""
_LONGEST_HOLD_MS: Final = 2 * 3_600_000
"""Nothing is put off for longer, unless the clock was wrong when that was written."""


async def take_over(
    wires: Wires, *, longest_poll_ms: int, recover: Callable[[Connection], list[Loss]]
) -> tuple[int, list[Loss]]:
    """Take over what a dead run left in the ledger, and note that a new one begins.

    Args:
        wires: Of the run.
        longest_poll_ms: The longest pause between two questions about a task.
        recover: Takes over the tasks that were asked for without an answer.

    Returns:
        The run's id, and the tasks of which nobody knows whether they exist.
    """

    def take(connection: Connection) -> tuple[int, list[Loss]]:
        now = wires.now()
        release_others(connection, owner=wires.owner)
        forget_refusals(connection)
        pull_back(
            connection,
            now=now,
            longest_poll_ms=longest_poll_ms,
            retry_ms=_LONGEST_RETRY_MS,
            longest_hold_ms=_LONGEST_HOLD_MS,
        )
        return begin_run(connection, owner=wires.owner, now=now), recover(connection)

    return await wires.ledger.write(take)


async def drop_parts(wires: Wires) -> None:
    """Find the parts that are gone on with, drop those of videos that have come to their end."""
    parts, read = wires.parts, wires.ledger.read
    await parts.scan()
    if ids := parts.ids():
        known = await read(functools.partial(owners, vids=parts.vids()))
        parts.settle(known, await read(lambda connection: still_wanted(connection, ids)))


async def look_for_missing(wires: Wires) -> None:
    """See that the latest done files are where they were put; ``verify`` looks at all, and inside."""
    done = await wires.ledger.read(functools.partial(latest_done, limit=_LOOKED_AT))
    gone = await asyncio.to_thread(_missing, wires.root, done)
    for file in gone:
        detail = "the finished file is gone"
        if file.there is not None:
            try:
                kept = await asyncio.to_thread(_set_aside, wires, file)
            except ConflictError as exc:  # Somebody is at work on it right now; the next run looks again.
                _log.warning(
                    "%s has %d bytes, which is wrong, and stays where it is: %s", file.path, file.there, exc
                )
                continue
            detail = f"the finished file has {file.there} bytes, which is wrong; it is kept as {kept}"
        _log.warning("%s: %s; fetched again", file.path, detail)
        wires.notify({"type": "missing", "path": file.path, "error": detail})
        put_back = functools.partial(file_missing, video_id=file.video_id, detail=detail, now=wires.now())
        await wires.ledger.write(put_back)
    wires.summary.missing = len(gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Missing:
    """A finished file that is not there as it has to be."""

    video_id: int
    vid: str
    path: str
    there: int | None
    """Bytes of what stands there; None where nothing does."""


def _set_aside(wires: Wires, file: _Missing) -> str:
    """Move a damaged file out of the way of its successor, for good before the ledger says so; return where it is.

    Raises:
        ConflictError: It was written to just now.
        OSError: The disk.
    """
    seen = glance(wires.root, file.path)
    return quarantine(Home(root=wires.root), file.path, vid=file.vid, identity=seen.identity)


def _missing(root: Path, done: Iterable[tuple[int, str, str, int]]) -> list[_Missing]:
    """Return which files are gone or of another size."""
    return [
        _Missing(video_id=video_id, vid=vid, path=path, there=there)
        for video_id, vid, path, size in done
        if (there := size_of(root, path)) != size
    ]
