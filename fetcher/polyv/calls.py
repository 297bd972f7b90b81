"""The calls that are made to Polyv: what is sent, and how much an answer is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from fetcher.domain.errors import UsageError
from fetcher.polyv.account import MainAccount
from fetcher.polyv.delivery import Delivery
from fetcher.polyv.video_info import GET_VIDEO_INFO, MOST_VIDS, about

_MOST_DAYS: Final = 7
_GET_TASK: Final = "/v3/video/source-file-task/get"
_CREATE_TASK: Final = "/v3/video/source-file-task/create"
_GET_VIDEO_MSG: Final = "/v2/video/{user_id}/get-video-msg"


@dataclass(slots=True, kw_only=True)
class Call:
    """One call over all its tries, with what the latest answer said beside its body."""

    method: Literal["GET", "POST"] = "GET"
    path: str
    params: Mapping[str, str]
    is_repeatable: bool = True
    """False where a second request would do its work a second time."""
    is_worth_waiting: bool = True
    """False for what can do without an answer: it is asked once, and its silence holds nothing back."""
    account: MainAccount | None = None
    """Whose word a v2 call is; None for a v3 call, which is the sub-account's."""
    pause_s: float | None = None
    """What ``Retry-After`` asked for, in seconds."""
    offset_s: float | None = None
    """How far Polyv's clock is ahead of ours by that answer, in seconds."""
    delivery: Delivery = field(default_factory=Delivery)
    timeout_s: float | None = None
    """Longest time for one request; None for the usual one."""


def asking_about(task_id: str) -> Call:
    """Return the call that asks where the videos of a task stand."""
    return Call(path=_GET_TASK, params={"taskId": task_id})


def creating(vids: Sequence[str], *, expire_days: int, delivery: Delivery, timeout_s: float) -> Call:
    """Return the call that asks Polyv to prepare videos.

    Raises:
        UsageError: Too many, too few, or an id that would read as several.
    """
    _require_vids(vids)
    if not 1 <= expire_days <= _MOST_DAYS:
        raise UsageError(f"expire_days is 1 to {_MOST_DAYS}, not {expire_days}")
    return Call(
        method="POST",
        path=_CREATE_TASK,
        params={"vids": ",".join(vids), "expireDays": str(expire_days)},
        is_repeatable=False,
        delivery=delivery,
        timeout_s=timeout_s,
    )


def sizing(vids: Sequence[str]) -> Call:
    """Return the call that asks for the sizes of sources.

    Raises:
        UsageError: As for ``creating``.
    """
    _require_vids(vids)
    return Call(path=GET_VIDEO_INFO, params=about(vids), is_worth_waiting=False)


def asking_as(account: MainAccount, vid: str) -> Call:
    """Return the call by which the main account asks about one source."""
    path = _GET_VIDEO_MSG.format(user_id=account.user_id)
    return Call(path=path, params={"vid": vid}, is_worth_waiting=False, account=account)


def _require_vids(vids: Sequence[str]) -> None:
    """Raise UsageError unless *vids* fit into one call."""
    if not 1 <= len(vids) <= MOST_VIDS or any(not vid or "," in vid for vid in vids):
        raise UsageError(f"one call takes 1 to {MOST_VIDS} video ids, none empty or with a comma; got {len(vids)}")
