"""The columns of a video that each event sets."""

import functools
from typing import Any, Final

from fetcher.domain import events as happened
from fetcher.domain.status import Reason

_NO_LEASE: Final = {"held_until": None, "lease_owner": None}
_NO_LINK: Final = {
    "link": None,
    "link_obtained_at": None,
    "link_success_at": None,
    "deadline": None,
    "start_by": None,
}
_NOTHING_WRONG: Final = {"reason": None, "detail": None}


@functools.singledispatch
def columns_of(event: happened.Event) -> dict[str, Any]:
    """Return the columns that *event* sets, the status aside."""
    raise TypeError(f"no columns for {type(event).__name__}")


@columns_of.register
def _(event: happened.TaskNamed) -> dict[str, Any]:
    del event
    return {**_NOTHING_WRONG, "refused_link": None}


@columns_of.register
def _(event: happened.LinkPublished) -> dict[str, Any]:
    return {
        **_NOTHING_WRONG,
        "link": event.link.url,
        "link_obtained_at": event.link.obtained_at,
        "link_success_at": event.link.success_at,
        "deadline": event.deadline,
        "start_by": event.start_by,
        "window_ends_at": event.window_ends_at,
        "postponed": 0,
        "refused_link": None,
    }


@columns_of.register
def _(event: happened.PreparationFailed) -> dict[str, Any]:
    return {"reason": Reason.VENDOR_FAILED.value, "detail": f"FAIL in task {event.task_id}", "refused_link": None}


@columns_of.register
def _(event: happened.LinkRefused) -> dict[str, Any]:
    return {**_NO_LEASE, **_NO_LINK, "detail": event.detail}


@columns_of.register
def _(event: happened.TransferFailed) -> dict[str, Any]:
    return {
        "held_until": event.due_at,
        "lease_owner": None,
        "detail": event.detail,
    }


@columns_of.register
def _(event: happened.FileVerified) -> dict[str, Any]:
    return {
        **_NO_LEASE,
        **_NO_LINK,
        **_NOTHING_WRONG,
        "detail": None if event.difference is None else f"kept, although {event.difference}",
        "suspicions": 0,
        "resubmits": 0,
        "postponed": 0,
        "refused_link": None,
        "path": event.path,
        "size": event.size,
        "sha256": event.sha256,
        "md5": event.md5,
        "crc64": event.crc64,
        "etag": event.etag,
        "evidence": event.evidence.value,
        "agreed": " ".join(event.agreed) or None,
        "container": event.container,
        "differed": None,
        "done_at": event.at,
        "verified_at": event.at,
    }


@columns_of.register
def _(event: happened.GivenUp) -> dict[str, Any]:
    values = {**_NO_LEASE, **_NO_LINK, "link_success_at": event.cold_success_at, "refused_link": None}
    return {**values, "reason": event.reason.value, "detail": event.detail}


@columns_of.register
def _(event: happened.WindowClosed) -> dict[str, Any]:
    closed = {"window_ends_at": event.at, "link_success_at": event.success_at}
    return {**_NO_LEASE, **_NO_LINK, **closed, "postponed": 0, "refused_link": None, "detail": event.detail}


@columns_of.register
def _(event: happened.RetryAsked | happened.Chosen) -> dict[str, Any]:
    again = {**_NOTHING_WRONG, "attempts": 0, "suspicions": 0, "refused_link": None}
    # Whoever tries again means the links that there are, those of a file too that was found cold.
    return {**again, "link_success_at": None} if isinstance(event, happened.RetryAsked) else again


@columns_of.register
def _(event: happened.FileMissing) -> dict[str, Any]:
    return {"sha256": None, "evidence": None, "done_at": None, "verified_at": None, "detail": event.detail}


@columns_of.register
def _(event: happened.FileDamaged) -> dict[str, Any]:
    lost = {"sha256": None, "md5": None, "crc64": None, "evidence": None, "done_at": None, "verified_at": None}
    return {**lost, "attempts": 0, "suspicions": 0, "refused_link": None, "detail": event.detail}


@columns_of.register
def _(event: happened.FileMoved) -> dict[str, Any]:
    return {"path": event.path, "path_key": event.path_key, "verified_at": event.at}
