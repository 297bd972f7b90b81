"""Read Polyv's library, or ask about single videos, and mark in the ledger what is wanted of it."""

import contextlib
import functools
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from fetcher.credentials import Credentials
from fetcher.domain.errors import CredentialsRefusedError, PolyvError
from fetcher.domain.identifiers import printable
from fetcher.domain.library import ListedVideo
from fetcher.domain.status import Reason
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.ledger.wanting import NEEDS_TASK, Choice, Replaced, Wants, want
from fetcher.polyv.categories import Asker, Categories
from fetcher.polyv.clock import PolyvClock
from fetcher.polyv.library import Listing, tell_of
from fetcher.polyv.video_info import MOST_VIDS
from fetcher.settings import Settings

_log: Final = logging.getLogger(__name__)
_MOST_NAMED: Final = 20
"""Vids that are named one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to become wanted."""

    vids: Sequence[str] = ()
    """Single videos; without any it is the library, or its *categories*."""
    categories: Sequence[str] = ()
    """Ids; what lies below them included."""
    since: int | None = None
    """Only what was created at or after this, ms UTC."""
    limit: int | None = None
    """Videos at the most."""
    expire_days: int | None = None
    failed_too: bool = False
    """Whether failed ones of the library are wanted again where a new task may help; single ones always are."""
    is_dry: bool = False
    """Whether nothing is written."""


@dataclass(slots=True, kw_only=True)
class Harvest:
    """What came of it. Grows from page to page."""

    listed: int = 0
    """Videos that Polyv told of."""
    new: int = 0
    again: int = 0
    open: int = 0
    done: int = 0
    failed: int = 0
    left_out: int = 0
    spared: list[str] = field(default_factory=list)
    """Failed ones that stay so, by vid, because too many tasks for them were lost; the first of them."""
    spared_count: int = 0
    replaced: list[Replaced] = field(default_factory=list)
    """The first of them."""
    replaced_count: int = 0
    unpublished: Counter[int] = field(default_factory=Counter)
    """Videos that no task may ask for, by Polyv's status; they are left out."""
    unknown: list[str] = field(default_factory=list)
    """Single videos that Polyv does not know."""
    odd: int = 0
    """Rows that could not be read."""
    missing: int = 0
    """Videos that Polyv counts and did not list."""
    error: PolyvError | CredentialsRefusedError | None = None
    """Why nothing is known of some single videos; they are wanted all the same."""

    @property
    def chosen(self) -> int:
        """How many became wanted."""
        return self.new + self.again

    def take(self, wants: Wants) -> None:
        """Take in what came of one page."""
        self.new += wants.new
        self.again += wants.again
        self.open += wants.open
        self.done += wants.done
        self.failed += wants.failed
        self.left_out += wants.left_out
        self.spared += wants.spared[: max(0, _MOST_NAMED - len(self.spared))]
        self.spared_count += len(wants.spared)
        self.replaced += wants.replaced[: max(0, _MOST_NAMED - len(self.replaced))]
        self.replaced_count += len(wants.replaced)


class Wanting:
    """Marks videos as wanted.

    Args:
        ledger: Where.
        polyv: Who is asked.
        wish: What for.
    """

    def __init__(self, ledger: LedgerThread, polyv: Asker, wish: Wish) -> None:
        self._ledger = ledger
        self._polyv = polyv
        self._categories = Categories(polyv)
        self._wish = wish
        self._choice = Choice(
            failed=frozenset(Reason) if wish.vids else NEEDS_TASK if wish.failed_too else frozenset(),
            expire_days=wish.expire_days,
            is_bulk=not wish.vids,
        )
        self.harvest = Harvest()

    async def run(self) -> Harvest:
        """Mark what is wanted, a page at a time, each for good.

        Raises:
            UsageError: Polyv does not know one of the categories.
            PolyvError: The library could not be read to its end; what was read is kept.
            CredentialsRefusedError: No call can succeed.
            LedgerError: It could not be written down.
        """
        if self._wish.vids:
            for batch in _batches(self._wish.vids):
                await self._want(await self._told(batch))
        else:
            for category_id in self._wish.categories:
                await self._categories.require(category_id)
            for chosen in self._wish.categories or (None,):
                await self._read(chosen)
        return self.harvest

    async def _read(self, category_id: str | None) -> None:
        listing = Listing(self._polyv, self._categories, category_id=category_id, since=self._wish.since)
        is_full = False
        async with contextlib.aclosing(listing.pages()) as pages:
            async for page in pages:
                is_full = await self._want(page)
                if is_full:
                    break
        self.harvest.odd += listing.odd
        if not is_full and not listing.is_whole:
            self.harvest.missing += max(1, (listing.told or 0) - listing.read - listing.odd)

    async def _told(self, vids: Sequence[str]) -> list[ListedVideo]:
        """Return what Polyv tells of single videos, and those that it tells nothing of with their id alone."""
        try:
            if self.harvest.error is not None:
                return [ListedVideo(vid=vid) for vid in vids]
            told = await tell_of(self._polyv, self._categories, vids)
        except (PolyvError, CredentialsRefusedError) as exc:
            self.harvest.error = exc
            return [ListedVideo(vid=vid) for vid in vids]
        self.harvest.unknown += told.unknown
        return [*told.videos, *(ListedVideo(vid=vid) for vid in told.unknown)]

    async def _want(self, told: Sequence[ListedVideo]) -> bool:
        """Mark those of a page that can be asked for; return whether there are as many as were wished for."""
        limit = None if self._wish.limit is None else self._wish.limit - self.harvest.chosen
        choice = replace(self._choice, limit=limit)
        self.harvest.listed += len(told)
        self.harvest.unpublished.update(video.status or 0 for video in told if not video.is_published)
        published = [video for video in told if video.is_published]
        write = functools.partial(_wanted, published, choice, is_dry=self._wish.is_dry)
        wants = await self._ledger.write(write)
        self.harvest.take(wants)
        for one in wants.replaced:
            _log.debug("%s: replaced at Polyv", printable(one.vid))
        return limit is not None and wants.chosen >= limit


def _batches(vids: Sequence[str]) -> list[Sequence[str]]:
    return [vids[start : start + MOST_VIDS] for start in range(0, len(vids), MOST_VIDS)]


def _wanted(listed: Sequence[ListedVideo], choice: Choice, connection: Connection, *, is_dry: bool) -> Wants:
    wants = want(connection, listed, choice, now=int(time.time() * 1000))
    if is_dry:
        connection.rollback()
    return wants


@contextlib.asynccontextmanager
async def ledger_and_polyv(
    settings: Settings, credentials: Credentials, ledger_path: Path
) -> AsyncIterator[tuple[LedgerThread, Asker]]:
    """Yield a ledger and a client of Polyv's API, both open.

    Raises:
        UsageError: A setting of the network cannot be used.
        LedgerError: The ledger cannot be opened.
    """
    from fetcher.sync.workers import polyv_client  # noqa: PLC0415 - tests ask another one, and load less

    ledger = LedgerThread(open_ledger(ledger_path, on_network=settings.ledger_on_network))
    try:
        async with polyv_client(settings, credentials, PolyvClock(time.time)) as client:
            yield ledger, client
    finally:
        ledger.close()
