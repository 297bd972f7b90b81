"""A run's knowledge of how long links live: from the ledger, from what its downloads see, and back."""

import functools
from collections.abc import Callable
from typing import Final

from fetcher.domain.lifetime import Lifetimes
from fetcher.domain.link import Link, auth_timestamp, host_of
from fetcher.ledger.link_clocks import keep_lifetimes, known_lifetimes, redate
from fetcher.ledger.thread import LedgerThread

_BELIEVED_MS: Final = 7 * 86_400_000


class LinkClocks:
    """Learns, and dates links by what was learned.

    Args:
        configured_s: Seconds that links are taken to live where nothing was seen.
        now: ms UTC, by the clock that was corrected after Polyv's.
    """

    def __init__(self, configured_s: int, *, now: Callable[[], int]) -> None:
        self._lifetimes = Lifetimes(configured_s)
        self._now = now

    def seconds(self, host: str) -> int:
        """Return how long the links of *host* are taken to live."""
        return self._lifetimes.seconds(host)

    def deadline(self, link: Link) -> int | None:
        """Return by when to start, ms UTC; None where the link does not tell."""
        return link.deadline(lifetime_s=self.seconds(link.host))

    def worked(self, url: str) -> None:
        """Note that the origin takes this link now."""
        if (age_ms := self._age_ms(url)) is not None:
            self._lifetimes.worked(host_of(url), age_ms)

    def refused(self, url: str) -> None:
        """Note that the origin calls this link expired now."""
        if (age_ms := self._age_ms(url)) is not None:
            self._lifetimes.refused(host_of(url), age_ms)

    def _age_ms(self, url: str) -> int | None:
        """Return how long ago it was stamped; below 0 where the stamp is a moment of expiry still to come."""
        stamped_at = auth_timestamp(url)
        return None if stamped_at is None else self._now() - stamped_at

    async def load(self, ledger: LedgerThread) -> None:
        """Begin with what earlier runs have learned.

        What is old is learned anew. One odd link would be believed for ever otherwise: where links are renewed
        before they are as old as one that was refused, none of them can speak against it.
        """
        lately = functools.partial(known_lifetimes, since=self._now() - _BELIEVED_MS)
        self._lifetimes.know(await ledger.read(lately))

    async def keep(self, ledger: LedgerThread, *, now: int) -> bool:
        """Write down what is new; date the ready videos anew where it says something else of them.

        Returns:
            Whether deadlines may have changed.
        """
        before = self._lifetimes.written_seconds()
        news = self._lifetimes.take_news()
        if not news:
            return False
        await ledger.write(functools.partial(keep_lifetimes, news=news, now=now))
        if all(before.get(host, self._lifetimes.configured_s) == self.seconds(host) for host in news):
            return False
        after: int | None = 0
        while after is not None:  # Page by page: claims and records come in between.
            after = await ledger.write(functools.partial(redate, after=after, deadline=self.deadline))
        return True
