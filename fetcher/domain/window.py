"""What comes of a video whose thaw window has closed: a person is told how to ask again, or it is asked again."""

from typing import Final

from fetcher.domain.events import Event, GivenUp, WindowClosed
from fetcher.domain.status import Reason

MOST_RESUBMITS: Final = 3
"""So many windows may close on a video without anybody being asked; each further task costs, and brings no more."""


def after_window(
    closed: WindowClosed, *, vid: str, resubmits: int, was_done: bool, resubmit_expired: bool
) -> Event:
    """Return what happens to a video whose thaw window has closed.

    Args:
        closed: That it has.
        vid: Of the video.
        resubmits: How many windows have closed on it since it was last done, and were followed by a new task.
        was_done: Whether it was archived before, and somebody took the file away since: it is not paid for a second
            time without anybody's word.
        resubmit_expired: Whether it may be asked for again by itself (``resubmit_expired``).
    """
    if resubmit_expired and not was_done and resubmits < MOST_RESUBMITS:
        return closed
    detail = f"{closed.detail}; ask for it again: fetcher submit {vid}"
    return GivenUp(at=closed.at, reason=Reason.WINDOW_CLOSED, detail=detail, cold_success_at=closed.success_at)
