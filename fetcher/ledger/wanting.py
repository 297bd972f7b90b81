"""Mark videos as wanted: read first, write what differs. What is open or done is not asked for twice."""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from fetcher.domain.events import Chosen
from fetcher.domain.library import ListedVideo
from fetcher.domain.status import Reason, Status
from fetcher.ledger.bulk import as_one, fetch, insert_rows, one_of, packed, update_rows
from fetcher.ledger.caution import lost_too_often
from fetcher.ledger.changes import Change, apply_all
from fetcher.ledger.schema import videos

NEEDS_TASK: Final = frozenset({Reason.VENDOR_FAILED, Reason.WINDOW_CLOSED, Reason.NEVER_PREPARED})
"""Why videos failed that a new task may give all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of the videos that are named become wanted."""

    failed: Container[Reason] = frozenset()
    """Failed ones are wanted again where this is why."""
    expire_days: int | None = None
    """For how many days their thawed files are to stay readable; None: as the settings say."""
    limit: int | None = None
    """How many at the most; None for all."""
    is_bulk: bool = False
    """Whether nobody named them: those for which too many tasks were lost stay as they are, then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """A done video whose source has another size at Polyv by now."""

    vid: str
    size: int
    """Of the finished file, in bytes."""
    listed_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What came of it."""

    new: int = 0
    """Videos that the ledger did not know."""
    again: int = 0
    """Failed ones that are wanted again."""
    open: int = 0
    """Those that are wanted, waiting or ready."""
    done: int = 0
    failed: int = 0
    """Failed ones that stay so."""
    left_out: int = 0
    """Those beyond the limit."""
    spared: tuple[str, ...] = ()
    """Failed ones that stay so, by vid, because too many tasks for them were lost."""
    replaced: tuple[Replaced, ...] = ()
    """Seen here for the first time."""

    @property
    def chosen(self) -> int:
        """How many became wanted."""
        return self.new + self.again


class _Known(msgspec.Struct, array_like=True):
    """A video as the ledger has it."""

    id: int
    vid: str
    status: str
    reason: str | None
    path: str | None
    size: int | None
    size_expected: int | None
    title: str | None
    category: str | None
    created_at: int | None
    expire_days: int | None
    size_listed: int | None
    size_listed_then: int | None


def want(connection: Connection, listed: Sequence[ListedVideo], choice: Choice, *, now: int) -> Wants:
    """Mark videos as wanted, and keep what Polyv says of them.

    Title and category are taken in until a file is named after them, size and moment of creation until it is done,
    and what was not known at all at any time.

    Args:
        connection: A write transaction.
        listed: Videos, none twice.
        choice: Which of them.
        now: ms UTC.
    """
    told = sorted(listed, key=lambda video: video.vid)
    known = {row.vid: row for row in fetch(connection, _SELECT_KNOWN, packed([one.vid for one in told]), _KNOWN)}
    new = [video for video in told if video.vid not in known]
    again = [row for row in known.values() if row.status == Status.FAILED and row.reason in choice.failed]
    often = lost_too_often(connection) if choice.is_bulk and again else set()
    spared = tuple(row.vid for row in again if row.id in often)
    again = [row for row in again if row.id not in often]
    taken, put_back = _limited(new, again, choice.limit)
    insert_rows(connection, videos, [_new_row(video, choice, now) for video in taken])
    apply_all(connection, [Change(video_id=row.id, event=Chosen(at=now)) for row in put_back])
    chosen = {row.id for row in put_back}
    _keep(connection, [(known[video.vid], video) for video in told if video.vid in known], choice, chosen)
    statuses = [row.status for row in known.values()]
    return Wants(
        new=len(taken),
        again=len(put_back),
        open=sum(status not in (Status.DONE, Status.FAILED) for status in statuses),
        done=statuses.count(Status.DONE),
        failed=statuses.count(Status.FAILED) - len(put_back),
        left_out=len(new) - len(taken) + len(again) - len(put_back),
        spared=spared,
        replaced=tuple(_replaced(known[video.vid], video) for video in told if _is_replaced(known, video)),
    )


def _limited(
    new: Sequence[ListedVideo], again: Sequence[_Known], limit: int | None
) -> tuple[Sequence[ListedVideo], Sequence[_Known]]:
    if limit is None:
        return new, again
    oldest = sorted(new, key=lambda video: (video.created_at is None, video.created_at, video.vid))[:limit]
    return sorted(oldest, key=lambda video: video.vid), again[: limit - len(oldest)]


def _new_row(video: ListedVideo, choice: Choice, now: int) -> dict[str, Any]:
    return {
        "vid": video.vid,
        "status": Status.WANTED.value,
        "title": video.title,
        "category": video.category,
        "size_expected": video.size,
        "created_at": video.created_at,
        "expire_days": choice.expire_days,
        "added_at": now,
    }


def _keep(
    connection: Connection, pairs: Sequence[tuple[_Known, ListedVideo]], choice: Choice, chosen: Container[int]
) -> None:
    """Write what differs of what the ledger knew."""
    rows = []
    for before, video in pairs:
        after = _fresh(before, video)
        is_asked_for = before.id in chosen or before.status == Status.WANTED
        if choice.expire_days is not None and is_asked_for:
            after["expire_days"] = choice.expire_days
        if any(getattr(before, name) != value for name, value in after.items()):
            rows.append({"id": before.id, **after})
    update_rows(connection, videos, rows)


def _fresh(before: _Known, video: ListedVideo) -> dict[str, Any]:
    """Return the columns as they are to be."""
    is_named, is_done = before.path is not None, before.status == Status.DONE
    return {
        "title": _taken_in(before.title, video.title, is_fixed=is_named),
        "category": _taken_in(before.category, video.category, is_fixed=is_named),
        # Of a done one too: that Polyv has another size by now is told once, by what the ledger knew before.
        "size_expected": _taken_in(before.size_expected, video.size, is_fixed=False),
        "size_listed": before.size_listed if video.size is None else None,
        "created_at": _taken_in(before.created_at, video.created_at, is_fixed=is_done),
        "expire_days": before.expire_days,
    }


def _taken_in(before: Any, told: Any, *, is_fixed: bool) -> Any:
    return before if told is None or (is_fixed and before is not None) else told


def _is_replaced(known: dict[str, _Known], video: ListedVideo) -> bool:
    """Tell whether a done video has a size in Polyv's list that is neither its file's nor known already."""
    row = known.get(video.vid)
    if row is None or row.status != Status.DONE or video.size is None:
        return False
    return video.size not in (row.size, row.size_expected, row.size_listed, row.size_listed_then)


def _replaced(row: _Known, video: ListedVideo) -> Replaced:
    return Replaced(vid=video.vid, size=row.size or 0, listed_size=video.size or 0)


_KNOWN: Final = msgspec.json.Decoder(list[_Known])
_SELECT_KNOWN: Final = as_one(
    select(*(videos.c[name] for name in _Known.__struct_fields__)).where(videos.c.vid.in_(one_of()))
)
