"""Read Polyv's library: page by page, whatever moves meanwhile, and single videos by their ids."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Final

from fetcher.domain.errors import PolyvRefusedError, VideoRefusedError
from fetcher.domain.library import ListedVideo
from fetcher.polyv.categories import Asker, Categories
from fetcher.polyv.listing import Page, Row, parse_page
from fetcher.polyv.video_info import GET_VIDEO_INFO, about, parse_videos

_LIST: Final = "/v3/video/list-video"
PAGE_SIZE: Final = 500
"""Polyv's SDK takes up to 1000; half of that stays far below the largest body with every description in it."""
_MOST_PAGES: Final = 100_000
_MOST_BARREN: Final = 3
"""Pages in a row that bring nothing new, after which a list is at its end, whatever its totals say."""

_NO_PAGE: Final = Page(rows=(), length=0, total_pages=None, total_items=None, page_size=None)

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Polyv tells of single videos."""

    videos: tuple[ListedVideo, ...]
    unknown: tuple[str, ...]
    """Vids that it does not know, or that are another account's."""


class Listing:
    """One reading of the library, oldest videos first.

    New videos come last and are met on the way. Where one is deleted or moved, all that follow it move up, perhaps
    over the border between the page just read and the next. So beside each page the one before the last is read
    once more: what has moved is found there, unless more than a page of videos went between the two.

    Args:
        polyv: Who is asked.
        categories: Whose names the videos' categories get.
        category_id: Only what lies in it or below it; None for all.
        since: Only what was created at or after this, ms UTC; None for all.
        page_size: Videos a page.

    Source: dev.polyv.net, v-api-subaccount/list-video.
    """

    def __init__(
        self,
        polyv: Asker,
        categories: Categories,
        *,
        category_id: str | None = None,
        since: int | None = None,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self._polyv = polyv
        self._categories = categories
        self._page_size = page_size
        self._since = since
        self._filters = {
            **({} if category_id is None else {"cateId": category_id, "containSubCate": "Y"}),
            **({} if since is None else {"startTime": str(since)}),
        }
        self._recent: deque[set[str]] = deque(maxlen=3)
        """Vids of the latest pages, by which what is read once more is known."""
        self._pages_told = 0
        self._items_told: int | None = None
        self.read = 0
        """Videos so far."""
        self.odd = 0
        """Rows that could not be read."""
        self.is_whole = False
        """Whether the list came to its end, and was as long as Polyv says."""

    async def pages(self) -> AsyncGenerator[list[ListedVideo], None]:
        """Yield what is new, a page at a time; after the last page ``is_whole`` says whether that was all.

        Raises:
            PolyvError: No usable answer; what was yielded stays true.
            CredentialsRefusedError: No call can succeed.
        """
        barren, number, is_last = 0, 0, False
        while not is_last and number < _MOST_PAGES:
            number += 1
            page, again = await self._read(number)
            new = self._taken(page, again)
            self.odd += page.odd
            _log.debug("library: page %d of %s, %d videos, %d new", number, page.total_pages, page.length, len(new))
            barren = 0 if new else barren + 1
            is_last = self._is_last(number, page, barren)
            if is_last and number > 1:
                new += self._taken(await self._page(number - 1), None)
            if videos := [await self._named(row) for row in new if self._is_asked_for(row)]:
                yield videos
        self.is_whole = number >= self._pages_told and self._is_counted_out

    @property
    def told(self) -> int | None:
        """How many videos there are, by Polyv's own count."""
        return self._items_told

    @property
    def _is_counted_out(self) -> bool:
        return self.read + self.odd >= (self._items_told or 0)

    def _is_last(self, number: int, page: Page, barren: int) -> bool:
        """Tell whether the list has come to its end. Its totals alone do not say so: they may be older."""
        if barren >= _MOST_BARREN:
            return True
        is_short = page.length < min(page.page_size or self._page_size, self._page_size)
        return number >= self._pages_told and (barren > 0 or (is_short and self._is_counted_out))

    async def _read(self, number: int) -> tuple[Page, Page | None]:
        """Read a page, and beside it the one before the last once more: its border to the last has been passed."""
        if number <= 2:  # noqa: PLR2004 - there is none before the last
            return await self._page(number), None
        both = await asyncio.gather(self._page(number), self._page(number - 2), return_exceptions=True)
        for one in both:
            if isinstance(one, BaseException):
                raise one
        page, again = both
        return page, again  # type: ignore[return-value] # gather does not know that errors are sorted out

    async def _page(self, number: int) -> Page:
        asked = {"page": str(number), "pageSize": str(self._page_size), "sort": "creationTimeAsc"}
        try:
            return parse_page(await self._polyv.get(_LIST, {**self._filters, **asked}))
        except PolyvRefusedError:
            if not 0 < self._pages_told < number:
                raise
            return _NO_PAGE  # Behind the last one; whether that is refused or empty nobody says.

    def _taken(self, page: Page, again: Page | None) -> list[Row]:
        """Return the rows that are new, and remember those of the latest pages."""
        met = set().union(*self._recent)
        rows = {row.vid: row for one in (again, page) if one is not None for row in one.rows}
        new = [row for vid, row in rows.items() if vid not in met]
        self._recent.append(set(rows))
        self._pages_told = self._pages_told if page.total_pages is None else page.total_pages
        self._items_told = self._items_told if page.total_items is None else page.total_items
        self.read += len(new)
        return new

    def _is_asked_for(self, row: Row) -> bool:
        return self._since is None or row.created_at is None or row.created_at >= self._since

    async def _named(self, row: Row) -> ListedVideo:
        return await named(row, self._categories)


async def named(row: Row, categories: Categories) -> ListedVideo:
    """Return a row with its category's path. No bytes count as not told: the source is asked about later."""
    path = None
    if row.category_id is not None:
        path = await categories.path_of(row.category_id, name=row.category_name)
    elif row.category_name is not None:
        path = row.category_name.replace("/", "_")
    return ListedVideo(
        vid=row.vid,
        title=row.title,
        category=path,
        size=row.size or None,
        created_at=row.created_at,
        status=row.status,
    )


async def tell_of(polyv: Asker, categories: Categories, vids: Sequence[str]) -> Told:
    """Ask about single videos. A batch that Polyv refuses is halved until the vids to blame stand alone.

    Args:
        polyv: Who is asked.
        categories: Whose names the videos' categories get.
        vids: 1 to 100 of them.

    Raises:
        PolyvError: No usable answer.
        CredentialsRefusedError: No call can succeed.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_video_info
    """
    try:
        told = parse_videos(await polyv.get(GET_VIDEO_INFO, about(vids)))
    except VideoRefusedError:
        if len(vids) == 1:
            return Told(videos=(), unknown=tuple(vids))
        half = len(vids) // 2
        parts = [await tell_of(polyv, categories, piece) for piece in (vids[:half], vids[half:])]
        return Told(
            videos=tuple(video for part in parts for video in part.videos),
            unknown=tuple(vid for part in parts for vid in part.unknown),
        )
    rows = {row.vid: row for row in told if row.vid in set(vids)}
    return Told(
        videos=tuple([await named(row, categories) for row in rows.values()]),
        unknown=tuple(vid for vid in vids if vid not in rows),
    )
