"""Dates and pauses as HTTP writes them. Polyv's answers and the origins' are read by the same rules."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)


def http_date_s(header: str | None) -> float | None:
    """Return the moment that a header names in seconds since the epoch, None where it names none.

    Source: RFC 9110 section 5.6.7
    """
    if header is None:
        return None
    try:
        moment = parsedate_to_datetime(header)
        # "-0000" gives a moment without a zone, which timestamp() would read as local time.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def retry_after_s(header: str | None, *, now_s: float | None) -> float | None:
    """Return the pause that a ``Retry-After`` asks for, in seconds, None where it asks for none that can be read.

    Args:
        header: Seconds or a date.
        now_s: Seconds since the epoch by the answerer's clock, or as close to it as can be had; None where nobody
            knows: a date tells no pause then.

    Source: RFC 9110 section 10.2.3
    """
    if header is not None and _SECONDS.fullmatch(header.strip()):
        return float(header)
    until_s = http_date_s(header)
    if until_s is None or now_s is None:
        return None
    return max(0.0, until_s - now_s)
