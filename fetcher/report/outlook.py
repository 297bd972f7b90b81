"""Which links are at risk: the forecast, and the clock. The same for a run, for ``status`` and for ``list``."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from fetcher.domain.link import RISK_MS
from fetcher.domain.planning import Line, Plan, Transfer, make_plan
from fetcher.ledger.prospects import Load, Past, Prospect, load, past, prospects


def links_at_risk(connection: Connection, *, now: int, places: int, bytes_per_s: float | None = None) -> list[int]:
    """Return the videos whose links may die before they are fetched, the first to die first.

    Those are the links that the line cannot carry in time, as fast as the last runs had it; and those that die
    within ten minutes or are past their deadline, because the next run may come too late for them.

    Args:
        connection: On a snapshot.
        now: ms UTC.
        places: Downloads at a time.
        bytes_per_s: Of the line; None for what the last runs had.
    """
    found, before = load(connection), past(connection)
    if not found.count:
        return []
    rate = bytes_per_s or before.bytes_per_s
    line = None if rate is None else Line(bytes_per_s=rate, places=places)
    soonest = found.soonest
    if soonest is None or (soonest > now + RISK_MS and (line is None or fits(found, before, line, now=now))):
        return []
    ready = list(prospects(connection))
    plan = Plan() if line is None else plan_of(ready, before, line, now=now)
    return endangered(ready, plan, now=now)


def fits(found: Load, before: Past, line: Line, *, now: int) -> bool:
    """Tell whether nothing can be late, without a plan: all is through before the first deadline.

    Nothing is said of videos of which neither the size is known nor that of any like them.
    """
    if found.soonest is None or (found.unknown and before.mean_size is None):
        return True
    left = found.bytes_known + found.unknown * (before.mean_size or 0) + sum(line.under_way)
    return left * 1000 / line.bytes_per_s <= found.soonest - now


def plan_of(ready: Iterable[Prospect], before: Past, line: Line, *, now: int) -> Plan:
    """Return the order in which the fewest links die; a plan without a word where sizes are unknown."""
    mean = before.mean_size
    transfers = []
    for one in ready:
        size = one.size if one.size is not None else mean
        if size is None:
            return Plan()
        transfers.append(Transfer(one.id, one.start_by, size))
    return make_plan(transfers, line, now=now)


def endangered(ready: Sequence[Prospect], plan: Plan, *, now: int) -> list[int]:
    """Return those that the plan has lost and those whose time is nearly up, the first to die first."""
    lost = set(plan.lost)
    risky = [
        (one.start_by, one.id)
        for one in ready
        if one.start_by is not None and (one.id in lost or one.start_by <= now + RISK_MS)
    ]
    return [video_id for _, video_id in sorted(risky)]
