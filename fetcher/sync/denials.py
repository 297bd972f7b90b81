"""When an origin refuses every fresh link: it does not want us, or not from here, and each try costs a question."""

from collections import Counter
from typing import Final

from fetcher.domain.errors import OriginDeniesError
from fetcher.domain.events import Event
from fetcher.downloader.orders import TryAgain

_MOST: Final = 8
"""Fresh links in a row, after which the host is taken to refuse all of them."""


class Denials:
    """Counts links that were refused although they were fresh, in a row, by the host that they lead to.

    Args:
        rest_s: Seconds for which a host is left alone that refuses so many.
    """

    def __init__(self, *, rest_s: float) -> None:
        self._rest_s = rest_s
        self._in_a_row: Counter[str] = Counter()
        self._alone_until: dict[str, float] = {}

    @property
    def hosts(self) -> list[str]:
        """Those that were found to refuse fresh links."""
        return list(self._alone_until)

    def look(self, host: str, verdict: Event | TryAgain, *, now: float) -> OriginDeniesError | None:
        """Take in how a download ended; return what to tell where *host* lets nothing through, most likely.

        Args:
            host: Where the link led to.
            verdict: How it ended.
            now: Monotonic seconds.
        """
        is_denied = isinstance(verdict, TryAgain) and verdict.is_denied
        self._in_a_row[host] = self._in_a_row[host] + 1 if is_denied else 0
        if not isinstance(verdict, TryAgain) or self._in_a_row[host] < _MOST:
            return None
        self._in_a_row[host] = 0
        self._alone_until[host] = now + self._rest_s
        return OriginDeniesError(
            f"{host} refuses fresh links, {_MOST} in a row ({verdict.detail}). "
            "Ask Polyv whether its lists let this address in."
        )

    def is_any_left_alone(self, *, now: float) -> bool:
        """Tell whether a host had better wait; *now* in monotonic seconds."""
        return any(now < until for until in self._alone_until.values())

    def is_left_alone(self, host: str, *, now: float) -> bool:
        """Tell whether what leads to *host* had better wait; *now* in monotonic seconds."""
        return now < self._alone_until.get(host, now)
