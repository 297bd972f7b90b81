"""The table of transitions, pair by pair."""

import dataclasses
from typing import Any, Final

import pytest

from fetcher.domain import events
from fetcher.domain.errors import IllegalTransitionError
from fetcher.domain.link import Link
from fetcher.domain.status import Evidence, Reason, Status
from fetcher.domain.transitions import TRANSITIONS, next_status

LINK: Final = Link(url="https://h/a.mp4", obtained_at=1)
VALUES: Final[dict[str, Any]] = {
    "at": 1,
    "task_id": "t" * 8,
    "link": LINK,
    "deadline": None,
    "start_by": None,
    "detail": "why",
    "due_at": 2,
    "path": "a.mp4",
    "path_key": "a.mp4",
    "before": "b.mp4",
    "size": 1,
    "sha256": "0" * 64,
    "evidence": Evidence.NONE,
    "reason": Reason.GONE,
}
KINDS: Final = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event) and kind is not events.Event
]
PAIRS: Final = [(status, kind) for status in Status for kind in KINDS]

WANTED, WAITING, READY, DONE, FAILED = Status
EXPECTED: Final = {
    (WANTED, "TaskNamed"): WAITING,
    (WANTED, "LinkPublished"): READY,
    (WANTED, "PreparationFailed"): FAILED,
    (WANTED, "GivenUp"): FAILED,
    (WAITING, "LinkPublished"): READY,
    (WAITING, "PreparationFailed"): FAILED,
    (WAITING, "GivenUp"): FAILED,
    (WAITING, "WindowClosed"): WANTED,
    (READY, "LinkPublished"): READY,
    (READY, "LinkRefused"): WAITING,
    (READY, "TransferFailed"): READY,
    (READY, "FileVerified"): DONE,
    (READY, "GivenUp"): FAILED,
    (READY, "WindowClosed"): WANTED,
    (FAILED, "TaskNamed"): WAITING,
    (FAILED, "LinkPublished"): READY,
    (FAILED, "RetryAsked"): WAITING,
    (FAILED, "Chosen"): WANTED,
    (DONE, "FileMissing"): WAITING,
    (DONE, "FileDamaged"): WANTED,
    (DONE, "FileMoved"): DONE,
}


def event_of(kind: type[events.Event]) -> events.Event:
    """Return an event of *kind*."""
    return kind(**{field.name: VALUES[field.name] for field in dataclasses.fields(kind) if field.name in VALUES})


@pytest.mark.parametrize(("status", "kind"), PAIRS)
def test_every_pair_leads_where_the_table_says_or_is_illegal(status: Status, kind: type[events.Event]) -> None:
    event, expected = event_of(kind), EXPECTED.get((status, kind.__name__))

    if expected is None:
        with pytest.raises(IllegalTransitionError, match=f"{kind.__name__} cannot happen to a {status} video"):
            next_status(status, event)
    else:
        assert expected is next_status(status, event)


def test_the_table_has_no_pair_beside_the_expected() -> None:
    assert set(EXPECTED) == {(status, kind.__name__) for status, kind in TRANSITIONS}


def test_done_is_left_only_where_its_file_is_gone_or_damaged() -> None:
    left = [(kind, after) for (status, kind), after in TRANSITIONS.items() if status is DONE is not after]
    assert [(events.FileMissing, WAITING), (events.FileDamaged, WANTED)] == left


def test_done_is_reached_only_by_a_verified_file_of_a_ready_video() -> None:
    """Promise 1: nothing else calls a video done."""
    reached = [(status, kind) for (status, kind), after in TRANSITIONS.items() if status is not DONE is after]
    assert [(READY, events.FileVerified)] == reached


def test_every_status_is_reached_and_but_for_done_left() -> None:
    assert set(Status) == set(TRANSITIONS.values())
    assert set(Status) == {status for status, _ in TRANSITIONS}
