"""Look at a file's first bytes: a video never opens like a web page or an error document.

A known container is not asked for here: see container.py.
"""

import re
from typing import Final

from fetcher.domain.errors import EmptyFileError, NotAVideoError

_PAGE: Final = re.compile(
    rb"\s*(?:<!doctype\b|<html\b|<head\b|<\?xml\b|<error>|<!--|\{\s*\"[^\"\x00-\x1f]{1,64}\"\s*:)",
    re.IGNORECASE,
)
_MARK: Final = b"\xef\xbb\xbf"
OPENING: Final = 512
"""Bytes that are enough to tell."""
PAGE_CAME: Final = "a page or an error document came instead of a video: is a proxy or login in between?"


def is_page(opening: bytes) -> bool:
    """Tell whether *opening*, the first few hundred bytes of something, begins HTML, XML or JSON."""
    return _PAGE.match(opening.removeprefix(_MARK)) is not None


def require_video(opening: bytes) -> None:
    """Raise unless *opening*, a file's first few hundred bytes, may begin a video.

    Raises:
        NotAVideoError: It is empty, or the beginning of HTML, XML or JSON.
    """
    if not opening:
        raise EmptyFileError("the file is empty")
    if is_page(opening):
        raise NotAVideoError(PAGE_CAME)
