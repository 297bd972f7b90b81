"""What Polyv says of tasks, kept: news, silence, contradictions and endings."""

import pytest
from ledger_cases import (
    MINUTE,
    NOW,
    added,
    happened,
    link,
    polled,
    rows,
    seen,
    statuses,
    taken,
    task,
    task_id,
    task_of,
    verified,
    vid,
    video,
)

from fetcher.domain.status import Preparation
from fetcher.ledger.due import due_tasks, next_poll_at, tasks_naming
from fetcher.ledger.engine import Database

INIT, PROCESS, SUCCESS, FAIL, UNKNOWN = Preparation


@pytest.fixture(name="ledger")
def _ledger(ledger: Database) -> Database:
    added(ledger, 1)
    added(ledger, 2)
    return ledger


def test_new_videos_wait_or_are_ready_as_polyv_says(ledger: Database) -> None:
    outcome = polled(ledger, 1, seen(1), seen(2, PROCESS), seen(3, INIT), seen(4, UNKNOWN), seen(5, FAIL))
    expected = ["ready", "waiting", "waiting", "waiting", "failed"]
    assert expected == [statuses(ledger)[vid(number)] for number in range(1, 6)]
    assert (1, (vid(5),), False) == (outcome.published, outcome.failed, outcome.is_finished)
    assert ("open", NOW + MINUTE) == task(ledger)


def test_a_first_answer_that_only_prepares_is_no_failure(ledger: Database) -> None:
    assert () == polled(ledger, 1, seen(1, PROCESS), seen(2, PROCESS)).failed


def test_a_hundred_videos_are_kept_in_one_transaction(ledger: Database) -> None:
    """F65."""
    polled(ledger, 1, *(seen(number) for number in range(100)))
    assert 100 == len(statuses(ledger))
    assert [{"n": 100}] == rows(ledger, "SELECT count(*) AS n FROM task_items")


def test_an_unchanged_answer_writes_the_tasks_row_and_nothing_else(ledger: Database) -> None:
    answer = [seen(1), seen(2, PROCESS), seen(3, FAIL)]
    polled(ledger, 1, *answer)
    with ledger.reading() as connection:
        before = connection.connection.driver_connection.total_changes  # type: ignore[union-attr]
    polled(ledger, 1, *answer, now=NOW + MINUTE)
    with ledger.reading() as connection:
        assert 1 == connection.connection.driver_connection.total_changes - before  # type: ignore[union-attr]
    assert 2 == task_of(ledger, 1).quiet_polls


def test_fail_in_one_of_two_tasks_is_no_failure_and_in_both_it_is(ledger: Database) -> None:
    """F60, F63."""
    polled(ledger, 1, seen(1, PROCESS))
    polled(ledger, 2, seen(1, PROCESS))
    polled(ledger, 1, seen(1, FAIL))
    assert "waiting" == video(ledger, 1)["status"]
    polled(ledger, 2, seen(1, FAIL))
    assert ("failed", "vendor_failed") == (video(ledger, 1)["status"], video(ledger, 1)["reason"])


def test_a_fail_leaves_the_other_videos_of_its_task_alone(ledger: Database) -> None:
    """F60."""
    polled(ledger, 1, seen(1, FAIL), seen(2))
    assert {vid(1): "failed", vid(2): "ready"} == statuses(ledger)
    assert ("finished", None) == task(ledger)


def test_a_failed_video_that_another_task_prepares_is_back(ledger: Database) -> None:
    polled(ledger, 1, seen(1, FAIL))
    polled(ledger, 2, seen(1, PROCESS))
    assert ("waiting", None) == (video(ledger, 1)["status"], video(ledger, 1)["reason"])


@pytest.mark.parametrize("said", [INIT, PROCESS, FAIL, UNKNOWN])
def test_an_answer_that_goes_backwards_takes_no_link_away(ledger: Database, said: Preparation) -> None:
    """F61."""
    polled(ledger, 1, seen(1))
    polled(ledger, 1, seen(1, said))
    assert ("ready", link(1).url) == (video(ledger, 1)["status"], video(ledger, 1)["link"])


@pytest.mark.parametrize("said", [*Preparation])
def test_a_done_video_stays_done_whatever_polyv_says(ledger: Database, said: Preparation) -> None:
    """F61."""
    polled(ledger, 1, seen(1))
    (one,) = taken(ledger)
    happened(ledger, one.video_id, verified(one.path), one.fence)
    before = video(ledger, 1)
    polled(ledger, 2, seen(1, said, turn=1))
    polled(ledger, 1, seen(1, said, turn=1))
    assert before == video(ledger, 1)


def test_a_row_that_vanished_keeps_its_video_and_the_task_open(ledger: Database) -> None:
    """F61."""
    polled(ledger, 1, seen(1, PROCESS), seen(2))
    assert not polled(ledger, 1, seen(2)).is_finished
    assert {vid(1): "waiting", vid(2): "ready"} == statuses(ledger)
    assert ("open", NOW + MINUTE) == task(ledger)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ((seen(1), seen(1)), "ready"),
        ((seen(1), seen(1, FAIL)), "ready"),
        ((seen(1, PROCESS), seen(1)), "ready"),
        ((seen(1, FAIL), seen(1, PROCESS)), "waiting"),
        ((seen(1, FAIL), seen(1, FAIL)), "failed"),
    ],
)
def test_a_video_named_twice_in_one_answer_is_one_row_that_says_most(
    ledger: Database, answer: tuple[object, ...], status: str
) -> None:
    """F63."""
    polled(ledger, 1, *answer)  # type: ignore[arg-type]
    assert {vid(1): status} == statuses(ledger)
    assert 1 == len(rows(ledger, "SELECT * FROM task_items"))


def test_a_video_in_two_tasks_is_one_row(ledger: Database) -> None:
    """F63, promise 4."""
    polled(ledger, 1, seen(1))
    polled(ledger, 2, seen(1))
    assert {vid(1): "ready"} == statuses(ledger)
    assert 2 == len(rows(ledger, "SELECT * FROM task_items"))
    with ledger.reading() as connection:
        assert {task_id(1), task_id(2)} == {one.task_id for one in tasks_naming(connection, 1)}


def test_due_tasks_come_longest_due_first_and_those_in_work_are_left_out(ledger: Database) -> None:
    added(ledger, 3, now=NOW - 1)
    added(ledger, 4, now=NOW + 1)
    with ledger.reading() as connection:
        assert [3, 1, 2] == [one.row_id for one in due_tasks(connection, now=NOW, limit=9)]
        assert [3, 2] == [one.row_id for one in due_tasks(connection, now=NOW, limit=9, skip=[1])]
        assert [3] == [one.row_id for one in due_tasks(connection, now=NOW, limit=1)]
        assert NOW - 1 == next_poll_at(connection)
