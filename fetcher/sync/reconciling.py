"""Hold Polyv's list against the ledger, a page at a time; nothing is changed, and nothing is held in memory."""

import functools
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from fetcher.domain.comparison import CODES, Standing, standing_of
from fetcher.domain.exit_code import ExitCode, gravest
from fetcher.domain.library import ListedVideo
from fetcher.domain.status import Status
from fetcher.ledger.comparing import Kept, Met, kept, kept_after
from fetcher.ledger.thread import LedgerThread
from fetcher.polyv.categories import Asker, Categories
from fetcher.polyv.library import Listing, tell_of
from fetcher.polyv.video_info import MOST_VIDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One video, as both have it."""

    standing: Standing
    listed: ListedVideo | None
    """As Polyv lists it."""
    kept: Kept | None
    """As the ledger has it."""


class Reconciling:
    """One comparison.

    Args:
        ledger: What is archived, and what is to be.
        polyv: Who is asked.
        categories: Only what lies in these or below them; what is gone from them cannot be told then.
    """

    def __init__(self, ledger: LedgerThread, polyv: Asker, categories: Sequence[str] = ()) -> None:
        self._ledger = ledger
        self._polyv = polyv
        self._categories = Categories(polyv)
        self._chosen = categories
        self.counts: Counter[Standing] = Counter()
        self.listed = 0
        """Videos of Polyv's list."""
        self.is_whole = True
        """Whether Polyv listed as many videos as it counts."""

    @property
    def code(self) -> ExitCode:
        """The exit code that was found so far."""
        codes = [CODES.get(standing, ExitCode.OK) for standing in self.counts]
        return gravest([*codes, ExitCode.OK if self.is_whole else ExitCode.LATER])

    async def compared(self) -> AsyncGenerator[Compared, None]:
        """Yield every video that either has, Polyv's first, the oldest first.

        Raises:
            UsageError: Polyv does not know one of the categories.
            PolyvError: The list could not be read to its end.
            CredentialsRefusedError: No call can succeed.
            LedgerError: The ledger cannot be read.
        """
        with Met() as met:
            for category_id in self._chosen:
                await self._categories.require(category_id)
            for chosen in self._chosen or (None,):
                listing = Listing(self._polyv, self._categories, category_id=chosen)
                async for page in listing.pages():
                    for one in await self._held_against(met, page):
                        yield one
                self.is_whole = self.is_whole and listing.is_whole
            if not self._chosen:
                async for one in self._left(met):
                    yield one

    async def _held_against(self, met: Met, page: Sequence[ListedVideo]) -> list[Compared]:
        """Compare a page of Polyv's list."""
        new = set(met.add([video.vid for video in page]))
        told = [video for video in page if video.vid in new]
        self.listed += len(told)
        known = await self._ledger.read(functools.partial(kept, vids=[video.vid for video in told]))
        return self._counted([(video, known.get(video.vid)) for video in told])

    async def _left(self, met: Met) -> AsyncGenerator[Compared, None]:
        """Compare what the list did not have. Each is asked about by its id: a list may have left it out."""
        last_id = 0
        while page := await self._ledger.read(functools.partial(kept_after, last_id=last_id)):
            last_id = page[-1].id
            left = set(met.without([row.vid for row in page]))
            rows = [row for row in page if row.vid in left]
            for start in range(0, len(rows), MOST_VIDS):
                batch = rows[start : start + MOST_VIDS]
                told = await tell_of(self._polyv, self._categories, [row.vid for row in batch])
                found = {video.vid: video for video in told.videos}
                for one in self._counted([(found.get(row.vid), row) for row in batch]):
                    yield one

    def _counted(self, pairs: Sequence[tuple[ListedVideo | None, Kept | None]]) -> list[Compared]:
        found = []
        for listed, row in pairs:
            standing = _standing(listed, row)
            if standing is not None:
                self.counts[standing] += 1
                found.append(Compared(standing=standing, listed=listed, kept=row))
        return found


def _standing(listed: ListedVideo | None, row: Kept | None) -> Standing | None:
    if row is None:
        return standing_of(listed, status=None, size=None)
    return standing_of(listed, status=Status(row.status), size=row.size, size_listed_then=row.size_listed_then)
