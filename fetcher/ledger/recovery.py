"""What a new run looks at before it begins: what an earlier one left behind."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from fetcher.domain.status import Status
from fetcher.ledger.schema import has_status, videos

_IN_LIST = 500


def still_wanted(connection: Connection, video_ids: Sequence[int]) -> set[int]:
    """Return which of *video_ids* are not done. Failed ones count: a new task may go on with their part."""
    found: set[int] = set()
    for start in range(0, len(video_ids), _IN_LIST):
        batch = video_ids[start : start + _IN_LIST]
        found |= set(
            connection.scalars(select(videos.c.id).where(videos.c.id.in_(batch), ~has_status(Status.DONE)))
        )
    return found


def latest_done(connection: Connection, *, limit: int) -> list[tuple[int, str, int]]:
    """Return id, path and size of the videos that were done last."""
    latest = (
        select(videos.c.id, videos.c.path, videos.c.size)
        .where(videos.c.done_at.is_not(None))
        .order_by(videos.c.id.desc())
        .limit(limit)
    )
    return [(row.id, row.path, row.size) for row in connection.execute(latest)]
