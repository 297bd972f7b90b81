"""The number of a run's downloads: followed from what they bring to what the crowd decides."""

import logging
from typing import Final

from fetcher.domain.crowd import Crowd, Seen, Step
from fetcher.domain.windows import Haul
from fetcher.report.text import size_text
from fetcher.sync.fetching import Fetching
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)


class Growing:
    """Tells a crowd how things stand, and has done what it decides.

    Args:
        wires: Of the run.
        fetching: Whose number it is.
        crowd: Decides.
    """

    def __init__(self, wires: Wires, *, fetching: Fetching, crowd: Crowd) -> None:
        self._wires = wires
        self._fetching = fetching
        self._crowd = crowd
        wires.summary.jobs_most = crowd.places

    def tick(self, *, now: float) -> None:
        """Look, and go where the crowd goes; *now* in monotonic seconds, a few times a second."""
        step = self._crowd.look(self._seen(now))
        if step is None:
            return
        _log.debug("%s", _told(step))
        self._wires.summary.jobs_most = max(self._wires.summary.jobs_most, step.places)
        if step.places != self._fetching.jobs:
            self._fetching.resize(step.places)

    def _seen(self, now: float) -> Seen:
        fetching, downloader = self._fetching, self._wires.downloader
        begun, threads, ends = len(fetching.begun), downloader.threads, fetching.ends
        return Seen(
            now=now,
            haul=Haul(fetched=downloader.fetched, files=ends.files, short=ends.short),
            used=min(begun, threads),  # Quick ones stand in line for a thread.
            has_more=bool(fetching.waiting) or begun > threads,
            ended=ends.count,
            refused=ends.refused,
        )


def _told(step: Step) -> str:
    jobs = f"{step.places} jobs" if step.was == step.places else f"{step.places} jobs instead of {step.was}"
    rates = "" if step.usual is None else f"; {_rate(step.usual)} before"
    tried = "" if step.tried is None else f", {_rate(step.tried)} with those tried"
    return f"{jobs}: {step.why}{rates}{tried}"


def _rate(a_second: Haul) -> str:
    return f"{size_text(round(a_second.fetched))} and {a_second.files:.1f} files a second"
