"""What a download is asked with, and what it may answer beside an event."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fetcher.domain.link import Link
from fetcher.domain.vendor import NOTHING_SAID, Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One video to fetch."""

    video_id: int
    vid: str
    link: Link
    path: str
    """Below the archive."""
    expected: Expected = NOTHING_SAID
    """What Polyv says of it."""
    differed: str | None = None
    """sha256 of a whole copy that was not what Polyv says, None where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryAgain:
    """A try failed in a way that another one, later, may heal."""

    detail: str
    retry_after: float | None = None
    """The pause that the origin asked for, in seconds."""
    is_denied: bool = False
    """Whether the origin refuses fresh links too: it does so to all of them, most likely."""
    is_suspicious: bool = False
    """Whether something other than the origin seems to answer."""
    differed: str | None = None
    """sha256 of the whole copy that came and is not what Polyv says."""


Renew = Callable[[Order], Awaitable[Link | None]]
"""Asks Polyv for another link of the same video; None where it has no other now."""
