"""What is known of a task that is asked about, and what its answer is kept as."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from fetcher.domain.observation import Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """A task to ask about."""

    row_id: int
    task_id: str
    added_at: int
    quiet_polls: int
    """Questions since the last news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRecord:
    """What one answer is kept as."""

    task: DueTask
    seen: Sequence[Observation]
    now: int
    """ms UTC."""
    next_poll_at: int
    """When to ask again if anything is open then, ms UTC."""
    refused_links: Container[str] = ()
    """Links that the origin has just refused, in whose place others are wanted."""
    is_given_up: bool
    """Whether what Polyv still has not said counts as never."""
