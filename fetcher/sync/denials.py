"""When the origin refuses one fresh link after the other: asking for more is of no use."""

from typing import Final

from fetcher.domain.errors import OriginDeniesError
from fetcher.domain.events import Event
from fetcher.downloader.orders import TryAgain

_MOST: Final = 8


class Denials:
    """Counts links that were refused although they were fresh, in a row."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def look(self, verdict: Event | TryAgain) -> None:
        """Take in how a download ended.

        Raises:
            OriginDeniesError: The origin lets nothing through, most likely.
        """
        is_denied = isinstance(verdict, TryAgain) and verdict.is_denied
        self._in_a_row = self._in_a_row + 1 if is_denied else 0
        if isinstance(verdict, TryAgain) and self._in_a_row >= _MOST:
            raise OriginDeniesError(
                f"the origin refuses fresh links, {self._in_a_row} in a row ({verdict.detail}). "
                "Ask Polyv whether its lists let this address in."
            )
