"""Write events: the videos' new columns and the rows of their history, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from fetcher.domain import events as happened
from fetcher.domain.errors import FetcherError, IllegalTransitionError, StaleLeaseError
from fetcher.domain.identifiers import printable
from fetcher.domain.status import Status
from fetcher.domain.transitions import next_status
from fetcher.ledger.bulk import as_one, fetch, insert_rows, one_of, packed, update_rows
from fetcher.ledger.columns import columns_of
from fetcher.ledger.history import told_of
from fetcher.ledger.schema import events, videos

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
    (result,) = apply_all(connection, [change])
    if isinstance(result, FetcherError):
        raise result
    return result


def apply_all(connection: Connection, changes: Sequence[Change]) -> list[Status | FetcherError]:
    """Write *changes* in their order, with few statements however many they are.

    Returns:
        For each where the video stands now, or why it was not written: a stale claim, an event that cannot happen.
        The others are written all the same.
    """
    batch = _Batch(connection, {change.video_id for change in changes})
    results: list[Status | FetcherError] = []
    for change in changes:
        try:
            results.append(batch.add(change))
        except (StaleLeaseError, IllegalTransitionError) as exc:
            results.append(exc)
    batch.write()
    return results


class _Batch:
    """Changes that are written together: one UPDATE for all of a kind, one INSERT for their history."""

    def __init__(self, connection: Connection, video_ids: Iterable[int]) -> None:
        self._connection = connection
        self._standing = _standing(connection, sorted(video_ids))
        self._updates: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        self._touched: set[int] = set()
        self._history: list[dict[str, Any]] = []

    def add(self, change: Change) -> Status:
        """Take in *change* and return where the video stands with it."""
        standing, event = self._standing[change.video_id], change.event
        _require_fence(standing, change)
        before = Status(standing.status)
        after = next_status(before, event)
        if change.video_id in self._touched:
            self.write()  # Statements of several rows keep no order between them.
        values = _values(event, standing, after)
        self._updates.setdefault(tuple(values), []).append({"id": change.video_id, **values})
        self._touched.add(change.video_id)
        self._history.append(
            {
                "video": change.video_id,
                "at": event.at,
                "kind": type(event).__name__,
                "from_status": before.value,
                "to_status": after.value,
                "detail": _short(told_of(event)),
            }
        )
        standing.take(values)
        return after

    def write(self) -> None:
        """Write what was taken in."""
        for rows in self._updates.values():
            update_rows(self._connection, videos, rows)
        insert_rows(self._connection, events, self._history)
        self._updates, self._touched, self._history = {}, set(), []


class _Standing(msgspec.Struct, array_like=True):
    """What decides about a change of one video."""

    id: int
    status: str
    lease_owner: str | None
    lease_token: int
    link: str | None
    attempts: int
    suspicions: int
    resubmits: int
    start_by: int | None
    postponed: int
    size_expected: int | None
    size_listed: int | None

    def take(self, values: Mapping[str, Any]) -> None:
        """Take in what has changed."""
        for name in self.__struct_fields__:
            if name in values:
                setattr(self, name, values[name])


_STANDINGS: Final = msgspec.json.Decoder(list[_Standing])
_SELECT_STANDING: Final = as_one(
    select(*(videos.c[name] for name in _Standing.__struct_fields__)).where(videos.c.id.in_(one_of()))
)


def _standing(connection: Connection, video_ids: Sequence[int]) -> dict[int, _Standing]:
    """Return what decides about changes, by video."""
    found = fetch(connection, _SELECT_STANDING, packed(video_ids), _STANDINGS)
    return {standing.id: standing for standing in found}


def _require_fence(standing: _Standing, change: Change) -> None:
    held = (standing.lease_owner, standing.lease_token)
    if change.fence is not None and held != (change.fence.owner, change.fence.token):
        raise StaleLeaseError(f"the claim on video {change.video_id} ended")


def _values(event: happened.Event, standing: _Standing, after: Status) -> dict[str, Any]:
    """Return the new values of the video's columns."""
    values = {"status": after.value, **columns_of(event)}
    if values.get("detail") is not None:
        values["detail"] = _short(values["detail"])
    if isinstance(event, happened.LinkRefused):
        values["refused_link"] = event.url or standing.link
    if isinstance(event, happened.TransferFailed | happened.FileVerified):
        values["attempts"] = standing.attempts + 1
    if isinstance(event, happened.FileVerified):
        values["size_listed_then"] = _listed_then(event, standing)
    if isinstance(event, happened.WindowClosed):
        values["resubmits"] = standing.resubmits + 1
    if isinstance(event, happened.LinkPublished) and _is_as_urgent(event, standing):
        values["postponed"] = standing.postponed
    if isinstance(event, happened.TransferFailed) and event.is_suspicious:
        values["suspicions"] = standing.suspicions + 1
    if isinstance(event, happened.TransferFailed) and event.differed is not None:
        values["differed"] = event.differed
    return values


def _listed_then(event: happened.FileVerified, standing: _Standing) -> int | None:
    """Return what Polyv's list has said of a file that was compared with it; what came meanwhile is a later word.

    None where nothing was compared: that the two differ has not been told yet.
    """
    if event.difference is None and not any(one.endswith(":polyv") for one in event.agreed):
        return None
    if standing.size_listed is not None:
        return standing.size_listed
    return event.size if "size:polyv" in event.agreed else standing.size_expected


def _is_as_urgent(event: happened.LinkPublished, standing: _Standing) -> bool:
    """Tell whether a fresh link changes nothing about by when to begin, so that the plan's word still holds."""
    return standing.status == Status.READY and standing.start_by == event.start_by


def _short(text: str | None) -> str | None:
    return None if text is None else printable(text, limit=_LONGEST_DETAIL)
