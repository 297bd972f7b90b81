"""Ids on stdin: one a line, ``#`` begins a comment."""

import sys

from fetcher.domain.errors import UsageError


def read_ids(what: str) -> list[str]:
    """Return what stands on stdin.

    Args:
        what: Of what the ids are, in words.

    Raises:
        UsageError: It is closed, or no text.
    """
    if sys.stdin is None:
        raise UsageError(f"stdin is closed; give the {what} as arguments")
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"stdin is not UTF-8; {what} are expected, one a line") from None
    return [line for line in (line.partition("#")[0].strip() for line in text.splitlines()) if line]
