"""What is known of a task that is asked about, and what its answer is kept as."""

from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from fetcher.domain.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task to ask about."""

    row_id: int
    task_id: str
    added_at: int
    quiet_polls: int
    """Questions since the last news."""
    expire_days: int | None = None
    """Days for which its thawed files stay readable, None where it was submitted elsewhere."""
    due_at: int | None = None
    """When it was to be asked about, ms UTC; None where nobody waits for its answer."""
    news_at: int | None = None
    """When it last said something new, ms UTC; None for never."""

    @property
    def quiet_since(self) -> int:
        """Since when it has said nothing new, ms UTC."""
        return max(self.added_at, self.news_at or 0)


LONGEST_WINDOW_DAYS: Final = 7
"""Polyv thaws files for 7 days at the most (``expireDays``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """What one answer is kept as."""

    task: DueTask
    seen: Sequence[Observation]
    now: int
    """ms UTC."""
    polyv_now: int | None = None
    """The same by the clock that was corrected after Polyv's, whose stamps it is held against; None for *now*."""
    next_poll_at: int
    """When to ask again if anything is open then, ms UTC."""
    after_news_at: int | None = None
    """When instead, if the answer says something new; None for the same moment."""
    refused_links: Container[str] = ()
    """Links that the origin has just refused, in whose place others are wanted."""
    expired_links: Container[str] = ()
    """Those of them that it called expired."""
    signing_anew: AbstractSet[str] = frozenset()
    """Hosts whose links are known to be signed anew; what this answer shows comes first."""
    expire_days: int = LONGEST_WINDOW_DAYS
    """Days for which thawed files stay readable, where the task does not say."""
    resubmit_expired: bool = False
    """Whether a video whose thaw window has closed is asked for again by itself."""
    is_given_up: bool
    """Whether what Polyv still has not said counts as never."""
