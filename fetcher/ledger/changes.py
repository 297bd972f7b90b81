"""Write one event: the video's new columns and a row of its history, in the caller's transaction."""

import functools
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from fetcher.domain import events as happened
from fetcher.domain.errors import StaleLeaseError
from fetcher.domain.identifiers import printable
from fetcher.domain.link import without_secret
from fetcher.domain.status import Reason, Status
from fetcher.domain.transitions import next_status
from fetcher.ledger.schema import events, videos

_NO_LEASE = {"held_until": None, "lease_owner": None}
_NO_LINK = {"link": None, "link_obtained_at": None, "link_success_at": None, "deadline": None}
_NOTHING_WRONG = {"reason": None, "detail": None}
_LONGEST_DETAIL: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Whose claim a worker's word rests on."""

    owner: str
    token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event for one video."""

    video_id: int
    event: happened.Event
    fence: Fence | None = None
    """None for what no claim is needed for."""


def apply(connection: Connection, change: Change) -> Status:
    """Write *change* and return where the video stands now.

    Raises:
        StaleLeaseError: The claim ended, and somebody else may have it.
        IllegalTransitionError: The event cannot happen there.
    """
    found = connection.execute(
        select(videos.c.status, videos.c.lease_owner, videos.c.lease_token, videos.c.link).where(
            videos.c.id == change.video_id
        )
    ).one()
    if change.fence is not None and (found.lease_owner, found.lease_token) != (
        change.fence.owner,
        change.fence.token,
    ):
        raise StaleLeaseError(f"the claim on video {change.video_id} ended")
    before = Status(found.status)
    after = next_status(before, change.event)
    values = _columns(change.event)
    if values.get("detail") is not None:
        values["detail"] = printable(values["detail"], limit=_LONGEST_DETAIL)
    if isinstance(change.event, happened.LinkRefused):
        values["refused_link"] = found.link
    connection.execute(update(videos).where(videos.c.id == change.video_id).values(status=after.value, **values))
    told = _told(change.event)
    connection.execute(
        insert(events).values(
            video=change.video_id,
            at=change.event.at,
            kind=type(change.event).__name__,
            from_status=before.value,
            to_status=after.value,
            detail=None if told is None else printable(told, limit=_LONGEST_DETAIL),
        )
    )
    return after


@functools.singledispatch
def _columns(event: happened.Event) -> dict[str, Any]:
    """Return the columns that *event* sets, the status aside."""
    raise TypeError(f"no columns for {type(event).__name__}")


@_columns.register
def _(event: happened.TaskNamed) -> dict[str, Any]:
    del event
    return {**_NOTHING_WRONG, "refused_link": None}


@_columns.register
def _(event: happened.LinkPublished) -> dict[str, Any]:
    return {
        **_NOTHING_WRONG,
        "link": event.link.url,
        "link_obtained_at": event.link.obtained_at,
        "link_success_at": event.link.success_at,
        "deadline": event.deadline,
        "refused_link": None,
    }


@_columns.register
def _(event: happened.PreparationFailed) -> dict[str, Any]:
    return {"reason": Reason.VENDOR_FAILED.value, "detail": f"FAIL in task {event.task_id}", "refused_link": None}


@_columns.register
def _(event: happened.LinkRefused) -> dict[str, Any]:
    return {**_NO_LEASE, **_NO_LINK, "detail": event.detail}


@_columns.register
def _(event: happened.TransferFailed) -> dict[str, Any]:
    return {
        "held_until": event.due_at,
        "lease_owner": None,
        "attempts": videos.c.attempts + 1,
        "detail": event.detail,
    }


@_columns.register
def _(event: happened.FileVerified) -> dict[str, Any]:
    return {
        **_NO_LEASE,
        **_NO_LINK,
        **_NOTHING_WRONG,
        "refused_link": None,
        "path": event.path,
        "size": event.size,
        "sha256": event.sha256,
        "md5": event.md5,
        "crc64": event.crc64,
        "etag": event.etag,
        "evidence": event.evidence.value,
        "done_at": event.at,
        "verified_at": event.at,
        "attempts": videos.c.attempts + 1,
    }


@_columns.register
def _(event: happened.GivenUp) -> dict[str, Any]:
    return {**_NO_LEASE, **_NO_LINK, "reason": event.reason.value, "detail": event.detail, "refused_link": None}


@_columns.register
def _(event: happened.RetryAsked) -> dict[str, Any]:
    del event
    return {**_NOTHING_WRONG, "attempts": 0, "refused_link": None}


@_columns.register
def _(event: happened.FileMissing) -> dict[str, Any]:
    return {"sha256": None, "evidence": None, "done_at": None, "verified_at": None, "detail": event.detail}


def _told(event: happened.Event) -> str | None:
    """Return what the history says of *event*, for a person: never a link."""
    told: str | None = None
    match event:
        case happened.TaskNamed(task_id=task_id) | happened.PreparationFailed(task_id=task_id):
            told = f"task {task_id}"
        case happened.LinkPublished(task_id=task_id, link=link):
            told = f"task {task_id}: {without_secret(link.url)}"
        case happened.FileVerified():
            how = "adopted" if event.adopted else f"{event.fetched} bytes fetched"
            told = f"{event.size} bytes, sha256 {event.sha256}, evidence {event.evidence}, {how}"
        case happened.GivenUp(reason=reason, detail=detail):
            told = f"{reason}: {detail}"
        case happened.LinkRefused(detail=detail) | happened.TransferFailed(detail=detail):
            told = detail
        case happened.FileMissing(detail=detail):
            told = detail
    return told
