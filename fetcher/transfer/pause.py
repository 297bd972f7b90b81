"""Read ``Retry-After``.

Source: RFC 9110 section 10.2.3: a number of seconds, or a date.
"""

import email.utils
import re
from datetime import UTC, datetime
from typing import Final

_SECONDS: Final = re.compile(r"\d{1,12}", re.ASCII)


def retry_after(value: str | None, *, date: str | None) -> float | None:
    """Return the pause asked for in seconds, None where there is none that can be read.

    A date is taken against the answer's own ``Date``, so that neither clock has to be right.
    """
    if value is None:
        return None
    if _SECONDS.fullmatch(value.strip()):
        return float(value)
    until, now = _instant(value), _instant(date)
    if until is None or now is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _instant(text: str | None) -> datetime | None:
    try:
        instant = email.utils.parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
