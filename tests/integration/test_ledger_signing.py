"""Links that are signed anew: learned from answers, kept for later runs, and what the order of work makes of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import DAY, FAR, NOW, added, happened, link, opened, polled, ready, rows, seen, taken, vid, video
from sqlalchemy import text

from fetcher.domain.events import LinkRefused
from fetcher.ledger import work
from fetcher.ledger.due import dying_tasks
from fetcher.ledger.engine import Database
from fetcher.ledger.prospects import keep_ranks
from fetcher.ledger.thread import LedgerThread
from fetcher.sync.clocks import LinkClocks

HOST: Final = "cdn.example"
WINDOW_ENDS: Final = NOW + 7 * DAY
"""Of all that is ready here, which was ready at NOW."""
LATER: Final = FAR + 1


def start_bys(ledger: Database) -> dict[str, int | None]:
    """Return by when to begin, by vid."""
    return {row["vid"]: row["start_by"] for row in rows(ledger, "SELECT vid, start_by FROM videos")}


def test_a_second_answer_whose_links_live_longer_shows_that_they_are_signed_anew(ledger: Database) -> None:
    added(ledger)
    assert {} == polled(ledger, 1, seen(1)).signs_anew
    assert {} == polled(ledger, 1, seen(1)).signs_anew
    assert {HOST: True} == polled(ledger, 1, seen(1, turn=1, deadline=LATER)).signs_anew


def test_the_first_link_of_another_task_shows_nothing(ledger: Database) -> None:
    ready(ledger, 1)
    added(ledger, 2)
    assert {} == polled(ledger, 2, seen(1, turn=1, deadline=LATER)).signs_anew


def test_the_identical_link_shows_the_opposite_where_it_is_dead(ledger: Database) -> None:
    ready(ledger, 1)
    assert {} == polled(ledger, 1, seen(1), refused={link(1).url}).signs_anew
    assert {HOST: False} == polled(ledger, 1, seen(1), expired={link(1).url}).signs_anew
    polled(ledger, 1, seen(2, deadline=NOW))
    assert {HOST: False} == polled(ledger, 1, seen(2, deadline=NOW)).signs_anew


def test_the_identical_link_shows_the_opposite_to_a_video_that_waits_for_another(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)

    assert {} == polled(ledger, 1, seen(1)).signs_anew, "for what it was refused, nobody knows"
    assert {HOST: False} == polled(ledger, 1, seen(1, deadline=NOW)).signs_anew


def test_a_link_is_published_with_the_end_of_what_would_lose_its_video(ledger: Database) -> None:
    added(ledger, 1)
    polled(ledger, 1, seen(1), signing_anew={"other.example"})
    polled(ledger, 1, seen(2), signing_anew={HOST})

    assert {vid(1): FAR, vid(2): WINDOW_ENDS} == start_bys(ledger)
    assert FAR == video(ledger, 2)["deadline"]


def test_what_an_answer_shows_holds_for_its_own_links(ledger: Database) -> None:
    ready(ledger, 1, 2)
    polled(ledger, 1, seen(1, turn=1, deadline=LATER), seen(3))
    assert WINDOW_ENDS == start_bys(ledger)[vid(3)]

    polled(ledger, 1, seen(2), seen(4), expired={link(2).url}, signing_anew={HOST})
    assert FAR == start_bys(ledger)[vid(4)]


def test_only_what_had_no_link_before_is_new_to_the_order_of_work(ledger: Database) -> None:
    """A fresh link in place of another is wherever the other was."""
    added(ledger)
    polled(ledger, 1, seen(1, deadline=NOW + 1))

    outcome = polled(ledger, 1, seen(1, turn=1, deadline=LATER), seen(2))

    assert (2, (WINDOW_ENDS,)) == (outcome.published, outcome.start_bys)


def test_what_has_to_be_begun_first_is_claimed_first_whatever_its_link_says(ledger: Database) -> None:
    ready(ledger, 1, 2)
    with ledger.writing() as connection:
        connection.execute(text("UPDATE videos SET start_by = deadline - 5, deadline = deadline + 5 WHERE id = 2"))

    assert [vid(2), vid(1)] == [one.vid for _ in range(2) for one in taken(ledger, limit=1)]


@pytest.mark.parametrize(("signing_anew", "count"), [({HOST}, 0), (set[str](), 1)])
def test_a_link_whose_death_costs_a_question_is_not_asked_for_before_its_turn(
    ledger: Database, signing_anew: set[str], count: int
) -> None:
    """Ten thousand that wait for days would else be asked for every half hour."""
    added(ledger)
    polled(ledger, 1, seen(1, deadline=NOW + 1), signing_anew=signing_anew)

    with ledger.reading() as connection:
        dying = dying_tasks(connection, before=NOW + 10, obtained_before=NOW + 10, limit=64)

    assert count == len(dying)


@pytest.mark.parametrize(("is_skipped", "expected"), [(False, 1), (True, 2)])
def test_links_that_come_again_dead_do_not_stand_before_others_for_ever(
    ledger: Database, *, is_skipped: bool, expected: int
) -> None:
    """They die first, and so they would be all that is looked at, minute after minute."""
    first = added(ledger, 1)
    polled(ledger, 1, *(seen(number, deadline=NOW - 9) for number in range(1, 4)))
    added(ledger, 2)
    polled(ledger, 2, seen(4, deadline=NOW + 9))

    skip = [first.row_id] if is_skipped else []
    with ledger.reading() as connection:
        dying = dying_tasks(connection, before=NOW + 10, obtained_before=NOW + 10, limit=3, skip=skip)

    assert [expected] == [one.row_id for one in dying]


@pytest.mark.parametrize(("signing_anew", "expected"), [({HOST}, 3), (set[str](), 0)])
def test_a_fresh_link_that_is_as_urgent_as_the_last_keeps_the_plans_place(
    ledger: Database, signing_anew: set[str], expected: int
) -> None:
    """Else what the plan has put last would come first after each question about its task."""
    added(ledger)
    polled(ledger, 1, seen(1, deadline=NOW + 1), signing_anew=signing_anew)
    with ledger.writing() as connection:
        keep_ranks(connection, {1: 3})

    polled(ledger, 1, seen(1, turn=1, deadline=None), signing_anew=signing_anew)

    assert (link(1, turn=1).url, expected) == (video(ledger, 1)["link"], video(ledger, 1)["postponed"])


def test_what_waited_for_a_link_has_no_place_in_the_plan(ledger: Database) -> None:
    """Neither has one of which nobody knows by when to begin."""
    ready(ledger, 1)
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)
    with ledger.writing() as connection:
        keep_ranks(connection, {1: 3})

    polled(ledger, 1, seen(1, turn=1, deadline=None))

    assert ("ready", 0) == (video(ledger, 1)["status"], video(ledger, 1)["postponed"])


def test_what_has_no_link_need_not_be_begun(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    happened(ledger, one.video_id, LinkRefused(at=NOW, detail="403"), one.fence)

    assert [None] == list(start_bys(ledger).values())


@pytest.fixture(name="thread")
async def _thread(tmp_path: Path) -> AsyncIterator[LedgerThread]:
    """Yield a ledger with two ready videos, whose links are stamped with the moment of signing."""
    with opened(tmp_path) as database:
        ready(database, 1, 2)
    with opened(tmp_path) as database:
        thread = LedgerThread(database)
        yield thread
        thread.close()


def _clocks() -> LinkClocks:
    return LinkClocks(1800, now=lambda: NOW)


def _begun_by(thread: LedgerThread) -> list[int | None]:
    return list(start_bys(thread._database).values())


async def test_what_is_learned_moves_what_is_ready_and_is_known_to_the_next_run(thread: LedgerThread) -> None:
    clocks = _clocks()
    clocks.signed({HOST: True})
    assert await clocks.keep(thread, now=NOW)
    assert [WINDOW_ENDS] * 2 == _begun_by(thread)

    later = _clocks()
    await later.load(thread)
    assert {HOST} == later.signing_anew()
    assert not await later.keep(thread, now=NOW)

    later.signed({HOST: False})
    assert await later.keep(thread, now=NOW)
    assert [NOW + 1_800_000] * 2 == _begun_by(thread)


async def test_that_links_are_not_signed_anew_is_what_was_taken_for_granted_and_moves_nothing(
    thread: LedgerThread,
) -> None:
    clocks = _clocks()
    clocks.signed({HOST: False})
    assert not await clocks.keep(thread, now=NOW)
    assert [{"signs_anew": 0}] == rows(thread._database, "SELECT signs_anew FROM link_clocks")


async def test_what_a_killed_run_has_learned_and_not_made_use_of_is_made_use_of_by_the_next(
    thread: LedgerThread,
) -> None:
    """It dies between the word and the rows; or one that ended before it leaves nothing to do."""
    clocks = _clocks()
    clocks.signed({HOST: True})
    await clocks.keep(thread, now=NOW)
    await thread.write(lambda connection: connection.execute(text("UPDATE videos SET start_by = 5")) and None)
    await thread.write(lambda connection: work.begin_run(connection, owner="killed", now=NOW))
    await thread.write(lambda connection: work.begin_run(connection, owner="next", now=NOW))

    following = _clocks()
    await following.load(thread)
    assert await following.keep(thread, now=NOW)
    assert [WINDOW_ENDS] * 2 == _begun_by(thread)
    assert not await following.keep(thread, now=NOW)
