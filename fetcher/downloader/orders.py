"""What a download is asked with, and what it may answer beside an event."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fetcher.domain.link import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One video to fetch."""

    video_id: int
    vid: str
    link: Link
    path: str
    """Below the archive."""
    created_at: int | None = None
    """When it was made, ms UTC: the finished file's own time; None leaves it that of the download."""


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


Renew = Callable[[Order], Awaitable[Link | None]]
"""Asks Polyv for another link of the same video; None where it has no other now."""
