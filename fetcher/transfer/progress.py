"""How little an answer may bring: an origin that ends each after a few bytes is not asked thousands of times."""

from typing import Final

from fetcher.domain.errors import TransferInterruptedError

SLIGHT: Final = 64 << 10
"""Bytes; an answer that brings fewer and leaves some to ask for is slight."""
_MOST_IN_A_ROW: Final = 8


class Progress:
    """Counts slight answers within one try.

    A 206 may be shorter than what was asked for, and an origin that serves a file in slices is asked for the next
    at once: those that are known to do so make slices of a megabyte or more, and SLIGHT leaves them room. Whoever
    gives less several times in a row is broken. The try ends then as one whose line broke: there is a pause, the
    tries of a run are limited, and what has come is kept: even such an origin gives the whole file one day.

    Source: RFC 9110 section 15.3.7: a server may send fewer ranges than were asked for, for its own reasons.
    """

    def __init__(self) -> None:
        self._in_a_row = 0

    def count(self, came: int) -> None:
        """Count an answer that left some of the file to ask for.

        Args:
            came: Its bytes.

        Raises:
            TransferInterruptedError: One slight answer too many.
        """
        self._in_a_row = self._in_a_row + 1 if came < SLIGHT else 0
        if self._in_a_row >= _MOST_IN_A_ROW:
            raise TransferInterruptedError(
                f"{self._in_a_row} answers in a row ended after a few bytes, the last one after {came}"
            )
