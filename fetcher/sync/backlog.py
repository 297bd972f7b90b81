"""Videos that are claimed and not begun: enough that nobody waits, few enough that the most urgent come first."""

import asyncio
import functools
import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from fetcher.archive.names import Facts, path_for, path_key
from fetcher.ledger.claims import Claimed, Nameable, claim, end_pauses, extend, release
from fetcher.sync.wires import Wires

_LEASE_MS: Final = 600_000
"""After so long without a word of its run a video is anybody's."""
_MOST: Final = 512
"""In one claim."""
_GROWTH: Final = 4
"""So many times as much is claimed at a time, where what was claimed is done in no time."""
_IN_LINE: Final = 8
"""Downloads that are begun for each job where they are quick: most of them stand in line."""
_SHORT_S: Final = 1.0
"""A backlog that lasts shorter is made larger: with small files claims cost more than they do."""
_LONG_S: Final = 5.0
"""One that lasts longer is given back: what is more urgent may have come since."""


class Backlog:
    """Claims in advance, about a second's worth of work.

    Args:
        wires: Of the run.
        jobs: Downloads at a time.
        layout: Of the files' names.
        long_s: Seconds after which what is still not begun is given back.
        short_s: Seconds within which what was claimed at a time is done where it is quick.
    """

    def __init__(
        self, wires: Wires, *, jobs: int, layout: str, long_s: float = _LONG_S, short_s: float = _SHORT_S
    ) -> None:
        self._wires = wires
        self._layout = layout
        self._long_s = long_s
        self._short_s = short_s
        self._jobs = jobs
        self._most = self._least
        self._videos: deque[Claimed] = deque()
        self._claimed_at = self._learned_at = -math.inf
        self._ended = 0
        self._is_dry = False

    def __len__(self) -> int:
        return len(self._videos)

    @property
    def is_low(self) -> bool:
        """Whether to claim more, as far as there may be more."""
        return len(self._videos) < self.places and not self._is_dry

    @property
    def places(self) -> int:
        """How many downloads to begin at a time: quick ones stand in line, so that no thread waits for the next."""
        return _IN_LINE * self._jobs if self._is_grown else self._jobs

    @property
    def waiting(self) -> Sequence[Claimed]:
        """What is claimed and not begun, the most urgent first."""
        return self._videos

    @property
    def _least(self) -> int:
        return 2 * self._jobs

    @property
    def _is_grown(self) -> bool:
        """Whether more is claimed at a time than at first: downloads have turned out to be quick."""
        return self._most > self._least

    def look_again(self) -> None:
        """Say that there may be something to claim again."""
        self._is_dry = False

    def resize(self, jobs: int) -> None:
        """Claim for *jobs* downloads at a time from now on. That alone makes none of them quick."""
        was_grown, self._jobs = self._is_grown, jobs
        if not was_grown:
            self._most = self._least

    def count_end(self) -> None:
        """Say that a download has ended."""
        self._ended += 1

    def add(self, video: Claimed) -> None:
        """Take in one that was claimed."""
        self._videos.append(video)

    def pop(self) -> Claimed:
        """Take out the most urgent."""
        return self._videos.popleft()

    async def claim(self) -> Sequence[Claimed]:
        """Claim what is most urgent; none where nothing is ready."""
        self._claimed_at = asyncio.get_running_loop().time()
        self._learn(self._claimed_at)
        limit = self._most
        take = functools.partial(
            claim,
            limit=limit,
            owner=self._wires.owner,
            now=self._wires.now(),
            lease_ms=_LEASE_MS,
            name=self._name,
        )
        self._is_dry = True  # Until something says otherwise, while the ledger is asked too.
        claimed = await self._wires.ledger.write(take)
        if len(claimed) == limit:
            self._is_dry = False
        return claimed

    def _learn(self, now: float) -> None:
        """Claim more at a time where as much as that is done in no time, few where few are done.

        A claim that only fills up what the one before it left comes too soon to tell either.
        """
        lasted = now - self._learned_at
        if lasted < self._short_s and self._ended < self._most:
            return
        if lasted < self._short_s:
            self._most = min(self._most * _GROWTH, _MOST)
        elif self._ended < self._least * lasted / self._short_s:
            self._most = self._least
        self._learned_at, self._ended = now, 0

    @property
    def is_stale(self) -> bool:
        """Whether what was claimed as quick turns out to last for long."""
        now = asyncio.get_running_loop().time()
        return self._is_grown and now - self._claimed_at > self._long_s

    def is_before(self, start_by: int | None) -> bool:
        """Tell whether what has to be begun by *start_by* is more urgent than one that is claimed and not begun."""
        return is_sooner(start_by, self._videos)

    def take_back(self) -> list[int]:
        """Take out all that is not begun, for ``release``; from here on little is claimed at a time again."""
        rest = [video.video_id for video in self._videos]
        self._videos.clear()
        self._most = self._least
        return rest

    async def release(self, video_ids: Iterable[int]) -> None:
        """Give claims back, so that they may be made again."""
        free = functools.partial(release, owner=self._wires.owner, video_ids=list(video_ids))
        await self._wires.ledger.write(free)
        self._is_dry = False

    async def end_pauses(self, video_ids: Iterable[int]) -> None:
        """Let what waits for its next try be claimed now, whatever this machine's clock says."""
        await self._wires.ledger.write(functools.partial(end_pauses, video_ids=list(video_ids)))
        self._is_dry = False

    async def release_all(self) -> None:
        """Give back whatever this run has claimed."""
        self._videos.clear()
        await self._wires.ledger.write(functools.partial(release, owner=self._wires.owner))

    async def keep(self) -> None:
        """Hold what is claimed for a while longer."""
        until = self._wires.now() + _LEASE_MS
        await self._wires.ledger.write(functools.partial(extend, owner=self._wires.owner, until=until))

    def _name(self, video: Nameable, is_twin: bool) -> tuple[str, str]:  # noqa: FBT001 - the ledger's own signature
        facts = Facts(
            vid=video.vid, url=video.url, title=video.title, category=video.category, created_at=video.created_at
        )
        path = path_for(self._layout, facts, is_twin=is_twin)
        return path, path_key(path)


def is_sooner(start_by: int | None, others: Iterable[Claimed]) -> bool:
    """Tell whether *start_by*, None being the most urgent, is sooner than one of *others* has to be begun."""
    return any(other.start_by is not None and (start_by is None or start_by < other.start_by) for other in others)
