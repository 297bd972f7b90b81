"""What a run's downloads came to: counted for the summary, and told as it happens."""

import logging
from typing import Final

from fetcher.domain.events import Event, FileVerified, GivenUp, LinkRefused, TransferFailed, WindowClosed
from fetcher.ledger.claims import Claimed
from fetcher.report.rows import instant
from fetcher.sync.outcome import Done
from fetcher.sync.wires import Wires

_log: Final = logging.getLogger(__name__)


class Tally:
    """Counts what happened to videos.

    Args:
        wires: Of the run.
        on_done: Told of each video that is done, by its id.
    """

    def __init__(self, wires: Wires, *, on_done: Done | None) -> None:
        self._wires = wires
        self._on_done = on_done
        self._refused: set[int] = set()

    def count(self, claimed: Claimed, event: Event) -> None:
        """Count and tell what happened to a video, once it is written down."""
        told = {"vid": claimed.vid, "path": claimed.path}
        match event:
            case FileVerified():
                self._count_done(claimed, event)
            case GivenUp():
                self._wires.summary.failed += 1
                _log.warning("%s: %s, %s", claimed.vid, event.reason, event.detail)
                self._wires.notify({"type": "failed", **told, "reason": event.reason.value, "error": event.detail})
            case TransferFailed():
                self._wires.summary.tries_failed += 1
                self._wires.summary.last_failure = event.detail
                due_at = instant(event.due_at)
                _log.info("%s: %s; tried again from %s on", claimed.vid, event.detail, due_at)
                self._wires.notify({"type": "try_failed", **told, "error": event.detail, "due_at": due_at})
            case WindowClosed():
                self._wires.summary.windows_closed += 1
                _log.info("%s: %s; asked for again", claimed.vid, event.detail)
                self._wires.notify({"type": "window_closed", **told, "error": event.detail})
            case LinkRefused():
                self._refused.add(claimed.video_id)
                self._wires.summary.links_refused = len(self._refused)
                _log.warning("%s: %s, and Polyv has no other; asked again later", claimed.vid, event.detail)
                self._wires.notify({"type": "link_refused", **told, "error": event.detail})

    def _count_done(self, claimed: Claimed, event: FileVerified) -> None:
        self._refused.discard(claimed.video_id)
        self._wires.summary.links_refused = len(self._refused)
        self._wires.summary.done += 1
        if event.difference is not None:
            _log.warning("%s: kept, although %s", claimed.vid, event.difference)
        if self._on_done is not None:
            self._on_done(claimed.video_id)
        self._wires.notify(
            {
                "type": "done",
                "vid": claimed.vid,
                "path": claimed.path,
                "size": event.size,
                "sha256": event.sha256,
                "evidence": event.evidence.value,
                "container": event.container,
                "difference": event.difference,
                "fetched": event.fetched,
            }
        )
