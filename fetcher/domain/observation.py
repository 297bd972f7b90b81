"""What one row of Polyv's answer means for the video it names."""

from dataclasses import dataclass
from typing import Final

from fetcher.domain.events import Event, LinkPublished, PreparationFailed, TaskNamed
from fetcher.domain.link import Link, start_by
from fetcher.domain.status import Preparation, Status

_NEARLY_DEAD_MS: Final = 600_000
"""How long before its deadline a link is replaced by a fresh one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One video in one task, as Polyv told it."""

    vid: str
    said: Preparation
    raw: str
    """Polyv's own word."""
    created_at: int | None = None
    """When the task was created, ms UTC."""
    link: Link | None = None
    """None unless there is one that can be used."""
    deadline: int | None = None

    @property
    def is_final(self) -> bool:
        """Whether Polyv will say nothing else of the video in this task."""
        return self.said is Preparation.FAIL or (self.said is Preparation.SUCCESS and self.link is not None)

    def is_of_cold_file(self, closed_success_at: int | None) -> bool:
        """Tell whether the link leads to the file that was found cold: its old tasks go on signing links for it.

        By Polyv's own moments alone. By a clock of ours that is hours ahead, what a new task gives would be called
        old. What was asked for after that file was ready is another thaw, whatever moment of success it tells.

        Args:
            closed_success_at: When the file was ready that was found cold, ms UTC by Polyv's clock; None where none
                was.
        """
        if closed_success_at is None or self.link is None or self.link.success_at is None:
            return False
        is_asked_later = self.created_at is not None and self.created_at > closed_success_at
        return self.link.success_at <= closed_success_at and not is_asked_later


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where the video stands in the ledger."""

    status: Status
    link: str | None = None
    refused_link: str | None = None
    is_news: bool
    """Whether Polyv says something else of it in this task than before."""
    has_other_hope: bool
    """Whether another task may still give it."""
    deadline: int | None = None
    """Of the link it has, ms UTC."""
    is_link_refused: bool = False
    """Whether the origin has just refused the link it has."""
    closed_success_at: int | None = None
    """Of a video without a link: when the file was ready that was found cold, ms UTC by Polyv's clock, None where
    none was."""
    signs_anew: bool = False
    """Whether links like the one that is given are known to be signed anew."""


def event_of(seen: Observation, standing: Standing, *, task_id: str, now: int, expire_days: int) -> Event | None:
    """Return what *seen* does to the video, None where it is nothing new.

    A video that is done stays done, and one with a link keeps it: what Polyv says later may be less than what it
    said before.

    Args:
        seen: What Polyv says of it.
        standing: Where it stands.
        task_id: Who names it.
        now: ms UTC.
        expire_days: Days for which its thawed file stays readable.
    """
    if standing.status is Status.DONE:
        return None
    if seen.said is Preparation.FAIL:
        is_open = standing.status in (Status.WANTED, Status.WAITING)
        return PreparationFailed(at=now, task_id=task_id) if is_open and not standing.has_other_hope else None
    if seen.said is Preparation.SUCCESS and seen.link is not None:
        return _published(seen, seen.link, standing, task_id=task_id, now=now, expire_days=expire_days)
    if standing.status is Status.WANTED or (standing.status is Status.FAILED and standing.is_news):
        return TaskNamed(at=now, task_id=task_id)
    return None


def _published(
    seen: Observation, link: Link, standing: Standing, *, task_id: str, now: int, expire_days: int
) -> LinkPublished | None:
    is_known = link.url in (standing.link, standing.refused_link)
    if is_known or (standing.status is Status.FAILED and not standing.is_news):
        return None
    if standing.status is not Status.READY and seen.is_of_cold_file(standing.closed_success_at):
        return None
    if standing.status is Status.READY and not _is_better(seen, link, standing):
        return None
    ends_at = link.window_ends_at(expire_days=expire_days)
    return LinkPublished(
        at=now,
        task_id=task_id,
        link=link,
        deadline=seen.deadline,
        start_by=start_by(deadline=seen.deadline, window_ends_at=ends_at, signs_anew=standing.signs_anew),
        window_ends_at=ends_at,
    )


def _is_better(seen: Observation, link: Link, standing: Standing) -> bool:
    """Tell whether a fresh link is worth keeping for a video that has one.

    Each answer of Polyv signs the links of the whole task anew; most of them change nothing. How long the old one
    has to live is counted from when the fresh one was given: by the clock that deadlines are told by.
    """
    if standing.is_link_refused or standing.deadline is None:
        return standing.is_link_refused
    return standing.deadline - link.obtained_at < _NEARLY_DEAD_MS and (
        seen.deadline is None or seen.deadline > standing.deadline
    )
