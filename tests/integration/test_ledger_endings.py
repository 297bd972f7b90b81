"""When waiting ends: last words, refused links, patience, and tasks that Polyv no longer knows."""

import dataclasses

import pytest
from ledger_cases import (
    DAY,
    MINUTE,
    NOW,
    added,
    happened,
    history,
    polled,
    rows,
    seen,
    statuses,
    taken,
    task,
    task_of,
    verified,
    vid,
    video,
)

from fetcher.domain.events import GivenUp, LinkRefused, WindowClosed
from fetcher.domain.status import Preparation, Reason
from fetcher.ledger.due import ask_again
from fetcher.ledger.engine import Database
from fetcher.ledger.polls import record_poll_failure
from fetcher.ledger.work import file_missing, forget_refusals, retry

INIT, PROCESS, SUCCESS, FAIL, UNKNOWN = Preparation


@pytest.fixture(name="ledger")
def _ledger(ledger: Database) -> Database:
    added(ledger, 1)
    added(ledger, 2)
    return ledger


def test_a_row_that_vanished_for_good_is_given_up(ledger: Database) -> None:
    """F61, promise 7: it must not wait for ever."""
    polled(ledger, 1, seen(1, PROCESS), seen(2))
    polled(ledger, 1, seen(2), is_given_up=True)
    assert ("failed", "never_prepared") == (video(ledger, 1)["status"], video(ledger, 1)["reason"])
    assert ("finished", None) == task(ledger)


def test_an_empty_answer_is_no_end_until_the_patience_ends(ledger: Database) -> None:
    """F57, F62."""
    assert not polled(ledger, 1).is_finished
    assert ("open", NOW + MINUTE) == task(ledger)
    polled(ledger, 1, is_given_up=True)
    assert ("rejected", None) == task(ledger)


def test_a_task_that_answers_nothing_any_more_leaves_no_video_waiting(ledger: Database) -> None:
    polled(ledger, 1, seen(1, PROCESS))
    polled(ledger, 1, is_given_up=True)
    assert "failed" == video(ledger, 1)["status"]


@pytest.mark.parametrize("is_known", [True, False])
def test_what_was_never_prepared_is_given_up(ledger: Database, is_known: bool) -> None:  # noqa: FBT001
    """F99: even where the first question comes only after the patience has ended."""
    if is_known:
        polled(ledger, 1, seen(1, PROCESS))
    polled(ledger, 1, seen(1, PROCESS), seen(2), is_given_up=True)
    assert ("failed", "never_prepared") == (video(ledger, 1)["status"], video(ledger, 1)["reason"])
    assert "ready" == video(ledger, 2)["status"]
    assert ["TaskNamed", "GivenUp"] == history(ledger)
    assert ("finished", None) == task(ledger)


def test_what_another_task_may_still_give_is_not_given_up(ledger: Database) -> None:
    polled(ledger, 1, seen(1, PROCESS))
    polled(ledger, 2, seen(1, PROCESS))
    polled(ledger, 1, seen(1, PROCESS), is_given_up=True)
    assert "waiting" == video(ledger, 1)["status"]
    polled(ledger, 2, seen(1, PROCESS), is_given_up=True)
    assert "failed" == video(ledger, 1)["status"]


def test_a_task_is_finished_after_the_last_word_and_asked_again_for_a_fresh_link(ledger: Database) -> None:
    polled(ledger, 1, seen(1), seen(2, FAIL))
    assert ("finished", None) == task(ledger)
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)
    with ledger.writing() as connection:
        ask_again(connection, one.video_id, at=NOW + 5)
    assert ("finished", NOW + 5) == task(ledger)

    polled(ledger, 1, seen(1), seen(2, FAIL))
    assert "waiting" == video(ledger, 1)["status"], "the refused link is not tried again"
    assert ("finished", NOW + MINUTE) == task(ledger), "asked until there is another"

    polled(ledger, 1, seen(1, turn=1), seen(2, FAIL))
    assert "ready" == video(ledger, 1)["status"]
    assert ("finished", None) == task(ledger)


@pytest.mark.parametrize(("at", "expected"), [(NOW - 5, NOW - 5), (NOW + 5, NOW)])
def test_a_task_that_is_due_sooner_anyway_is_not_put_off(ledger: Database, at: int, expected: int) -> None:
    polled(ledger, 1, seen(1, PROCESS), now=NOW - MINUTE)
    with ledger.writing() as connection:
        ask_again(connection, 1, at=at)
    assert ("open", expected) == task(ledger)


def test_a_refused_link_is_tried_again_by_a_later_run(ledger: Database) -> None:
    """F35."""
    polled(ledger, 1, seen(1))
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)
    polled(ledger, 1, seen(1))
    assert "waiting" == video(ledger, 1)["status"]
    with ledger.writing() as connection:
        forget_refusals(connection)
    polled(ledger, 1, seen(1))
    assert "ready" == video(ledger, 1)["status"]


@pytest.mark.parametrize(("later", "status"), [(7 * DAY, "waiting"), (7 * DAY + 1, "failed")])
def test_a_link_refused_after_the_longest_window_needs_a_new_task(
    ledger: Database, later: int, status: str
) -> None:
    """F35."""
    polled(ledger, 1, seen(1))
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)
    polled(ledger, 1, seen(1), now=NOW + later, is_given_up=True)
    assert status == video(ledger, 1)["status"]
    assert ("window_closed" if status == "failed" else None) == video(ledger, 1)["reason"]


def test_two_tasks_that_give_the_cold_file_alone_do_not_hope_for_each_other(ledger: Database) -> None:
    """F35: a word of one in between brings a person's video back to waiting, where it must not stay."""
    polled(ledger, 1, seen(1))
    polled(ledger, 2, seen(1), seen(2, PROCESS))
    (one,) = taken(ledger)
    cold = GivenUp(at=NOW, reason=Reason.WINDOW_CLOSED, detail="cold", cold_success_at=NOW)
    happened(ledger, one.video_id, cold, one.fence)

    polled(ledger, 1, seen(1, PROCESS))
    assert "waiting" == video(ledger, 1)["status"]
    polled(ledger, 1, seen(1, turn=1))

    assert ("failed", "window_closed") == (video(ledger, 1)["status"], video(ledger, 1)["reason"])


def test_what_was_asked_for_after_the_file_went_cold_is_taken_whatever_its_moment_of_success(
    ledger: Database,
) -> None:
    """F35: Polyv may tell when the file was ready first; what was paid for once more is tried."""
    polled(ledger, 1, seen(1))
    (one,) = taken(ledger)
    closed = WindowClosed(at=NOW, detail="cold", success_at=NOW)
    happened(ledger, one.video_id, closed, one.fence)
    polled(ledger, 1, seen(1, turn=1))
    assert "wanted" == video(ledger, 1)["status"]

    polled(ledger, 2, dataclasses.replace(seen(1, turn=2), created_at=NOW + 1))

    assert "ready" == video(ledger, 1)["status"]


def test_a_task_that_polyv_refuses_is_rejected_after_time_and_questions(ledger: Database) -> None:
    """F62."""
    for number in range(5):
        assert "open" == task(ledger)[0]
        fail(ledger, 1, is_given_up=number > 0)
    assert ("rejected", None) == task(ledger)
    assert ("open", NOW) == task(ledger, 2)


def test_what_waits_for_a_rejected_task_alone_is_given_up(ledger: Database) -> None:
    """Promise 7."""
    polled(ledger, 1, seen(1, PROCESS), seen(2, PROCESS), seen(3))
    polled(ledger, 2, seen(2, PROCESS))
    for _ in range(5):
        fail(ledger, 1, is_given_up=True)
    assert {vid(1): "failed", vid(2): "waiting", vid(3): "ready"} == statuses(ledger)


def test_a_failed_question_keeps_what_is_known(ledger: Database) -> None:
    """F55."""
    polled(ledger, 1, seen(1), seen(2, PROCESS))
    fail(ledger, 1, is_given_up=False)
    assert {vid(1): "ready", vid(2): "waiting"} == statuses(ledger)
    assert ("open", NOW + 2 * MINUTE) == task(ledger)


def test_what_polyv_answered_is_kept_fit_for_a_terminal(ledger: Database) -> None:
    """F94."""
    fail(ledger, 1, is_given_up=False)
    assert [{"last_error": "no answer\\u001b[31m"}] == rows(ledger, "SELECT last_error FROM tasks WHERE polls = 1")


@pytest.mark.parametrize("status", ["done", "failed"])
def test_a_video_put_back_to_work_has_its_tasks_asked_at_once(ledger: Database, status: str) -> None:
    """F78."""
    polled(ledger, 1, seen(1) if status == "done" else seen(1, FAIL))
    for one in taken(ledger):
        happened(ledger, one.video_id, verified(one.path), one.fence)
    assert (status, None) == (video(ledger, 1)["status"], task(ledger)[1])
    with ledger.writing() as connection:
        if status == "done":
            file_missing(connection, 1, detail="gone from the disk", now=NOW)
        else:
            assert [vid(1)] == retry(connection, None, now=NOW).back
    assert ("waiting", NOW) == (video(ledger, 1)["status"], task(ledger)[1])
    polled(ledger, 1, seen(1))
    assert "ready" == video(ledger, 1)["status"]


@pytest.mark.parametrize("last", ["FAIL", "no longer named", "refused"])
def test_a_finished_task_is_asked_once_more_before_a_video_is_given_up(ledger: Database, last: str) -> None:
    """F60, F61, F62: its link may still work. It is not asked while a newer task is at it, nor in circles."""
    gone(ledger)
    polled(ledger, 2, seen(1, PROCESS), now=NOW + 2)
    assert ("waiting", None) == (video(ledger, 1)["status"], task(ledger)[1])

    give_up(ledger, last)
    assert ("waiting", NOW + 3) == (video(ledger, 1)["status"], task(ledger)[1])

    polled(ledger, 1, seen(1, INIT), now=NOW + 4, is_given_up=True)
    assert ("failed", "never_prepared", None) == (
        video(ledger, 1)["status"],
        video(ledger, 1)["reason"],
        task(ledger)[1],
    )


def test_a_finished_task_that_is_asked_once_more_may_give_the_video(ledger: Database) -> None:
    """F61."""
    gone(ledger)
    polled(ledger, 2, seen(1, PROCESS), now=NOW + 2)
    give_up(ledger, "no longer named")
    polled(ledger, 1, seen(1, turn=1), now=NOW + 4)
    assert "ready" == video(ledger, 1)["status"]
    assert ("finished", None) == task(ledger)


def test_two_finished_tasks_do_not_ask_for_each_other_without_end(ledger: Database) -> None:
    """F61: each once, then a person."""
    gone(ledger)
    polled(ledger, 2, seen(1), now=NOW + 2)
    (one,) = taken(ledger, now=NOW + 2)
    happened(ledger, one.video_id, GivenUp(at=NOW + 2, reason=Reason.GONE, detail="404"), one.fence)
    added(ledger, 3)
    polled(ledger, 3, seen(1, PROCESS), now=NOW + 3)

    polled(ledger, 3, seen(1, FAIL), now=NOW + 4)
    assert [NOW + 4, NOW + 4] == [task(ledger)[1], task(ledger, 2)[1]]
    for number in (1, 2):
        assert "waiting" == video(ledger, 1)["status"]
        polled(ledger, number, seen(2), now=NOW + 5, is_given_up=True)

    assert "failed" == video(ledger, 1)["status"]
    polled(ledger, 3, seen(1, FAIL), now=NOW + 6)
    assert [None] * 3 == [task(ledger, number)[1] for number in (1, 2, 3)]


def test_a_done_video_has_no_task_asked_for_it(ledger: Database) -> None:
    """F61."""
    gone(ledger)
    polled(ledger, 2, seen(1, PROCESS), now=NOW + 2)
    polled(ledger, 2, seen(1), now=NOW + 3)
    (one,) = taken(ledger, now=NOW + 3)
    happened(ledger, one.video_id, verified(one.path), one.fence)
    added(ledger, 3)
    polled(ledger, 3, seen(1, FAIL), now=NOW + 4)
    assert ("done", "finished", None) == (video(ledger, 1)["status"], *task(ledger))


def gone(ledger: Database) -> None:
    """Let the first task give a link that leads to nothing, and be finished."""
    polled(ledger, 1, seen(1))
    (one,) = taken(ledger)
    happened(ledger, one.video_id, GivenUp(at=NOW + 1, reason=Reason.GONE, detail="404"), one.fence)
    assert ("failed", "finished", None) == (video(ledger, 1)["status"], *task(ledger))


def give_up(ledger: Database, last: str) -> None:
    """Let the second task come to nothing."""
    if last == "FAIL":
        polled(ledger, 2, seen(1, FAIL), now=NOW + 3)
    elif last == "no longer named":
        polled(ledger, 2, now=NOW + 3, is_given_up=True)
    else:
        for _ in range(5):
            fail(ledger, 2, is_given_up=True, now=NOW + 3)


def fail(ledger: Database, number: int, *, is_given_up: bool, now: int = NOW) -> None:
    """Keep that Polyv did not answer."""
    task = task_of(ledger, number)
    with ledger.writing() as connection:
        record_poll_failure(
            connection,
            task,
            text="no answer\x1b[31m",
            now=now,
            next_poll_at=now + 2 * MINUTE,
            is_given_up=is_given_up,
        )
