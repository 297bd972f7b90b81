"""Moments as Polyv shows them: China's time, UTC+8 the whole year, since it names no other."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_CHINA: Final = timezone(timedelta(hours=8), "UTC+8")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,6})?)?", re.ASCII)
_EARLIEST_MS: Final = 1_104_537_600_000
"""2005-01-01: Polyv is younger."""
_LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01."""


def china_ms(text: str) -> int | None:
    """Return ms UTC of ``yyyy-MM-dd``, with or without ``HH:mm`` or ``HH:mm:ss`` behind it, in China.

    None where it is no such moment, or none between 2005 and 2100.
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    try:
        at = datetime.fromisoformat(f"{found[1]} {found[2] or '00:00'}").replace(tzinfo=_CHINA)
    except ValueError:
        return None
    ms = int(at.timestamp()) * 1000
    return ms if _EARLIEST_MS <= ms <= _LATEST_MS else None


def in_china(ms: int) -> datetime:
    """Return the moment of ms UTC as China's calendar and clocks show it.

    Raises:
        ValueError: No calendar has it.
    """
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(_CHINA)
    except OverflowError as exc:
        raise ValueError(f"{ms} ms is beyond every calendar") from exc
