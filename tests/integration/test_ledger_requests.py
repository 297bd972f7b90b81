"""Tasks that are asked for, from the intent to the answer, the loss or the refusal."""

import pytest
from ledger_cases import DAY, MINUTE, NOW, history, plan, polled, rows, seen, statuses, task_id, task_of, vid, video
from sqlalchemy import text
from wanted_cases import want

from fetcher.domain.status import Preparation
from fetcher.domain.waves import USUAL_SIZE
from fetcher.ledger import intents, requests
from fetcher.ledger.engine import Database
from fetcher.ledger.intents import Intent
from fetcher.ledger.work import Retried, retry

_HOUR = 60 * MINUTE


def _want(ledger: Database, *numbers: int, size: int | None = 1000) -> None:
    with ledger.writing() as connection:
        want(connection, [vid(number) for number in numbers], sizes=[size] * len(numbers))


def _intend(ledger: Database, *video_ids: int, key: str = "k", days: int = 1, now: int = NOW) -> Intent | None:
    with ledger.writing() as connection:
        return intents.write_intent(connection, video_ids, key=key, expire_days=days, now=now)


def _intended(ledger: Database, *video_ids: int, key: str = "k", days: int = 1) -> Intent:
    intent = _intend(ledger, *video_ids, key=key, days=days)
    assert intent is not None
    return intent


def _create(ledger: Database, intent: Intent, number: int = 1) -> None:
    with ledger.writing() as connection:
        intents.keep_created(connection, intent, task_id(number), now=NOW, next_poll_at=NOW + MINUTE)


def _lose(ledger: Database, intent: Intent) -> None:
    with ledger.writing() as connection:
        intents.keep_lost(connection, intent, "cut", note="a note")


def _askable(ledger: Database, *, now: int = NOW) -> list[int]:
    with ledger.reading() as connection:
        return [one.video_id for one in requests.wanted(connection, now=now, usual=1, have={})]


def _outstanding(ledger: Database, *, now: int = NOW, have: dict[int, int] | None = None) -> int:
    with ledger.reading() as connection:
        return requests.outstanding(connection, now=now, usual=7, have=have or {})


def test_a_task_that_was_made_is_open_and_its_videos_wait(ledger: Database) -> None:
    """In one commit, with the id and the moment of the first question."""
    _want(ledger, 1, 2, 3)
    intent = _intended(ledger, 1, 2)
    assert ([vid(1), vid(2)], [3]) == (intent.vids, _askable(ledger))
    _create(ledger, intent)

    assert {vid(1): "waiting", vid(2): "waiting", vid(3): "wanted"} == statuses(ledger)
    told = "SELECT status, task_id, next_poll_at, expire_days FROM tasks"
    assert [
        {"status": "open", "task_id": task_id(1), "next_poll_at": NOW + MINUTE, "expire_days": 1}
    ] == rows(ledger, told)  # fmt: skip
    assert ["TaskNamed"] == history(ledger)
    polled(ledger, 1, seen(1), seen(2, Preparation.FAIL))
    assert {vid(1): "ready", vid(2): "failed", vid(3): "wanted"} == statuses(ledger)


def test_what_polyv_never_names_of_a_task_is_given_up_like_anything_else(ledger: Database) -> None:
    """The task stays open for it until then."""
    _want(ledger, 1, 2)
    _create(ledger, _intended(ledger, 1, 2))
    polled(ledger, 1, seen(1))
    assert ["open"] == [row["status"] for row in rows(ledger, "SELECT status FROM tasks")]
    polled(ledger, 1, seen(1), now=NOW + 8 * DAY, is_given_up=True)

    assert "never_prepared" == video(ledger, 2)["reason"]


def test_a_lost_task_holds_its_videos_until_its_window_is_over(ledger: Database) -> None:
    """A day and an hour after the intent; its bytes count as thawed for as long."""
    _want(ledger, 1, 2)
    intent = _intended(ledger, 1)
    _lose(ledger, intent)

    over = NOW + DAY + _HOUR
    assert over == intent.asked_again_at
    assert ([2], [2], [1, 2]) == tuple(_askable(ledger, now=now) for now in (NOW, over - 1, over))
    assert (1000, 0) == (_outstanding(ledger, now=over - 1), _outstanding(ledger, now=over))
    assert _intend(ledger, 1) is None
    assert ("wanted", "a note") == (video(ledger, 1)["status"], video(ledger, 1)["detail"])
    with ledger.reading() as connection:
        assert (over, None) == tuple(requests.held_until(connection, now=now) for now in (NOW, over))
    assert _intend(ledger, 1, key="again", now=over) is not None


def test_a_person_may_have_a_lost_video_asked_for_at_once_but_none_of_a_call_under_way(ledger: Database) -> None:
    """Of a lost task the others go on waiting."""
    _want(ledger, 1, 2, 3)
    _lose(ledger, _intended(ledger, 1, 2))
    _intended(ledger, 3, key="under way")
    with ledger.writing() as connection:
        assert Retried(back=[vid(1)], unknown=[], spared=[]) == retry(connection, [vid(1), vid(3)], now=NOW)

    assert ([1], None) == (_askable(ledger), video(ledger, 1)["detail"])


def test_intents_of_a_dead_run_are_found_and_those_from_the_future_come_back(ledger: Database) -> None:
    """The clock was ten years ahead when one was written; it is held for a day from now, not for ten years."""
    _want(ledger, 1, 2)
    _lose(ledger, _intended(ledger, 1))
    with ledger.writing() as connection:
        intents.write_intent(connection, [2], key="ahead", expire_days=1, now=NOW + 3650 * DAY)
    with ledger.writing() as connection:
        (left,) = intents.unanswered(connection, now=NOW)

    assert ("ahead", [vid(2)], NOW + DAY + _HOUR) == (left.key, left.vids, left.asked_again_at)


def test_an_intent_that_came_to_nothing_leaves_nothing(ledger: Database) -> None:
    """Polyv said no, or was not reached."""
    _want(ledger, 1)
    intent = _intended(ledger, 1)
    with ledger.writing() as connection:
        intents.withdraw(connection, intent)

    assert ([1], [], []) == (
        _askable(ledger),
        rows(ledger, "SELECT * FROM tasks"),
        rows(ledger, "SELECT * FROM task_items"),
    )


def test_a_refused_video_needs_a_person_who_may_have_it_asked_for_again(ledger: Database) -> None:
    """No task names it, so it is wanted again and not waited for."""
    _want(ledger, 1)
    intent = _intended(ledger, 1)
    with ledger.writing() as connection:
        intents.keep_refused(connection, intent, "not yours", now=NOW)
    assert ("failed", "refused_by_polyv") == (video(ledger, 1)["status"], video(ledger, 1)["reason"])
    with ledger.writing() as connection:
        retry(connection, None, now=NOW)

    assert ("wanted", None, [1]) == (video(ledger, 1)["status"], video(ledger, 1)["reason"], _askable(ledger))


def test_an_answer_that_comes_after_another_run_called_it_lost_is_kept(ledger: Database) -> None:
    """The two hold the archive at once; the id is worth more than the order."""
    _want(ledger, 1)
    intent = _intended(ledger, 1)
    _lose(ledger, intent)
    _create(ledger, intent)

    assert ("waiting", None) == (video(ledger, 1)["status"], video(ledger, 1)["detail"])


def test_an_id_that_the_ledger_knows_already_is_the_same_task(ledger: Database) -> None:
    """Polyv may answer a second asking with the first one's id."""
    _want(ledger, 1, 2)
    _create(ledger, _intended(ledger, 1))
    _create(ledger, _intended(ledger, 2, key="second"))

    assert {vid(1): "waiting", vid(2): "waiting"} == statuses(ledger)
    assert (1, 2) == (
        len(rows(ledger, "SELECT * FROM tasks")),
        len(rows(ledger, f"SELECT * FROM task_items WHERE task = {task_of(ledger, 1).row_id}")),
    )


def test_what_is_here_of_a_video_is_not_missing(ledger: Database) -> None:
    """A part of it lies in the archive; unknown sizes count as usual."""
    _want(ledger, 1, 2)
    _want(ledger, 3, size=None)
    _create(ledger, _intended(ledger, 1, 3))

    assert (1007, 607) == (_outstanding(ledger), _outstanding(ledger, have={1: 400, 2: 900}))
    with ledger.reading() as connection:
        assert [100] == [one.missing for one in requests.wanted(connection, now=NOW, usual=7, have={2: 900})]
        assert USUAL_SIZE == requests.usual_size(connection)


@pytest.mark.parametrize(("bytes_", "expected"), [(50 << 20, (50 << 20) / 10), (1000, None)])
def test_the_line_is_measured_by_the_best_of_the_latest_runs(
    ledger: Database, bytes_: int, expected: float | None
) -> None:
    """Not by one that fetched next to nothing, and not by one that was killed."""
    with ledger.writing() as connection:
        run = "INSERT INTO runs (owner, started_at, ended_at, bytes) VALUES ('x', 1000, {}, {})"
        for ended, fetched in (("11000", bytes_), ("61000", bytes_), ("NULL", 1 << 40)):
            connection.exec_driver_sql(run.format(ended, fetched))
    with ledger.reading() as connection:
        assert expected == requests.measured_rate(connection)


def test_a_clock_that_stepped_back_makes_no_line_faster(ledger: Database) -> None:
    """Of a run of a minute the wall clock saw a tenth of a second; the library was asked for at once, then."""
    with ledger.writing() as connection:
        run = "INSERT INTO runs (owner, started_at, ended_at, bytes, bytes_per_s) VALUES ('x', 1000, 1100, {}, {})"
        connection.exec_driver_sql(run.format(60 << 20, 1 << 20))
    with ledger.reading() as connection:
        assert float(1 << 20) == requests.measured_rate(connection)


def test_choosing_looks_at_what_is_wanted_only(ledger: Database) -> None:
    """A million videos that are done cost it nothing."""
    with ledger.reading() as connection:
        told = plan(connection, requests.askable(NOW).limit(100))

    assert "USING INDEX ix_videos_wanted" in told
    assert "SCAN videos" not in told.replace("SCAN videos USING INDEX ix_videos_wanted", "")


def test_a_task_has_one_number_of_days_and_leaves_the_others_to_the_next(ledger: Database) -> None:
    _want(ledger, 1, 2, 3)
    with ledger.writing() as connection:
        connection.execute(text("UPDATE videos SET expire_days = 3 WHERE vid = :vid"), {"vid": vid(1)})

    first, second = _intended(ledger, 1, 2, 3, key="a"), _intended(ledger, 1, 2, 3, key="b")

    assert ([vid(1)], 3) == (first.vids, first.expire_days)
    assert ([vid(2), vid(3)], 1) == (second.vids, second.expire_days)
