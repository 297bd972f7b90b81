"""How long links live and whether they are signed anew, learned from what was seen of them.

A link that is stamped with the moment of its signing does not say until when it serves: that is a setting of the
CDN's domain, hidden from us. What can be seen is how old links were that worked, and how old those that were
refused as expired. The lifetime lies between. It orders work and makes forecasts; it is never a reason not to try
a link.

Source: Alibaba Cloud CDN, "URL signing, type A": the lifetime is set on the domain, 1800 seconds in old pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

_LEAST_MS: Final = 60_000
"""A link that was refused younger than this had not expired: nobody signs links for less. Its node's clock is
wrong, or it was dead at birth."""
_MOST_MS: Final = 30 * 86_400_000
"""Nor does one live several times as long as the longest thaw window; such an age comes from a wrong clock."""
_MANY: Final = 3
"""Odd refusals, with no link so old that worked between them: what has worked does no more, or never did, and
the clock was wrong."""
_WORTH_NOTING: Final = 1.05
"""Of what was known before, a twentieth more or less is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """What was seen of one host's links. Ages count from the link's own timestamp, in ms."""

    worked_ms: int | None = None
    """Age of the oldest that worked."""
    refused_ms: int | None = None
    """Age of the youngest that was refused as expired."""
    signs_anew: bool | None = None
    """Whether Polyv signs them anew when it is asked again; None where nothing has shown it: taken for no."""

    def rule(self, configured_s: int) -> tuple[int, bool]:
        """Return all that deadlines follow from: the seconds that a link lives, and whether it is signed anew."""
        return self.seconds(configured_s), bool(self.signs_anew)

    def seconds(self, configured_s: int) -> int:
        """Return how long a link is taken to live: as configured, where what was seen does not speak against it."""
        least = 0 if self.worked_ms is None else self.worked_ms // 1000
        most = configured_s if self.refused_ms is None else self.refused_ms // 1000
        return max(least, min(configured_s, most))

    def after_working(self, age_ms: int) -> "Lifetime":
        """Return what is known once a link of *age_ms* worked. An older one was not refused for its age, then."""
        if not 0 <= age_ms <= _MOST_MS or (self.worked_ms or 0) >= age_ms:
            return self
        is_refuted = self.refused_ms is not None and self.refused_ms <= age_ms
        return replace(self, worked_ms=age_ms, refused_ms=None if is_refuted else self.refused_ms)

    def after_refusal(self, age_ms: int) -> "Lifetime":
        """Return what is known once a link of *age_ms* was refused as expired.

        Where an older one has worked, it is taken that the domain's setting was made shorter: the later word
        counts, down to half of what was known to work; one below that was refused for something else.
        """
        known = self.refused_ms
        if not _LEAST_MS <= age_ms <= _MOST_MS or (known is not None and known <= age_ms):
            return self
        if self.is_odd(age_ms):
            return self
        return replace(self, worked_ms=min(self.worked_ms or 0, age_ms - 1) or None, refused_ms=age_ms)

    def is_odd(self, age_ms: int) -> bool:
        """Tell whether a refusal at *age_ms* is far below what has worked."""
        return self.worked_ms is not None and _LEAST_MS <= age_ms < self.worked_ms // 2

    def is_news(self, before: "Lifetime") -> bool:
        """Tell whether it is worth writing down in place of *before*."""
        is_other = self.signs_anew is not before.signs_anew
        return is_other or _differ(self.worked_ms, before.worked_ms) or _differ(self.refused_ms, before.refused_ms)


def _differ(now: int | None, before: int | None) -> bool:
    if now is None or before is None:
        return now is not before
    return max(now, before) > _WORTH_NOTING * min(now, before)


class Lifetimes:
    """Those of all hosts. Used from several threads: each change replaces one value.

    Args:
        configured_s: Seconds that a link is taken to live where nothing was seen (``link_lifetime``).
        known: As learned before, by host.
    """

    def __init__(self, configured_s: int, known: Mapping[str, Lifetime] | None = None) -> None:
        self.configured_s = configured_s
        self._by_host = dict(known or {})
        self._written = dict(self._by_host)
        self._odd: dict[str, tuple[int, ...]] = {}
        """By host the ages of links that were refused oddly, since one so old has worked."""

    def know(self, known: Mapping[str, Lifetime]) -> None:
        """Take in what was learned before, where this run has seen nothing of its own."""
        self._by_host = {**known, **self._by_host}
        self._written = {**known, **self._written}

    def seconds(self, host: str) -> int:
        """Return how long a link of *host* is taken to live."""
        return self._by_host.get(host, _NOTHING).seconds(self.configured_s)

    def shortest(self) -> int | None:
        """Return how long links live that nobody is known to sign anew, those of the hosts seen so far.

        None where those of all hosts are. It is for links that have no host yet.
        """
        if not self._by_host:
            return self.configured_s
        mortal = [known for known in list(self._by_host.values()) if not known.signs_anew]
        return min((known.seconds(self.configured_s) for known in mortal), default=None)

    def worked(self, host: str, age_ms: int) -> None:
        """Note that a link of *age_ms* worked."""
        if odd := self._odd.get(host):
            self._odd[host] = tuple(age for age in odd if age > age_ms)
        self._by_host[host] = self._by_host.get(host, _NOTHING).after_working(age_ms)

    def refused(self, host: str, age_ms: int) -> None:
        """Note that one of *age_ms* was refused as expired."""
        known = self._by_host.get(host, _NOTHING)
        if known.is_odd(age_ms):
            odd = self._odd[host] = (*self._odd.get(host, ()), age_ms)
            if len(odd) < _MANY:
                return
            known, age_ms = replace(known, worked_ms=None, refused_ms=None), sorted(odd)[len(odd) // 2]
            del self._odd[host]
        self._by_host[host] = known.after_refusal(age_ms)

    def signed(self, host: str, *, is_anew: bool) -> None:
        """Note that Polyv has signed a link anew, or that it has not: the latest word counts."""
        self._by_host[host] = replace(self._by_host.get(host, _NOTHING), signs_anew=is_anew)

    def rule(self, host: str) -> tuple[int, bool]:
        """Return all that the deadlines of *host* follow from."""
        return self._by_host.get(host, _NOTHING).rule(self.configured_s)

    def signing_anew(self) -> frozenset[str]:
        """Return the hosts whose links are known to be signed anew."""
        return frozenset(host for host, lifetime in list(self._by_host.items()) if lifetime.signs_anew)

    def written(self) -> dict[str, Lifetime]:
        """Return what ``take_news`` has given out so far, by host."""
        return dict(self._written)

    def take_news(self) -> dict[str, Lifetime]:
        """Return what is worth writing down since this was last called, by host."""
        news = {
            host: lifetime
            for host, lifetime in list(self._by_host.items())
            if lifetime.is_news(self._written.get(host, _NOTHING))
        }
        self._written |= news
        return news


_NOTHING: Final = Lifetime()
