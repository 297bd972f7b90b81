"""A run's knowledge of links: from the ledger, from what its downloads and Polyv's answers show, and back."""

import functools
from collections.abc import Callable, Mapping
from typing import Final

from fetcher.domain.lifetime import Lifetime, Lifetimes
from fetcher.domain.link import Link, start_by
from fetcher.ledger.link_clocks import keep_lifetimes, known_lifetimes, redate, some_deadlines, was_cut_off
from fetcher.ledger.thread import LedgerThread

_BELIEVED_MS: Final = 7 * 86_400_000
_CLEARLY: Final = 0.1
"""Of a lifetime; what is learned within a run is written down where it differs by half of that."""
_AHEAD_MS: Final = 86_400_000
"""What was learned by a clock further ahead is not believed."""


class LinkClocks:
    """Learns, and dates links by what was learned.

    Args:
        configured_s: Seconds that links are taken to live where nothing was seen.
        now: ms UTC, by the clock that was corrected after Polyv's.
    """

    def __init__(self, configured_s: int, *, now: Callable[[], int]) -> None:
        self._lifetimes = Lifetimes(configured_s)
        self._now = now
        self._is_dated = True
        """Whether all ready videos are dated by what was written down last."""

    def seconds(self, host: str) -> int:
        """Return how long the links of *host* are taken to live."""
        return self._lifetimes.seconds(host)

    def shortest_s(self) -> int | None:
        """Return how long those links live that may not be signed anew, in seconds; None where all are."""
        return self._lifetimes.shortest()

    def dates(self, link: Link, window_ends_at: int | None) -> tuple[int | None, int | None]:
        """Return by when to use a link, and by when to begin so that its video is not lost, ms UTC."""
        lifetime_s, signs_anew = self._lifetimes.rule(link.host)
        deadline = link.deadline(lifetime_s=lifetime_s)
        return deadline, start_by(deadline=deadline, window_ends_at=window_ends_at, signs_anew=signs_anew)

    def signing_anew(self) -> frozenset[str]:
        """Return the hosts whose links are known to be signed anew."""
        return self._lifetimes.signing_anew()

    def signed(self, shown: Mapping[str, bool]) -> None:
        """Note whether links are signed anew, by host, as one of Polyv's answers has shown it."""
        for host, is_anew in shown.items():
            self._lifetimes.signed(host, is_anew=is_anew)

    def worked(self, link: Link) -> None:
        """Note that the origin takes this link now."""
        if (age_ms := self._age_ms(link)) is not None:
            self._lifetimes.worked(link.host, age_ms)

    def refused(self, link: Link) -> None:
        """Note that the origin calls this link expired now."""
        if (age_ms := self._age_ms(link)) is not None:
            self._lifetimes.refused(link.host, age_ms)

    def _age_ms(self, link: Link) -> int | None:
        """Return how long ago it was signed; None where it does not tell: time since an expiry is no age."""
        signed_at = link.signed_at
        return None if signed_at is None else self._now() - signed_at

    async def load(self, ledger: LedgerThread) -> None:
        """Begin with what earlier runs have learned.

        What is old is learned anew. One odd link would be believed for ever otherwise: where links are renewed
        before they are as old as one that was refused, none of them can speak against it.
        """
        now = self._now()
        lately = functools.partial(known_lifetimes, since=now - _BELIEVED_MS, until=now + _AHEAD_MS)
        self._lifetimes.know(await ledger.read(lately))
        dated = await ledger.read(some_deadlines)
        is_otherwise = any(self._is_otherwise(link, deadline) for link, deadline in dated)
        self._is_dated = not is_otherwise and not await ledger.read(was_cut_off)

    def _is_otherwise(self, link: Link, deadline: int | None) -> bool:
        """Tell whether a deadline follows from something else than what is known now, such as another setting."""
        lifetime_s = self.seconds(link.host)
        due = link.deadline(lifetime_s=lifetime_s)
        if deadline is None or due is None:
            return deadline is not due
        return abs(deadline - due) > _CLEARLY * lifetime_s * 1000

    async def keep(self, ledger: LedgerThread, *, now: int) -> bool:
        """Write down what is new; date the ready videos anew where it says something else of them.

        Returns:
            Whether the order of work may have changed.
        """
        before = self._lifetimes.written()
        if news := self._lifetimes.take_news():
            await ledger.write(functools.partial(keep_lifetimes, news=news, now=now))
            self._is_dated &= not any(self._is_other(lifetime, before.get(host)) for host, lifetime in news.items())
        if self._is_dated:
            return False
        after: int | None = 0
        while after is not None:  # Page by page: claims and records come in between.
            after = await ledger.write(functools.partial(redate, after=after, dates=self.dates))
        self._is_dated = True
        return True

    def _is_other(self, lifetime: Lifetime, before: Lifetime | None) -> bool:
        """Tell whether links are dated otherwise than *before*."""
        configured_s = self._lifetimes.configured_s
        return lifetime.rule(configured_s) != (before or Lifetime()).rule(configured_s)
