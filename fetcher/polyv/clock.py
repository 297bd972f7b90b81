"""Polyv's clock: what a ``Date`` header says about ours, and the wall clock put right by it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from fetcher.domain.http_time import http_date_s

_EARLIEST_S: Final = datetime(2015, 1, 1, tzinfo=UTC).timestamp()
_LATEST_S: Final = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_LONGEST_TRIP_S: Final = 120.0
_DATE_STEP_S: Final = 1.0
_ACCEPTED_S: Final = 185.0
"""By how much a time may be off that Polyv accepts: three minutes, and what the request took."""


def offset_from_date(
    date_header: str | None, age_header: str | None, *, sent_at: float, received_at: float
) -> float | None:
    """Return how far Polyv's clock is ahead of ours, in seconds.

    Args:
        date_header: The answer's ``Date``.
        age_header: The answer's ``Age``. With one the answer comes from a cache, and ``Date`` tells its past.
        sent_at: Our clock when the request went out, seconds since the epoch.
        received_at: Our clock when the answer was there; Polyv wrote ``Date`` about halfway.

    Returns:
        Seconds to add to our clock, None where the answer does not tell: no date, one that no clock shows in
        earnest (1970 is what an unset one shows), or a trip so long that the middle of it means nothing.

    Source: RFC 9110 section 6.6.1 (Date), RFC 9111 section 5.1 (Age)
    """
    date_s = http_date_s(date_header)
    if date_s is None or age_header is not None:
        return None
    if not _EARLIEST_S <= date_s <= _LATEST_S or not 0 <= received_at - sent_at <= _LONGEST_TRIP_S:
        return None
    return date_s - (sent_at + received_at) / 2


class PolyvClock:
    """The wall clock, corrected by what Polyv's answers say."""

    def __init__(self, wall: Callable[[], float]) -> None:
        """Start uncorrected.

        Args:
            wall: This machine's clock, seconds since the epoch.
        """
        self._wall = wall
        self._offset_s = 0.0

    @property
    def offset_s(self) -> float:
        """How far Polyv is taken to be ahead of this machine, in seconds."""
        return self._offset_s

    def uncorrected_s(self) -> float:
        """Return this machine's own clock, which offsets are measured against, in seconds since the epoch."""
        return self._wall()

    def now_ms(self) -> int:
        """Return Polyv's time, ms UTC."""
        return round((self._wall() + self._offset_s) * 1000)

    def correct(self, offset: float) -> None:
        """Take Polyv to be *offset* seconds ahead from now on."""
        self._offset_s = offset

    def settle(self, offset: float, *, trip_s: float) -> None:
        """Take in the offset that shows in an answer to a time that Polyv has accepted.

        Half a minute behind Polyv's clock, a link that was signed this moment would seem to be stamped with an
        expiry in half a minute. What Polyv accepts is less than three minutes off; a ``Date`` further off is wrong.

        Args:
            offset: Seconds that Polyv is ahead.
            trip_s: How long the answer took, in seconds: the offset may be wrong by half of that, and by a second.
        """
        if trip_s / 2 + _DATE_STEP_S < abs(offset - self._offset_s) <= _ACCEPTED_S:
            self._offset_s = offset
