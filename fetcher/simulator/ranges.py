"""Range and If-Range, as RFC 9110 has them, for a single range."""

import re
from typing import Final

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)")


class UnsatisfiableRangeError(ValueError):
    """The range lies outside the object."""


def parse_range(text: str | None, size: int) -> tuple[int, int] | None:
    """Return start and stop (exclusive) of a Range header.

    Args:
        text: ``bytes=a-``, ``bytes=a-b`` or ``bytes=-n``; None where there is none.
        size: Of the object, in bytes.

    Returns:
        None where the header is missing or to be ignored: another unit, several ranges, bad syntax.

    Raises:
        UnsatisfiableRangeError: It begins at or behind the end, or asks for the last 0 bytes.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-14.1.2
    """
    match = _RANGE.fullmatch(text.replace(" ", "")) if text else None
    if match is None or not (match[1] or match[2]):
        return None
    if match[1] and match[2] and int(match[2]) < int(match[1]):
        return None
    return _span(match[1], match[2], size)


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise UnsatisfiableRangeError(f"{first}-{last} of {size}")
    return start, stop


def if_range_holds(text: str | None, *, etag: str | None, last_modified: str) -> bool:
    """Tell whether a Range may be honoured: no condition, the same strong ETag or the same date.

    Source: https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
    """
    if text is None:
        return True
    if text.startswith(('"', "W/")):
        return text == etag and not text.startswith("W/")
    return text == last_modified
