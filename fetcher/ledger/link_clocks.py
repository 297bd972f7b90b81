"""What was learned of how long links live, and the deadlines that follow from it."""

from collections.abc import Callable, Mapping

from sqlalchemy import Connection, delete, insert, select

from fetcher.domain.lifetime import Lifetime
from fetcher.domain.link import Link
from fetcher.domain.status import Status
from fetcher.ledger.bulk import update_rows
from fetcher.ledger.schema import has_status, link_clocks, videos

_PAGE = 2000


def known_lifetimes(connection: Connection, *, since: int) -> dict[str, Lifetime]:
    """Return what was learned from *since* on (ms UTC), by host."""
    lately = select(link_clocks).where(link_clocks.c.updated_at >= since)
    return {
        row.host: Lifetime(worked_ms=row.worked_ms, refused_ms=row.refused_ms) for row in connection.execute(lately)
    }


def keep_lifetimes(connection: Connection, news: Mapping[str, Lifetime], *, now: int) -> None:
    """Write down what was learned of some hosts, in place of what stands there."""
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
                "updated_at": now,
            }
            for host, lifetime in news.items()
        ],
    )


def redate(connection: Connection, *, after: int, deadline: Callable[[Link], int | None]) -> int | None:
    """Set the deadlines of a page of ready videos anew.

    Args:
        connection: A write transaction.
        after: The id that the page before ended with, 0 for the first.
        deadline: Of a link, ms UTC.

    Returns:
        The id that this page ends with; None where it is the last.
    """
    rows = connection.execute(
        select(videos.c.id, videos.c.link, videos.c.link_obtained_at, videos.c.link_success_at, videos.c.deadline)
        .where(videos.c.id > after, has_status(Status.READY))
        .order_by(videos.c.id)
        .limit(_PAGE)
    ).all()
    dated = [
        (row, deadline(Link(url=row.link, obtained_at=row.link_obtained_at, success_at=row.link_success_at)))
        for row in rows
    ]
    update_rows(connection, videos, [{"id": row.id, "deadline": due} for row, due in dated if due != row.deadline])
    return rows[-1].id if len(rows) == _PAGE else None
