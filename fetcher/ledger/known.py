"""What the ledger knows of a task's videos before an answer about it."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, select

from fetcher.domain.observation import Observation
from fetcher.domain.signing import KnownLink, evidence
from fetcher.domain.status import Preparation, Status
from fetcher.ledger.answers import PollRecord
from fetcher.ledger.bulk import as_one, fetch, insert_rows, one_of, packed
from fetcher.ledger.schema import task_items, videos


class KnownVideo(msgspec.Struct, array_like=True):
    """Where a video stands."""

    id: int
    vid: str
    status: str
    link: str | None
    link_success_at: int | None
    deadline: int | None
    refused_link: str | None
    window_ends_at: int | None
    resubmits: int


class KnownItem(msgspec.Struct, array_like=True):
    """What a task said of a video before."""

    video: int
    said: str
    success_at: int | None


def _known_videos(connection: Connection, vids: Sequence[str]) -> dict[str, KnownVideo]:
    return {video.vid: video for video in fetch(connection, _SELECT_VIDEOS, packed(vids), _VIDEOS)}


def known_items(connection: Connection, task: int) -> dict[int, KnownItem]:
    """Return what a task said before, by video."""
    return {item.video: item for item in fetch(connection, _SELECT_ITEMS, {"task": task}, _ITEMS)}


def all_videos(connection: Connection, vids: Sequence[str], now: int) -> dict[str, KnownVideo]:
    """Return the videos by vid; those that are new are made, together.

    Args:
        connection: A write transaction.
        vids: Which.
        now: When a new one comes to be known, ms UTC.
    """
    known = _known_videos(connection, vids)
    new = [vid for vid in vids if vid not in known]
    if new:
        rows = [{"vid": vid, "status": Status.WANTED.value, "added_at": now} for vid in new]
        insert_rows(connection, videos, rows)
        known |= _known_videos(connection, new)
    return known


def said_before(item: KnownItem | None) -> tuple[str, int | None] | None:
    """Return what was kept of a video in this task, None where nothing was."""
    return None if item is None else (item.said, item.success_at)


def signing_shown(
    record: PollRecord,
    answer: Mapping[str, Observation],
    known: Mapping[str, KnownVideo],
    items: Mapping[int, KnownItem],
) -> dict[str, bool]:
    """Return whether links are signed anew, by host, as far as the answer shows it beside the links before it."""
    return evidence(
        (seen.link, seen.deadline, _known_link(record, known[vid], items.get(known[vid].id)))
        for vid, seen in answer.items()
        if seen.link is not None and (known[vid].link or known[vid].refused_link)
    )


def _known_link(record: PollRecord, video: KnownVideo, item: KnownItem | None) -> KnownLink:
    return KnownLink(
        url=video.link,
        deadline=video.deadline,
        success_at=video.link_success_at,
        window_ends_at=video.window_ends_at,
        refused_url=video.refused_link,
        is_expired=video.link in record.expired_links,
        told_success_at=item.success_at if item is not None and item.said == Preparation.SUCCESS.value else None,
    )


_VIDEOS: Final = msgspec.json.Decoder(list[KnownVideo])
_ITEMS: Final = msgspec.json.Decoder(list[KnownItem])
_SELECT_VIDEOS: Final = as_one(
    select(*(videos.c[name] for name in KnownVideo.__struct_fields__)).where(videos.c.vid.in_(one_of()))
)
_SELECT_ITEMS: Final = as_one(
    select(*(task_items.c[name] for name in KnownItem.__struct_fields__)).where(
        task_items.c.task == bindparam("task", type_=task_items.c.task.type)
    )
)
