"""Claim ready videos, have them downloaded, and write down what came of it."""

import asyncio
import functools
import logging
import random
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.space import disk_errors
from fetcher.domain.delay import retry_delay
from fetcher.domain.errors import (
    ConflictError,
    FileRefusedError,
    NoRoomError,
    OriginDeniesError,
    StaleLeaseError,
    TransferStoppedError,
)
from fetcher.domain.events import Event, FileVerified, GivenUp, LinkRefused, TransferFailed, WindowClosed
from fetcher.domain.status import Reason
from fetcher.domain.window import after_window
from fetcher.domain.windows import short_by
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.ledger.changes import Change, apply
from fetcher.ledger.claims import Claimed, is_any_elsewhere
from fetcher.ledger.due import ask_again
from fetcher.ledger.endings import wait_for_newer
from fetcher.sync.backlog import Backlog, is_sooner
from fetcher.sync.denials import Denials
from fetcher.sync.nodes import Nodes
from fetcher.sync.outcome import Done
from fetcher.sync.places import Places
from fetcher.sync.tally import Tally
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)
_MOST_SUSPICIONS: Final = 10
_DYING_MS: Final = 20_000
"""A link that lives no longer may be dead before a place and a connection are there for it."""
_YOUNG_MS: Final = 60_000
_MOST_RESTING: Final = 20_000
"""More are not stepped over for the sake of what another host may give: each has to be claimed for that."""

_Pauses = dict[int, tuple[float, int | None]]
"""By video: when its pause is over, by the monotonic clock, and by when to begin with it, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How tries at one file follow each other."""

    first_s: float
    """Pause after the first."""
    tries: int
    """In one run; after that the file is left to a later one."""
    asked_again_s: float
    """Pause before Polyv is asked for a link in place of one that was refused."""
    longest_s: float = 60
    """Pause that is waited out within a run; nobody holds the archive for a longer one."""
    resubmit_expired: bool = False
    """Whether what has gone cold before it was fetched is asked for again by itself."""
    rest_s: float = 600
    """Pause after which a run that still goes on tries once more what had used up its tries."""


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
    ) -> None:
        self._wires = wires
        self._tally = Tally(wires, on_done=on_done)
        self._renew = renew
        self._patience = patience
        self._backlog = Backlog(wires, jobs=jobs, layout=layout)
        self._places = Places(wires, jobs)
        self.ended = self.refused = 0
        """Downloads that came to an end so far; those of them that fewer at a time might have spared."""
        self.files = self.short = 0
        """Files that were fetched whole so far; by how many bytes they were short of what each is worth."""
        self._tries: Counter[int] = Counter()
        self._nodes = Nodes()
        self._due: _Pauses = {}
        self._resting: _Pauses = {}
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
        while self._backlog.is_low and (claimed := await self._backlog.claim()):
            for one in claimed:
                if self._tries[one.video_id] < self._patience.tries and not self._is_denied(one):
                    self._backlog.add(one)
                else:
                    self._rest(one)
        self._fill()

    def _is_denied(self, one: Claimed) -> bool:
        return self._denials.is_left_alone(one.link.host, now=asyncio.get_running_loop().time())

    def _rest(self, one: Claimed) -> None:
        """Leave a video alone for a while. It stays claimed, and so out of the way."""
        self._resting[one.video_id] = asyncio.get_running_loop().time() + self._patience.rest_s, one.start_by

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
        due = min((at for at, _ in self._due.values()), default=None)
        return None if due is None else due - asyncio.get_running_loop().time()

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
        now = asyncio.get_running_loop().time()
        if due := _passed(self._due, now):
            await self._backlog.end_pauses(due)
        if rested := _passed(self._resting, now):
            for video_id in rested:
                del self._tries[video_id]
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
        self.ended += 1
        if isinstance(verdict, FileVerified) and verdict.fetched:
            self.files += 1
            self.short += short_by(verdict.size)
        self.refused += isinstance(verdict, TryAgain) and verdict.is_crowded
        self._fill()
        try:
            event = await self._record(claimed, verdict)
        except StaleLeaseError:
            _log.warning("%s: taken over by another run; what this one did is not recorded", claimed.vid)
            return
        if isinstance(event, TransferFailed):
            self._plan_next(claimed, event)
        self._tally.count(claimed, event)
        if not isinstance(event, FileVerified):
            self._wires.news.set()
        await self._heed(self._denials.look(claimed.link.host, verdict, now=asyncio.get_running_loop().time()))

    async def _heed(self, denied: OriginDeniesError | None) -> None:
        """Leave a host alone that refuses fresh links; where there is no other one, nothing is left to be done.

        Raises:
            OriginDeniesError: There is none.
        """
        if denied is None:
            return
        hosts = self._denials.hosts
        is_other = functools.partial(is_any_elsewhere, hosts=hosts)
        if len(self._resting) > _MOST_RESTING or not await self._wires.ledger.read(is_other):
            raise denied
        self._wires.summary.error = self._wires.summary.error or denied

    async def _download(self, claimed: Claimed) -> Event | TryAgain:
        self._due.pop(claimed.video_id, None)
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
            self._tries[claimed.video_id] = self._patience.tries
            return TryAgain(detail=str(exc))

    def _is_dying(self, claimed: Claimed) -> bool:
        """Tell whether to ask for another link first; one that Polyv has just given is as fresh as any."""
        now = self._wires.polyv_now()
        is_old = claimed.link.obtained_at < now - _YOUNG_MS
        return is_old and claimed.deadline is not None and claimed.deadline <= now + _DYING_MS

    def _tried(self, claimed: Claimed, verdict: TryAgain) -> Event:
        """Say when a file is tried again; one that something else answers for is not tried for ever."""
        if verdict.is_suspicious and claimed.suspicions + 1 >= _MOST_SUSPICIONS:
            return GivenUp(at=self._wires.now(), reason=Reason.NOT_A_VIDEO, detail=verdict.detail)
        self._nodes.count(claimed.video_id, verdict)
        self._tries[claimed.video_id] += 1
        tries = self._tries[claimed.video_id]
        jitter = random.random()  # noqa: S311 - spreads tries, keeps no secret
        delay = retry_delay(tries, first_s=self._patience.first_s, jitter=jitter, asked_s=verdict.retry_after)
        now = self._wires.now()
        return TransferFailed(
            at=now,
            detail=verdict.detail,
            due_at=now + round(delay * 1000),
            is_suspicious=verdict.is_suspicious,
            differed=verdict.differed,
        )

    def _plan_next(self, claimed: Claimed, failed: TransferFailed) -> None:
        """Have the file tried again in this run, by the monotonic clock, unless its tries are used up."""
        delay_s = (failed.due_at - failed.at) / 1000
        if self._tries[claimed.video_id] < self._patience.tries and delay_s <= self._patience.longest_s:
            self._due[claimed.video_id] = asyncio.get_running_loop().time() + delay_s, claimed.start_by

    async def _record(self, claimed: Claimed, verdict: Event | TryAgain) -> Event:
        """Write down what happened and return it; a file that was taken away again did not happen."""
        if isinstance(verdict, WindowClosed) and await self._is_prepared_anew(claimed, verdict):
            return verdict
        event = self._event(claimed, verdict)
        change = Change(video_id=claimed.video_id, event=event, fence=claimed.fence)
        if isinstance(event, LinkRefused):
            await self._record_refusal(change)
            return event
        try:
            await self._wires.ledger.record(change)
        except ConflictError as exc:
            return await self._record(claimed, TryAgain(detail=str(exc)))
        is_useless = isinstance(event, GivenUp) and isinstance(verdict, TryAgain) and verdict.is_intercepted
        if is_useless or isinstance(event, FileVerified):
            with disk_errors(f"removing the part of {claimed.path}"):
                self._wires.parts.drop(claimed.video_id)
        return event

    def _event(self, claimed: Claimed, verdict: Event | TryAgain) -> Event:
        """Return what the ledger is told of a verdict."""
        match verdict:
            case TryAgain():
                return self._tried(claimed, verdict)
            case WindowClosed():
                return after_window(
                    verdict,
                    vid=claimed.vid,
                    resubmits=claimed.resubmits,
                    was_done=claimed.size is not None,
                    resubmit_expired=self._patience.resubmit_expired,
                )
            case _:
                return verdict

    async def _is_prepared_anew(self, claimed: Claimed, closed: WindowClosed) -> bool:
        change = Change(video_id=claimed.video_id, event=closed, fence=claimed.fence)
        return await self._wires.ledger.write(functools.partial(wait_for_newer, closed=change))

    async def _record_refusal(self, change: Change) -> None:
        ask_at = self._wires.now() + round(self._patience.asked_again_s * 1000)

        def refuse(connection: Connection) -> None:
            apply(connection, change)
            ask_again(connection, change.video_id, at=ask_at)

        await self._wires.ledger.write(refuse)


def _passed(pauses: _Pauses, now: float) -> dict[int, int | None]:
    """Take out the pauses that are over by *now*, return by when to begin, by video."""
    passed = {video_id: start_by for video_id, (until, start_by) in pauses.items() if until <= now}
    for video_id in passed:
        del pauses[video_id]
    return passed
