"""What was learned of links, how long they live and whether they are signed anew, and what follows from it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, Select, delete, insert, select

from fetcher.domain.lifetime import Lifetime
from fetcher.domain.link import Link
from fetcher.domain.status import Status
from fetcher.ledger.bulk import update_rows
from fetcher.ledger.paging import page_after
from fetcher.ledger.schema import has_status, link_clocks, runs, videos

_PAGE: Final = 2000

Dating = Callable[[Link, int | None], tuple[int | None, int | None]]
"""Returns for a link and the end of its thaw window by when to use it, and by when to begin, ms UTC."""


def known_lifetimes(connection: Connection, *, since: int, until: int) -> dict[str, Lifetime]:
    """Return what was learned, by host; of how long links live only what was learned in this time (ms UTC).

    What was learned later than *until* was written down by a clock that was wrong, and would be believed for ever.
    """
    return {
        row.host: Lifetime(
            worked_ms=row.worked_ms if since <= row.updated_at <= until else None,
            refused_ms=row.refused_ms if since <= row.updated_at <= until else None,
            signs_anew=None if row.signs_anew is None else bool(row.signs_anew),
        )
        for row in connection.execute(select(link_clocks))
    }


def keep_lifetimes(connection: Connection, news: Mapping[str, Lifetime], *, now: int) -> None:
    """Write down what was learned of some hosts, in place of what stands there.

    Args:
        connection: A write transaction.
        news: By host.
        now: ms UTC.
    """
    if not news:
        return
    connection.execute(delete(link_clocks).where(link_clocks.c.host.in_(list(news))))
    connection.execute(
        insert(link_clocks),
        [
            {
                "host": host,
                "worked_ms": lifetime.worked_ms,
                "refused_ms": lifetime.refused_ms,
                "signs_anew": None if lifetime.signs_anew is None else int(lifetime.signs_anew),
                "updated_at": now,
            }
            for host, lifetime in news.items()
        ],
    )


def redate(connection: Connection, *, after: int, dates: Dating) -> int | None:
    """Set the deadlines of a page of ready videos anew, and by when to begin.

    Args:
        connection: A write transaction.
        after: The id that the page before ended with, 0 for the first.
        dates: What they are by what is known now.

    Returns:
        The id that this page ends with; None where it is the last.
    """
    rows = connection.execute(_ready_after(after)).all()
    changed = []
    for row in rows:
        deadline, start_by = dates(_link(row), row.window_ends_at)
        if (deadline, start_by) != (row.deadline, row.start_by):
            changed.append({"id": row.id, "deadline": deadline, "start_by": start_by})
    update_rows(connection, videos, changed)
    return rows[-1].id if len(rows) == _PAGE else None


def some_deadlines(connection: Connection) -> list[tuple[Link, int | None]]:
    """Return the links of some ready videos, and their deadlines as they stand."""
    rows = connection.execute(_ready_after(0)).all()
    return [(_link(row), row.deadline) for row in rows]


def was_cut_off(connection: Connection) -> bool:
    """Tell whether the run before the one that has begun never ended: it may have dated anew some videos only."""
    ends = connection.scalars(select(runs.c.ended_at).order_by(runs.c.id.desc()).offset(1).limit(1)).all()
    return list(ends) == [None]


def _link(row: Any) -> Link:
    return Link(url=row.link, obtained_at=row.link_obtained_at, success_at=row.link_success_at)


def _ready_after(video_id: int) -> Select[Any]:
    clocks = ("link", "link_obtained_at", "link_success_at", "deadline", "window_ends_at", "start_by")
    ready = select(videos.c.id, *(videos.c[name] for name in clocks)).where(has_status(Status.READY))
    return page_after(ready, video_id, size=_PAGE)
