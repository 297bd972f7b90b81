"""What a download is asked with, and what it may answer beside an event."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

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
    is_dying: bool = False
    """Whether the link may be dead before its turn comes: another one is asked for first."""
    is_node_down: bool = False
    """Whether whoever the link leads to has given nothing, try after try: another link is asked for first."""
    is_expired: bool = False
    """Whether the origin has just called the link expired, so that another one is asked for."""
    created_at: int | None = None
    """When it was made, ms UTC: the finished file's own time; None leaves it that of the download."""
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
    is_node_down: bool = False
    """Whether whoever the link leads to gave nothing: it is broken, or out of reach."""
    is_suspicious: bool = False
    """Whether something other than the origin seems to answer."""
    is_crowded: bool = False
    """Whether fewer at a time may help: the origin asks for patience, a line broke, or there was no memory left."""
    is_intercepted: bool = False
    """Whether that came in place of what a sound part lacks. If it is so every time, the part is of no use."""
    differed: str | None = None
    """sha256 of the whole copy that came and is not what Polyv says."""


class Sightings(Protocol):
    """Who learns from links how long they live. Told from any thread, and never of a link's secret by name."""

    def worked(self, link: Link) -> None:
        """Note that the origin takes this link now."""
        ...

    def refused(self, link: Link) -> None:
        """Note that the origin calls this link expired now."""
        ...


Renew = Callable[[Order], Awaitable[Link | None]]
"""Asks Polyv for another link of the same video; None where it has no other now."""
