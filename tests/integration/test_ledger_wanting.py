"""What becomes wanted in the ledger, and what Polyv's list may change there."""

import dataclasses
from typing import Any

import pytest
from ledger_cases import (
    NOW,
    added,
    happened,
    history,
    polled,
    ready,
    rows,
    seen,
    statuses,
    taken,
    verified,
    vid,
    video,
)

from fetcher.domain.events import GivenUp
from fetcher.domain.library import ListedVideo
from fetcher.domain.status import Preparation, Reason
from fetcher.ledger.engine import Database
from fetcher.ledger.wanting import NEEDS_TASK, Choice, Wants, want

_LISTED = ListedVideo(vid=vid(1), title="One", category="A/B", size=100, created_at=NOW, status=61)


def _listed(*numbers: int, **facts: Any) -> list[ListedVideo]:
    return [dataclasses.replace(_LISTED, vid=vid(number), **facts) for number in numbers]


def _wanted(ledger: Database, *listed: ListedVideo, now: int = NOW, **choice: Any) -> Wants:
    with ledger.writing() as connection:
        return want(connection, listed, Choice(**choice), now=now)


def _facts(ledger: Database, number: int = 1) -> tuple[Any, ...]:
    row = video(ledger, number)
    return row["title"], row["category"], row["size_expected"], row["created_at"]


def _done(ledger: Database, number: int = 1) -> None:
    ready(ledger, number, task=number)
    (claimed,) = taken(ledger)
    by_md5 = dataclasses.replace(verified(f"{number}.mp4"), agreed=("md5:polyv",))
    happened(ledger, claimed.video_id, by_md5, claimed.fence)


def _failed(ledger: Database, number: int, reason: Reason) -> None:
    ready(ledger, number, task=number)
    (claimed,) = taken(ledger)
    happened(ledger, claimed.video_id, GivenUp(at=NOW, reason=reason, detail="why"), claimed.fence)


def test_a_page_becomes_wanted_and_a_second_time_nothing_happens(ledger: Database) -> None:
    assert 3 == _wanted(ledger, *_listed(1, 2, 3)).new
    before = rows(ledger, "SELECT * FROM videos")

    again = _wanted(ledger, *_listed(3, 2, 1), now=NOW + 1)

    assert (0, 3) == (again.chosen, again.open)
    assert before == rows(ledger, "SELECT * FROM videos")
    assert {"wanted"} == set(statuses(ledger).values())


def test_what_polyv_says_is_kept_fresh_until_the_file_has_a_name(ledger: Database) -> None:
    """The name is fixed then, and so is what it was made of; size and moment count until the file is done."""
    ready(ledger, 1)
    _wanted(ledger, _LISTED)
    _wanted(ledger, dataclasses.replace(_LISTED, title="Two", category="C"))
    assert ("Two", "C", 100, NOW) == _facts(ledger)
    taken(ledger)

    _wanted(ledger, dataclasses.replace(_LISTED, title="Three", size=200, created_at=NOW + 1))

    assert ("Two", "C", 200, NOW + 1) == _facts(ledger)


def test_what_polyv_does_not_say_any_more_is_kept(ledger: Database) -> None:
    _wanted(ledger, _LISTED)
    _wanted(ledger, ListedVideo(vid=vid(1)))

    assert ("One", "A/B", 100, NOW) == _facts(ledger)


def test_a_done_video_is_left_alone_but_for_what_was_not_known(ledger: Database) -> None:
    """It came from a task that was added, of which Polyv says little."""
    _done(ledger)
    before = video(ledger, 1)

    wants = _wanted(ledger, dataclasses.replace(_LISTED, size=5), failed=frozenset(Reason), expire_days=1)

    assert (0, 1, ()) == (wants.chosen, wants.done, wants.replaced)
    told = {"title": "One", "category": "A/B", "size_expected": 5, "created_at": NOW}
    assert {**before, **told} == video(ledger, 1)


def test_f110_a_new_size_of_a_done_video_is_seen_once(ledger: Database) -> None:
    _done(ledger)
    seen_sizes = [[one.listed_size for one in _wanted(ledger, one).replaced] for one in _listed(1, 1, size=99)]
    later = _wanted(ledger, *_listed(1, size=98)).replaced

    assert [[99], []] == seen_sizes
    assert [(5, 98)] == [(one.size, one.listed_size) for one in later]
    assert "done" == statuses(ledger)[vid(1)]


def test_what_polyv_listed_when_a_file_was_done_stays_known(ledger: Database) -> None:
    """Whatever it lists later; where it lists nothing of a video, nothing is taken for it."""
    _wanted(ledger, *_listed(1, size=7))
    _done(ledger, 1)
    _done(ledger, 2)

    told = [_wanted(ledger, *_listed(1, 2, size=size)).replaced for size in (7, 8)]

    assert [[7], [8, 8]] == [[one.listed_size for one in replaced] for replaced in told]
    assert [7, None] == [video(ledger, number)["size_listed_then"] for number in (1, 2)]


def test_the_list_is_remembered_beside_what_the_main_account_is_told(ledger: Database) -> None:
    """Its size is wrong, and known: that is no news, and what it says when the file is done again is the next."""
    _done(ledger)
    with ledger.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE videos SET status = 'wanted', size_expected = 5, size_listed = 7, done_at = NULL"
        )
    _done(ledger)

    replaced = _wanted(ledger, *_listed(1, size=7)).replaced

    row = video(ledger, 1)
    assert ((), 7) == (replaced, row["size_listed_then"])
    assert (7, None) == (row["size_expected"], row["size_listed"])


@pytest.mark.parametrize(
    ("before", "agreed", "then"),
    [
        pytest.param(5, ("size:polyv",), 5, id="replaced while the file was fetched"),
        pytest.param(None, ("size:origin",), None, id="told too late to be compared with"),
    ],
)
def test_f110_what_polyv_says_while_a_file_is_fetched_is_no_error_of_before(
    ledger: Database, before: int | None, agreed: tuple[str, ...], then: int | None
) -> None:
    """Nobody has told that the file differs from it."""
    _wanted(ledger, *_listed(1, size=before))
    ready(ledger, 1)
    (claimed,) = taken(ledger)
    _wanted(ledger, *_listed(1, size=9))

    happened(ledger, claimed.video_id, dataclasses.replace(verified("1.mp4"), agreed=agreed), claimed.fence)

    row = video(ledger, 1)
    assert (5, then) == (row["size"], row["size_listed_then"])


@pytest.mark.parametrize("reason", list(Reason))
def test_a_failed_video_is_wanted_again_where_a_new_task_may_help(ledger: Database, reason: Reason) -> None:
    _failed(ledger, 1, reason)

    wants = _wanted(ledger, _LISTED, failed=NEEDS_TASK)

    expected = "wanted" if reason in {"vendor_failed", "window_closed", "never_prepared"} else "failed"
    assert expected == statuses(ledger)[vid(1)]
    assert (expected == "wanted", expected == "failed") == (bool(wants.again), bool(wants.failed))
    assert (history(ledger)[-1] == "Chosen") == (expected == "wanted")


def test_a_limit_takes_the_oldest_and_tells_what_it_left_out(ledger: Database) -> None:
    _failed(ledger, 9, Reason.VENDOR_FAILED)
    listed = [dataclasses.replace(_LISTED, vid=vid(number), created_at=NOW - number) for number in (1, 2, 3, 9)]

    wants = _wanted(ledger, *listed, limit=2, failed=NEEDS_TASK)

    assert {vid(2): "wanted", vid(3): "wanted", vid(9): "failed"} == statuses(ledger)
    assert (2, 0, 2) == (wants.new, wants.again, wants.left_out)


def test_days_are_kept_with_what_is_to_be_asked_for_alone(ledger: Database) -> None:
    added(ledger)
    polled(ledger, 1, seen(1, Preparation.PROCESS))
    _wanted(ledger, *_listed(1, 2), expire_days=3)
    _wanted(ledger, *_listed(2, 3))

    days = {row["vid"]: row["expire_days"] for row in rows(ledger, "SELECT * FROM videos")}
    assert {vid(1): None, vid(2): 3, vid(3): None} == days


def test_a_task_that_names_a_wanted_video_takes_it_from_there(ledger: Database) -> None:
    _wanted(ledger, _LISTED)
    ready(ledger, 1)

    assert "ready" == statuses(ledger)[vid(1)]
    assert ("One", "A/B", 100, NOW) == _facts(ledger)
