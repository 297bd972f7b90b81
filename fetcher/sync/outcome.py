"""What a run is asked for, what it tells on its way, and how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fetcher.domain.errors import FetcherError
from fetcher.domain.exit_code import ExitCode, code_of, gravest

Done = Callable[[int], None]
"""Told of each video that became done, by its id in the ledger, when that is durable."""

Notify = Callable[[Mapping[str, Any]], object]
"""Told of everything worth a line: a mapping with ``type``, never with a link in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What this one run is asked for."""

    until_done: bool = False
    """Whether to poll on until nothing is left."""
    max_duration_s: float | None = None
    max_bytes: int | None = None
    most_places: int | None = None
    """Downloads at a time that this process has open files for; None for as many as are wanted."""


@dataclass(slots=True, kw_only=True)
class Summary:
    """How a run went. Grows while it runs."""

    done: int = 0
    """Videos that became done."""
    failed: int = 0
    """Videos that became failed: they need a person."""
    published: int = 0
    """Links that Polyv gave."""
    tries_failed: int = 0
    last_failure: str = ""
    """What the last of them met with."""
    bytes: int = 0
    """Bytes that came over the network."""
    calls: int = 0
    """Requests to Polyv's API."""
    polls: int = 0
    polls_failed: int = 0
    tasks_created: int = 0
    """Tasks that Polyv was asked for and made."""
    tasks_lost: int = 0
    """Tasks that Polyv was asked for, and nobody knows whether it made them."""
    tasks_rejected: int = 0
    """Tasks that are not asked about any more, since Polyv told nothing of them for too long."""
    asks_failed: int = 0
    """Tasks that Polyv was asked for and certainly did not make, no video being to blame."""
    links_refused: int = 0
    """Videos whose link the origin refuses, and for which Polyv has no other now."""
    windows_closed: int = 0
    """Videos that went cold before they were fetched, and are wanted again by themselves."""
    missing: int = 0
    """Done files that were found gone."""
    counts: dict[str, int] = field(default_factory=dict)
    """Videos by status, at the end."""
    at_risk: int = 0
    """Ready videos that may be lost before they are fetched, at the end."""
    open_tasks: int = 0
    """Tasks that Polyv still prepares, or has not been asked about, at the end."""
    nearest_deadline: int | None = None
    next_poll_at: int | None = None
    jobs_most: int = 0
    """Downloads at a time that the run has grown to; those for links that would die are not counted."""
    seconds: float = 0.0
    error: FetcherError | None = None
    """What ended the run early."""
    stopped_by: ExitCode | None = None
    """A signal's or a limit's code."""

    @property
    def ended(self) -> int:
        """Videos that came to an end, or are wanted again: either way there may be something to ask for."""
        return self.done + self.failed + self.windows_closed

    @property
    def exit_code(self) -> ExitCode:
        """The gravest of all that is to be said."""
        codes = []
        ready = self.counts.get("ready", 0)
        if self.error is not None:
            codes.append(code_of(self.error))
        if self.stopped_by in (ExitCode.SIGINT, ExitCode.SIGTERM):
            codes.append(self.stopped_by)
        if self.stopped_by is ExitCode.STOPPED_BY_LIMIT and (ready or self.has_waiting_work):
            codes.append(ExitCode.STOPPED_BY_LIMIT)
        elif ready:
            codes.append(ExitCode.LATER)
        if self.polls_failed or self.links_refused or self.tasks_lost or self.asks_failed:
            codes.append(ExitCode.LATER)
        if self.counts.get("failed", 0) or self.tasks_rejected:
            codes.append(ExitCode.PERSON)
        if self.at_risk:
            codes.append(ExitCode.AT_RISK)
        return gravest(codes)

    @property
    def has_waiting_work(self) -> bool:
        """Whether Polyv still has something to give."""
        return bool(self.counts.get("waiting", 0) or self.counts.get("wanted", 0) or self.next_poll_at)
