"""When a task is asked about again, by what the ledger knows of it."""

import functools
import heapq
from collections import Counter
from typing import Final

import pytest
from ledger_cases import NOW, added, rows, seen

from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation
from fetcher.ledger.answers import DueTask, PollRecord
from fetcher.ledger.due import due_tasks
from fetcher.ledger.engine import Database
from fetcher.ledger.polls import record_poll
from fetcher.sync.rhythm import Rhythm

_HOUR: Final = 3_600_000
_RHYTHM: Final = Rhythm(first_s=60, longest_s=1800, give_up_after_s=1e6, link_lives_s=lambda: 1800)
_FAR: Final = NOW + 1000 * _HOUR


def due(ledger: Database) -> DueTask:
    """Return the only task, as it stands."""
    with ledger.reading() as connection:
        (found,) = due_tasks(connection, now=_FAR, limit=2)
    return found


def pause_after(ledger: Database, *answer: Observation, now: int) -> float:
    """Return for how many seconds the task is left alone after an answer at *now*."""
    task = due(ledger)
    record = PollRecord(
        task=task,
        seen=answer,
        now=now,
        next_poll_at=_RHYTHM.next_at(task, now=now),
        after_news_at=_RHYTHM.after_news_at(now=now),
        is_given_up=False,
    )
    with ledger.writing() as connection:
        functools.partial(record_poll, record=record)(connection)
    (row,) = rows(ledger, "SELECT next_poll_at FROM tasks")
    return float(row["next_poll_at"] - now) / 1000


@pytest.fixture
def task(ledger: Database) -> Database:
    """A ledger with one task, of which two videos are being prepared since NOW."""
    added(ledger, 1)
    pause_after(ledger, seen(1, Preparation.PROCESS), seen(2, Preparation.PROCESS), now=NOW)
    return ledger


def test_a_task_that_has_brought_a_part_is_asked_about_soon(task: Database) -> None:
    """The others of it are likely to follow, however long it was quiet."""
    part, rest = seen(1), seen(2, Preparation.PROCESS)
    assert 54 <= pause_after(task, part, rest, now=NOW + 30 * _HOUR) <= 60
    assert 54 <= pause_after(task, part, rest, now=NOW + 30 * _HOUR + 60_000) <= 60
    assert 324 <= pause_after(task, part, rest, now=NOW + 31 * _HOUR) <= 360


def test_the_pause_goes_by_the_quiet_time_and_not_by_how_often_was_asked(task: Database) -> None:
    """Cron that came once in an hour and one that came each minute end up with the same pause."""
    quiet = (seen(1, Preparation.PROCESS), seen(2, Preparation.PROCESS))
    with task.writing() as connection:
        connection.exec_driver_sql(f"UPDATE tasks SET next_poll_at = {NOW + _HOUR}")
    assert 324 <= pause_after(task, *quiet, now=NOW + _HOUR) <= 360


def test_a_late_question_does_not_put_off_the_next_one(task: Database) -> None:
    """It was due two minutes ago: those are taken off the six."""
    with task.writing() as connection:
        connection.exec_driver_sql(f"UPDATE tasks SET next_poll_at = {NOW + _HOUR - 120_000}")
    quiet = (seen(1, Preparation.PROCESS), seen(2, Preparation.PROCESS))
    assert 204 <= pause_after(task, *quiet, now=NOW + _HOUR) <= 240


def test_a_clock_that_was_ahead_does_not_make_a_task_young_for_ever(task: Database) -> None:
    with task.writing() as connection:
        connection.exec_driver_sql(f"UPDATE task_items SET seen_at = {NOW + 900 * _HOUR}")
        connection.exec_driver_sql(f"UPDATE tasks SET quiet_polls = 100, next_poll_at = {NOW + _HOUR}")
    assert 540 <= pause_after(task, seen(1, Preparation.PROCESS), now=NOW + _HOUR) <= 600


def test_ten_thousand_tasks_after_an_outage_stay_below_the_rate_and_cost_what_the_rhythm_calls_for() -> None:
    """Four hours on virtual time: all are due at once, are a day old, and Polyv takes what the client gives."""
    rate, count, hours = 100, 10_000, 4
    heap = [(NOW - 3 * _HOUR, number) for number in range(count)]
    asked = [0] * count
    slots: list[int] = []
    at = NOW
    while heap[0][0] < NOW + hours * _HOUR:
        due_at, number = heapq.heappop(heap)
        at = max(at + 1000 // rate, due_at)
        slots.append(at)
        asked[number] += 1
        quiet = DueTask(row_id=number, task_id="t", added_at=NOW - 24 * _HOUR, quiet_polls=200, due_at=due_at)
        heapq.heappush(heap, (_RHYTHM.next_at(quiet, now=at), number))

    by_ten = Counter((at - NOW) // 10_000 for at in slots)
    assert max(by_ten.values()) <= 1000
    later = max(by_ten[ten] for ten in range(hours * 180, hours * 360))
    assert later < 800  # Nobody queues any more: they have drifted apart.
    assert hours * 6 - 1 <= min(asked) <= max(asked) <= hours * 6 / 0.9 + 2
    assert len(slots) == pytest.approx(count * hours * 6 / 0.95, rel=0.05)


@pytest.mark.parametrize("every_s", [600, 3600])
@pytest.mark.parametrize("takes_s", [1, 120])
def test_cron_finds_every_old_task_due_at_each_of_its_starts(every_s: int, takes_s: int) -> None:
    """On virtual time, however late in a pass a task has its turn: what a question was late is made up for."""
    due_at, asked = NOW, list[int]()
    for start in range(NOW, NOW + 24 * _HOUR, every_s * 1000):
        if due_at <= start:
            asked.append(start + takes_s * 1000)
            old = DueTask(row_id=1, task_id="t", added_at=NOW - 24 * _HOUR, quiet_polls=200, due_at=due_at)
            due_at = _RHYTHM.next_at(old, now=asked[-1])

    assert 24 * 3600 // every_s - 1 <= len(asked)
