"""Which videos are at risk: the forecast, and the clock. The same for a run, for ``status`` and for ``list``.

A link that dies is no risk where links are signed anew: what counts is by when to begin so that no video is lost.
"""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection

from fetcher.domain.day import Day
from fetcher.domain.groups import Group
from fetcher.domain.line import Line
from fetcher.domain.link import RISK_MS
from fetcher.domain.outages import Outages
from fetcher.domain.planning import Plan, Transfer, lost_of, make_plan
from fetcher.domain.waves import held_to
from fetcher.ledger.prospects import Past, Prospect, past, prospects, untold_until


class Demand:
    """What the ready videos ask of the line, taken in one by one as they are claimed where nothing is planned.

    Args:
        line: What carries them; None where nobody knows how fast it is.
        before: Says how large a video is of which nobody knows.
        now: ms UTC.
    """

    def __init__(self, line: Line | None, before: Past, *, now: int) -> None:
        self._line = line
        reckoning = None if line is None else line.reckoning(now=now)
        self._reckoned: Callable[[float], float] = reckoning or float
        self._mean_size = before.mean_size
        self._left_ms = 0.0 if line is None else sum(line.under_way) * 1000 / line.bytes_per_s
        self._now = now
        self.is_known = line is not None
        """Whether it is known how large everything is and how fast the line."""
        self._is_late = False
        self.is_ranked = False
        """Whether an earlier plan has put one behind others."""

    def take(self, one: Prospect) -> None:
        """Take in the next one, in the order in which they have to be begun."""
        start_by = one.start_by
        self._is_late = self._is_late or (
            start_by is not None and self._now + self._left_ms > self._reckoned(start_by)
        )
        self.is_ranked = self.is_ranked or one.postponed > 0
        size = one.size if one.size is not None else self._mean_size
        if self._line is None or size is None:
            self.is_known = False
        else:
            self._left_ms += size * 1000 / self._line.bytes_per_s

    @property
    def may_be_late(self) -> bool:
        """Whether a plan is worth making: one after the other as they have to be begun, one would begin too late.

        Nothing is said where neither a video's size is known nor that of any like it.
        """
        return self.is_known and self._is_late


def links_at_risk(
    connection: Connection,
    *,
    now: int,
    places: int,
    limit: int | None = None,
    ahead_ms: int = 0,
) -> list[int]:
    """Return the videos that may be lost before they are fetched, first what has to be begun first.

    Those are the ones that the line cannot carry in time, as fast as the last runs had it; and those that have to
    be begun within ten minutes, or before the next run begins by the rhythm of the last ones, or had to be by now.
    Where a link tells nothing, what goes cold within that time.

    Args:
        connection: On a snapshot.
        now: ms UTC.
        places: Downloads at a time.
        limit: Bytes a second that the line is held to, None where it is not.
        ahead_ms: By how much the clock of *now* is ahead of this machine's, which the ledger's runs are told by.
    """
    before = past(connection)
    until = now + RISK_MS if before.next_run_at is None else max(now + RISK_MS, before.next_run_at + ahead_ms)
    line = _line(before, now=now, places=places, limit=limit)
    demand = Demand(line, before, now=now)
    risky = []
    for one in prospects(connection):
        demand.take(one)
        if one.start_by is not None and one.start_by <= until:
            risky.append((one.start_by, one.id))
    if line is not None and demand.may_be_late:
        del risky  # Where a million are ready, each such list costs more than all else.
        lost = set(lost_of(_transfers(prospects(connection), before) or (), line, now=now))
        risky = [
            (one.start_by, one.id)
            for one in prospects(connection)
            if one.start_by is not None and (one.id in lost or one.start_by <= until)
        ]
    return [video_id for _, video_id in sorted([*risky, *untold_until(connection, until)])]


def _line(before: Past, *, now: int, places: int, limit: int | None) -> Line | None:
    """Return the line as the last run had it, by its own number; None where none has measured it."""
    rate = held_to(before.latest_bytes_per_s, limit)
    if rate is None:
        return None
    hours = day_of(before).hours(now=now, limit=limit)
    return Line(bytes_per_s=rate, places=places, hours=hours, stands=outages_of(before).share)


def day_of(before: Past) -> Day:
    """Return what the last runs tell of how fast the line is through a day."""
    day = Day()
    for one in before.measured:
        day.know(one.began_at, one.ended_at, one.bytes_per_s)
    return day


def outages_of(before: Past) -> Outages:
    """Return what the last runs tell of how often the line stands."""
    outages = Outages()
    outages.know(stood_s=before.stood_ms / 1000, worked_s=before.worked_ms / 1000)
    return outages


def plan_of(
    ready: Iterable[Prospect],
    before: Past,
    line: Line,
    *,
    now: int,
    far: Sequence[Group] = (),
    coming: Sequence[Group] = (),
) -> Plan:
    """Return the order in which the fewest are lost; a plan without a word where sizes are unknown.

    Args:
        ready: What has links, or the first of it.
        before: Says how large a video is of which nobody knows.
        line: What carries it.
        now: ms UTC.
        far: What has links as well but longer to live.
        coming: What is expected beside it.
    """
    transfers = _transfers(ready, before)
    return Plan() if transfers is None else make_plan(transfers, line, now=now, far=far, coming=coming)


def _transfers(ready: Iterable[Prospect], before: Past) -> list[Transfer] | None:
    """Return them as a plan takes them, None where the size of one is not known, nor that of any like it."""
    transfers = []
    for one in ready:
        size = one.size if one.size is not None else before.mean_size
        if size is None:
            return None
        transfers.append(Transfer(one.id, one.start_by, size))
    return transfers
