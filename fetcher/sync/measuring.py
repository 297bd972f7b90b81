"""What a run measures of the line that carries its downloads, beside what the runs before it have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.domain.day import Day
from fetcher.domain.line import Line
from fetcher.domain.outages import Outages
from fetcher.report.outlook import day_of, outages_of
from fetcher.sync.flow import Flow

if TYPE_CHECKING:
    from fetcher.ledger.prospects import Past
    from fetcher.sync.fetching import Fetching
    from fetcher.sync.wires import Downloads


class Measuring:
    """Looks at the downloads a few times a second.

    Args:
        downloads: Whose line it is.
        limit: Bytes a second that it is held to, None where it is not.

    Attributes:
        limit: The same.
    """

    def __init__(self, downloads: Downloads, *, limit: int | None = None) -> None:
        self.limit = limit
        self._day, self._outages = Day(), Outages()
        self._downloads = downloads
        self.flow = Flow(downloads)

    def load(self, before: Past, *, now: int, monotonic: float) -> None:
        """Begin with what earlier runs have measured.

        Args:
            before: That.
            now: By this machine's clock, as runs are told by, ms UTC.
            monotonic: The same moment, in monotonic seconds.
        """
        self.flow.know(before.bytes_per_s)
        self._day, self._outages = day_of(before), outages_of(before)
        if before.stands_since is not None:
            self._outages.go_on(now=monotonic, stands_s=(now - before.stands_since) / 1000)

    def look(self, fetching: Fetching, *, now: int, monotonic: float) -> None:
        """Take in how things stand.

        Args:
            fetching: Whose downloads they are.
            now: By Polyv's clock, ms UTC.
            monotonic: The same moment, in monotonic seconds.
        """
        self.flow.look(now=monotonic)
        total = self.flow.total
        is_full = bool(fetching.waiting) and len(fetching.begun) >= fetching.jobs
        self._day.look(now=now, worked_s=total.busy_s, fetched=total.counted, is_full=is_full)
        self._outages.look(
            now=monotonic,
            fetched=self._downloads.fetched,
            worked_s=total.busy_s,
            unreached=len(fetching.ends.unreached),
        )

    def note_answer(self, *, monotonic: float) -> None:
        """Say that Polyv has answered: whatever stands, it is not the line."""
        self._outages.end(now=monotonic)

    @property
    def bytes_per_s(self) -> int | None:
        """What the line has brought while anything was under way, None where that was too little to tell."""
        measured = self.flow.total.measured
        return None if measured is None else round(measured)

    def line(self, rate: float, *, places: int, spare: int, now: int) -> Line:
        """Return the line as a plan sees it.

        Args:
            rate: Bytes a second just now.
            places: Downloads at a time.
            spare: How many more may be counted on.
            now: By Polyv's clock, ms UTC.
        """
        return Line(
            bytes_per_s=rate,
            places=places,
            spare=spare,
            under_way=self.flow.under_way(),
            hours=self._day.hours(now=now, limit=self.limit),
            stands=self._outages.share,
        )

    def kept(self, *, now: int, monotonic: float) -> dict[str, int | None]:
        """Return what the ledger keeps of it with the run, and what that was measured by.

        Args:
            now: By this machine's clock, ms UTC.
            monotonic: The same moment, in monotonic seconds.
        """
        stands_s = self._outages.stands_s(now=monotonic)
        return {
            "bytes": self._downloads.fetched,
            "bytes_per_s": self.bytes_per_s,
            "stood_ms": round(self._outages.stood_s * 1000),
            "stands_since": None if stands_s is None else now - round(stands_s * 1000),
        }
