"""Ask Polyv how large sources are, and for their MD5s: to compare with, and never a condition for downloading."""

import asyncio
import functools
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from fetcher.domain.errors import CredentialsRefusedError, FetcherError, PolyvError, VideoRefusedError
from fetcher.domain.link import RISK_MS
from fetcher.domain.observation import Observation
from fetcher.domain.vendor import NOTHING_SAID, Expected
from fetcher.ledger.sources import Source, Told, keep_told, known_sources
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_MOST_VIDS: Final = 100
"""In one question about sizes."""
_AT_ONCE: Final = 8
"""Questions about MD5s, one for each video."""
_MOST_FAILURES: Final = 2
"""Questions without an answer, after which a run asks no more of their kind."""
T = TypeVar("T")


class SourceAnswers(Protocol):
    """Who can be asked about sources."""

    async def get_sizes(self, vids: Sequence[str]) -> Mapping[str, int]:
        """Return sizes in bytes, by vid."""
        ...

    async def get_source(self, vid: str) -> Expected:
        """Return size and MD5 of one source."""
        ...


class Enquiring:
    """Questions about the sources of a task's videos, beside each answer about the task.

    Args:
        wires: Of the run.
        answers: Polyv.
        has_sizes: Whether to ask for sizes.
        has_md5s: Whether to ask for MD5s, which takes a main account.
        wait_s: Seconds that fresh links wait for the answer, so that the first downloads know it, too; no link that
            is about to die waits at all.
    """

    def __init__(
        self, wires: Wires, *, answers: SourceAnswers, has_sizes: bool, has_md5s: bool, wait_s: float = 5.0
    ) -> None:
        self._wires = wires
        self._answers = answers
        self._wait_s = wait_s
        self._sizes_left = _MOST_FAILURES if has_sizes else 0
        """How often that may fail until it is not asked for any more in this run."""
        self._md5s_left = _MOST_FAILURES if has_md5s else 0
        self.active: set[asyncio.Task[Any]] = set()
        """Questions under way, and answers that came late and are being written down."""

    async def ask(self, seen: Sequence[Observation]) -> Mapping[str, Told]:
        """Return what Polyv says of the sources in *seen* in time; what comes later is kept when it comes."""
        if not self._sizes_left and not self._md5s_left:
            return {}
        now = self._wires.now()
        known = await self._wires.ledger.read(functools.partial(known_sources, vids=[one.vid for one in seen]))
        sizes = [one.vid for one in seen if self._sizes_left and _lacks_size(known.get(one.vid), now)]
        md5s = [one.vid for one in seen if self._md5s_left and _lacks_md5(known.get(one.vid), now)]
        if not sizes and not md5s:
            return {}
        asking = self._begin(self._told(sizes, md5s))
        await asyncio.wait({asking}, timeout=0 if self._is_urgent(seen) else self._wait_s)
        if asking.done():
            return asking.result()
        self._begin(self._keep_late(asking))
        return {}

    def stop(self) -> None:
        """Break off all questions; nothing is written of them, so that they are asked again."""
        self._sizes_left = self._md5s_left = 0
        for task in self.active:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self.active.add(task)
        task.add_done_callback(self.active.discard)
        return task

    def _is_urgent(self, seen: Sequence[Observation]) -> bool:
        """Tell whether one of the links that have come has no moment to lose."""
        soon = self._wires.polyv_now() + RISK_MS
        return any(one.link is not None and one.deadline is not None and one.deadline <= soon for one in seen)

    async def _keep_late(self, asking: asyncio.Task[Mapping[str, Told]]) -> None:
        keep = functools.partial(keep_told, told=await asking, now=self._wires.now())
        try:
            await self._wires.ledger.write(keep)
        except FetcherError as exc:
            _log.warning("what Polyv says of sizes and MD5s cannot be kept: %s", exc)

    async def _told(self, sizes: Sequence[str], md5s: Sequence[str]) -> Mapping[str, Told]:
        """Ask for sizes in batches, for MD5s one by one; leave out what was asked in vain."""
        told: dict[str, Told] = {}
        for start in range(0, len(sizes), _MOST_VIDS):
            batch = sizes[start : start + _MOST_VIDS]
            found = await self._sizes(batch)
            if found is not None:
                told |= {vid: _listed(found.get(vid)) for vid in batch}
        room = asyncio.Semaphore(_AT_ONCE)
        answers = await asyncio.gather(*(self._source(vid, room) for vid in md5s))
        for vid, said in zip(md5s, answers, strict=True):
            if said is not None:
                told[vid] = _joined(told.get(vid), said)
        return told

    async def _sizes(self, vids: Sequence[str]) -> Mapping[str, int] | None:
        """Return the sizes that Polyv tells; None where it does not answer. A batch that it refuses is halved."""
        if not self._sizes_left:
            return None
        try:
            return await self._answers.get_sizes(vids)
        except VideoRefusedError:
            if len(vids) == 1:
                return {}
        except (PolyvError, CredentialsRefusedError) as exc:
            self._sizes_left -= 1
            _log.info("Polyv does not tell sizes, so they are not compared with: %s", exc)
            return None
        half = len(vids) // 2
        first, second = await self._sizes(vids[:half]), await self._sizes(vids[half:])
        return None if first is None or second is None else {**first, **second}

    async def _source(self, vid: str, room: asyncio.Semaphore) -> Expected | None:
        """Return what Polyv tells the main account; None where it does not answer."""
        async with room:
            if not self._md5s_left:
                return None
            try:
                return await self._answers.get_source(vid)
            except VideoRefusedError:
                return NOTHING_SAID
            except CredentialsRefusedError as exc:
                if self._md5s_left:
                    _log.warning("no MD5 is compared with: Polyv refuses the main account (%s)", exc)
                self._md5s_left = 0
            except PolyvError as exc:
                self._md5s_left = max(0, self._md5s_left - 1)
                _log.info("%s: Polyv does not tell its MD5: %s", vid, exc)
        return None


def _lacks_size(source: Source | None, now: int) -> bool:
    return source is None or source.lacks_size(now=now)


def _lacks_md5(source: Source | None, now: int) -> bool:
    return source is None or source.lacks_md5(now=now)


def _listed(size: int | None) -> Told:
    return Told(expected=Expected(size=size), listed_size=size, of_size=True, of_md5=False)


def _joined(before: Told | None, said: Expected) -> Told:
    """Join what the listing says with what the main account is told, which is said of the source itself."""
    listed = before.listed_size if before is not None else None
    size = said.size if said.size is not None else listed
    expected = Expected(size=size, md5=said.md5)
    return Told(expected=expected, listed_size=listed, of_size=before is not None, of_md5=True)
