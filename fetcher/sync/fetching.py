"""Claim ready videos, have them downloaded, and have it written down what came of it."""

import asyncio
import functools
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from fetcher.domain.errors import (
    FileRefusedError,
    NoRoomError,
    OriginDeniesError,
    StaleLeaseError,
    TransferStoppedError,
)
from fetcher.domain.events import Event, FileVerified, TransferFailed
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.ledger.claims import Claimed, is_any_elsewhere
from fetcher.sync.backlog import Backlog, is_sooner
from fetcher.sync.denials import Denials
from fetcher.sync.ends import Ends
from fetcher.sync.nodes import Nodes
from fetcher.sync.outcome import Done
from fetcher.sync.places import Places
from fetcher.sync.recording import Recording
from fetcher.sync.tally import Tally
from fetcher.sync.tries import Patience, Tries
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_DYING_MS: Final = 20_000
"""A link that lives no longer may be dead before a place and a connection are there for it."""
_YOUNG_MS: Final = 60_000
"""A link that Polyv gave so lately is not asked for anew, however little is left of it."""
_MOST_RESTING: Final = 20_000
"""More are not stepped over for the sake of what another host may give: each has to be claimed for that."""


class Fetching:
    """Downloads, several at once.

    A place is free again as soon as a file is in place; that it is written down is waited for beside it.
    """

    def __init__(
        self,
        wires: Wires,
        *,
        renew: Renew,
        jobs: int,
        layout: str,
        patience: Patience,
        on_done: Done | None = None,
        is_asking: Callable[[], bool] = lambda: False,
    ) -> None:
        self._wires = wires
        self._tally = Tally(wires, on_done=on_done)
        self._renew = renew
        self._is_asking = is_asking
        self._backlog = Backlog(wires, jobs=jobs, layout=layout)
        self._places = Places(wires, jobs)
        self.ends = Ends()
        self._tries, self._nodes = Tries(patience), Nodes()
        self._recording = Recording(wires, patience=patience, tries=self._tries, nodes=self._nodes)
        self._denials = Denials(rest_s=patience.rest_s)
        self._begun: dict[int, Claimed] = {}
        """What has a place, by video."""
        self._recalled: list[int] = []
        self._is_urgent = False
        self._broken: list[asyncio.Task[None]] = []
        self.active: set[asyncio.Task[None]] = set()
        """Downloads under way, and those whose end is being written down."""

    async def start(self) -> None:
        """Fill the free places with what is most urgent."""
        await self._wake_rested()
        await self._give_way()
        while self._backlog.is_low and not self._is_swamped() and (claimed := await self._backlog.claim()):
            for one in claimed:
                if self._tries.are_left(one.video_id) and not self._is_denied(one):
                    self._backlog.add(one)
                else:
                    self._rest(one)
        self._fill()

    def _is_swamped(self) -> bool:
        """Tell whether so much is stepped over for a host that lets nobody in that no more of it is claimed."""
        return self._tries.resting > _MOST_RESTING and self._denials.is_any_left_alone(now=_monotonic())

    def _is_denied(self, one: Claimed) -> bool:
        return self._denials.is_left_alone(one.link.host, now=_monotonic())

    def _rest(self, one: Claimed) -> None:
        """Leave a video alone for a while. It stays claimed, and so out of the way."""
        self._tries.rest(one.video_id, start_by=one.start_by, now=_monotonic())

    def look_again(self, start_bys: Iterable[int | None] = ()) -> None:
        """Say that the ledger may have something to download again.

        Args:
            start_bys: By when to begin with what is new, ms UTC; None is the most urgent.
        """
        self._backlog.look_again()
        new = list(start_bys)
        if new and not self._is_urgent:
            soonest = None if None in new else min(start_by for start_by in new if start_by is not None)
            self._is_urgent = self._backlog.is_before(soonest) or is_sooner(soonest, self._begun.values())

    def reorder(self) -> None:
        """Say that the ledger gives videos out in another order now."""
        self._is_urgent = True
        self._wires.news.set()

    @property
    def begun(self) -> Collection[int]:
        """The videos that have a place."""
        return self._begun.keys()

    @property
    def waiting(self) -> Sequence[Claimed]:
        """What is claimed and has no place yet, the most urgent first."""
        return self._backlog.waiting

    @property
    def is_each_seen(self) -> bool:
        """Whether what is begun is under way; quick ones stand in line, and their places are free in no time."""
        return self._backlog.places == self.jobs

    def open_places(self, extra: int) -> None:
        """Begin *extra* downloads beside those under way, whatever the usual number; their places go with them."""
        self._places.open(extra)
        self._fill()
        self._places.fit(self._begun.keys())

    @property
    def jobs(self) -> int:
        """The usual number of downloads at a time."""
        return self._places.usual

    def resize(self, jobs: int) -> None:
        """Have *jobs* downloads at a time from now on; what is begun goes on, and takes its place with it."""
        self._places.usual = jobs
        self._backlog.resize(jobs)
        self._fill()
        self._places.fit(self._begun.keys())

    @property
    def is_stale(self) -> bool:
        """Whether what stands in line had better be looked at again."""
        return self._backlog.is_stale

    async def _give_way(self) -> None:
        """Give back what is not begun where something more urgent has come, or where it turns out to take long."""
        if self._is_urgent or self._backlog.is_stale:
            self._is_urgent = False
            self._wires.downloader.recall()
            self._recalled += self._backlog.take_back()
        if self._recalled:
            recalled, self._recalled = self._recalled, []
            await self._backlog.release(recalled)

    def take_broken(self) -> list[asyncio.Task[None]]:
        """Return the downloads that ended with an error of the run's since this was last called."""
        broken, self._broken = self._broken, []
        return broken

    def next_try_in_s(self) -> float | None:
        """Return in how many seconds the next file is tried again in this run; None where none is."""
        return self._tries.next_in_s(now=_monotonic())

    async def keep_claims(self) -> None:
        """Hold what is claimed for a while longer."""
        await self._backlog.keep()

    async def give_back(self) -> None:
        """Give back what was claimed and not finished."""
        await self._backlog.release_all()

    async def _wake_rested(self) -> None:
        """Let what is due be tried again; in a run that goes on for long, what has used up its tries, too.

        The latter keeps no run alive.
        """
        now = _monotonic()
        if due := self._tries.take_due(now=now):
            await self._backlog.end_pauses(due)
        if rested := self._tries.take_rested(now=now):
            await self._backlog.release(rested)
        if due or rested:
            self.look_again([*due.values(), *rested.values()])

    def _fill(self) -> None:
        while len(self._backlog) and (len(self._begun) < self._backlog.places or self._places.has_extra):
            if self._is_denied(self._backlog.waiting[0]):
                self._rest(self._backlog.pop())
                continue
            if len(self._begun) >= self._backlog.places:
                self._places.take_extra(self._backlog.waiting[0].video_id)
            claimed = self._backlog.pop()
            if claimed.video_id in self._begun:
                continue  # Another run gave back what this one works on; claimed anew it is in nobody's way.
            self._begun[claimed.video_id] = claimed
            download = asyncio.create_task(self._fetch(claimed))
            self.active.add(download)
            download.add_done_callback(self._end)
        if self._backlog.is_low:
            self._wires.news.set()

    def _end(self, download: asyncio.Task[None]) -> None:
        self.active.discard(download)
        if download.cancelled() or download.exception() is not None:
            self._broken.append(download)
        if self._broken or not self.active:
            self._wires.news.set()

    async def _fetch(self, claimed: Claimed) -> None:
        """Download one video and write down what happened.

        Raises:
            StorageError: The disk.
            LedgerError: It could not be written down.
        """
        try:
            verdict = await self._download(claimed)
        except TransferStoppedError:
            self._recalled.append(claimed.video_id)
            self._wires.news.set()
            return
        finally:
            del self._begun[claimed.video_id]
        self._backlog.count_end()
        self.ends.take(claimed.video_id, verdict)
        self._fill()
        try:
            event = await self._recording.record(claimed, verdict)
        except StaleLeaseError:
            _log.warning("%s: taken over by another run; what this one did is not recorded", claimed.vid)
            return
        if isinstance(event, TransferFailed):
            delay_s = (event.due_at - event.at) / 1000
            self._tries.pause(claimed.video_id, start_by=claimed.start_by, delay_s=delay_s, now=_monotonic())
        self._tally.count(claimed, event)
        if not isinstance(event, FileVerified):
            self._wires.news.set()
        await self._heed(self._denials.look(claimed.link.host, verdict, now=_monotonic()))

    async def _heed(self, denied: OriginDeniesError | None) -> None:
        """Leave a host alone that refuses fresh links; where there is no other one, nothing is left to be done.

        As long as Polyv is being asked, its answers may tell of another one.

        Raises:
            OriginDeniesError: There is none.
        """
        if denied is None:
            return
        is_other = functools.partial(is_any_elsewhere, hosts=self._denials.hosts)
        may_be_other = self._is_asking() or await self._wires.ledger.read(is_other)
        if self._tries.resting > _MOST_RESTING or not may_be_other:
            raise denied
        self._wires.summary.error = self._wires.summary.error or denied

    async def _download(self, claimed: Claimed) -> Event | TryAgain:
        self._tries.begin(claimed.video_id)
        order = Order(
            video_id=claimed.video_id,
            vid=claimed.vid,
            link=claimed.link,
            path=claimed.path,
            is_dying=self._is_dying(claimed),
            is_node_down=self._nodes.is_another_due(claimed.video_id),
            created_at=claimed.created_at,
            expected=claimed.expected,
            differed=claimed.differed,
        )
        try:
            return await self._wires.downloader.download(order, self._renew)
        except (FileRefusedError, NoRoomError) as exc:
            self._wires.summary.error = self._wires.summary.error or exc
            self._tries.use_up(claimed.video_id)
            return TryAgain(detail=exc.then if isinstance(exc, NoRoomError) else str(exc))

    def _is_dying(self, claimed: Claimed) -> bool:
        """Tell whether to ask for another link first; one that Polyv has just given is as fresh as any."""
        now = self._wires.polyv_now()
        is_old = claimed.link.obtained_at < now - _YOUNG_MS
        return is_old and claimed.deadline is not None and claimed.deadline <= now + _DYING_MS


def _monotonic() -> float:
    """Return seconds by the clock that pauses are counted in."""
    return asyncio.get_running_loop().time()
