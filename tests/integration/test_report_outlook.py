"""Which links are at risk, by the ledger alone: by the clock, and by what the line has carried."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from ledger_cases import MINUTE, NOW, added, opened, polled, seen, taken, vid
from sqlalchemy import text

from fetcher.ledger import prospects, work
from fetcher.ledger.engine import Database
from fetcher.ledger.views import Selection, listed
from fetcher.report.outlook import links_at_risk


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Iterator[Database]:
    """Ten ready videos of 60 MB each, whose links die 20, 21, … minutes from now; the last one's does not tell."""
    with opened(tmp_path) as ledger:
        added(ledger, 1)
        polled(ledger, 1, *(seen(number, deadline=_deadline(number)) for number in range(1, 11)))
        with ledger.writing() as connection:
            connection.execute(text("UPDATE videos SET size_expected = 60000000"))
        yield ledger


def _deadline(number: int) -> int | None:
    return None if number == 10 else NOW + (19 + number) * MINUTE


def _ran(ledger: Database, bytes_per_s: int | None) -> None:
    """Have a run end that measured the line."""
    with ledger.writing() as connection:
        run = work.begin_run(connection, owner="a", now=NOW)
        work.end_run(connection, run, now=NOW + 1, exit_code=0, counts={"bytes_per_s": bytes_per_s})


def _at_risk(ledger: Database, *, now: int = NOW, places: int = 1) -> list[str]:
    with ledger.reading() as connection:
        chosen = Selection(video_ids=links_at_risk(connection, now=now, places=places))
        return [row["vid"] for row in listed(connection, chosen)]


@pytest.mark.parametrize(("later", "expected"), [(9, []), (10, [1]), (12, [1, 2, 3]), (60, list(range(1, 10)))])
def test_f40_what_dies_within_ten_minutes_is_at_risk_by_the_clock_alone(
    ledger: Database, later: int, expected: list[int]
) -> None:
    assert [vid(number) for number in expected] == _at_risk(ledger, now=NOW + later * MINUTE)


def test_f40_what_the_line_cannot_carry_in_time_is_named_before_it_dies(ledger: Database) -> None:
    """A file takes four minutes: the one that does not tell goes first, then seven start in time, two do not."""
    _ran(ledger, 250_000)

    assert 2 == len(_at_risk(ledger))


def test_f40_a_line_that_is_fast_enough_leaves_nothing_at_risk(ledger: Database) -> None:
    _ran(ledger, 2_500_000)

    assert [] == _at_risk(ledger)


def test_an_outlier_among_the_last_runs_says_nothing_of_the_line(ledger: Database) -> None:
    for rate in (2_500_000, 2_600_000, 10, 2_400_000, None):
        _ran(ledger, rate)

    assert [] == _at_risk(ledger)


def test_runs_that_found_a_line_of_no_bytes_at_all_say_nothing_of_it(ledger: Database) -> None:
    for rate in (250_000, 0, 0, 0):
        _ran(ledger, rate)

    assert 2 == len(_at_risk(ledger))


def _ran_for_a_day(ledger: Database, *, worked_s: int) -> None:
    """Have a run end every hour; the last five found the line twice as fast as all the others."""
    with ledger.writing() as connection:
        for hours_ago in range(24, 0, -1):
            rate, at = (1_000_000 if hours_ago <= 5 else 500_000), NOW - hours_ago * 60 * MINUTE
            run = work.begin_run(connection, owner="a", now=at)
            counts = {"bytes_per_s": rate, "bytes": rate * worked_s}
            work.end_run(connection, run, now=at + worked_s * 1000, exit_code=0, counts=counts)


@pytest.mark.parametrize(("worked_s", "expected"), [(2700, 4), (60, 0)])
def test_f40_what_the_line_carries_at_noon_but_not_through_a_day_is_named(
    ledger: Database, worked_s: int, expected: int
) -> None:
    """A file takes an hour as the last five runs had it, and each has one more than the one before.

    A run of a minute tells of its own files alone.
    """
    _ran_for_a_day(ledger, worked_s=worked_s)
    with ledger.writing() as connection:
        by = text("UPDATE videos SET size_expected = 3600000000, start_by = :now + id * 3600000")
        connection.execute(by, {"now": NOW})

    assert expected == len(_at_risk(ledger))


def test_outages_are_known_again_once_a_clock_that_ran_decades_ahead_is_right(ledger: Database) -> None:
    with ledger.writing() as connection:
        for at, stood_ms in ((NOW, 1000), (NOW + 20 * 365 * 86_400_000, 30), (NOW + MINUTE, 2000)):
            run = work.begin_run(connection, owner="a", now=at)
            work.end_run(connection, run, now=at, exit_code=0, counts={"stood_ms": stood_ms})
    with ledger.reading() as connection:
        assert 3000 == prospects.past(connection).stood_ms


def test_without_a_size_or_any_like_it_only_the_clock_counts(ledger: Database) -> None:
    _ran(ledger, 10)
    with ledger.writing() as connection:
        connection.execute(text("UPDATE videos SET size_expected = NULL WHERE vid = :vid"), {"vid": vid(4)})

    assert [] == _at_risk(ledger)


def test_a_window_that_closes_before_the_link_dies_counts(ledger: Database) -> None:
    with ledger.writing() as connection:
        connection.execute(
            text("UPDATE videos SET start_by = :at WHERE vid = :vid"), {"at": NOW + MINUTE, "vid": vid(7)}
        )

    assert [vid(7)] == _at_risk(ledger)


@pytest.mark.parametrize(("minutes", "expected"), [(9, [10]), (11, []), (-1, [10])])
def test_f38_what_goes_cold_within_ten_minutes_is_at_risk_though_its_link_tells_nothing(
    ledger: Database, minutes: int, expected: list[int]
) -> None:
    with ledger.writing() as connection:
        connection.execute(
            text("UPDATE videos SET window_ends_at = :at WHERE start_by IS NULL"), {"at": NOW + minutes * MINUTE}
        )

    assert [vid(number) for number in expected] == _at_risk(ledger)


def test_the_ready_videos_are_read_by_deadline_page_by_page(ledger: Database) -> None:
    """Many of one deadline, and one that does not tell: each comes once, whatever page it is on."""
    count = 2 * prospects.PAGE + 500
    with ledger.writing() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
                " INSERT INTO videos (id, vid, status, link, start_by, added_at)"
                " SELECT i, printf('%032x_1', i), 'ready', 'https://h/a.mp4', :at + i % 3, 1 FROM n"
            ),
            {"count": count, "at": NOW + 9 * MINUTE},
        )
    with ledger.reading() as connection:
        found = [(one.start_by is not None, one.start_by, one.id) for one in prospects.prospects(connection)]

    assert count == len(found) == len({video_id for _, _, video_id in found})
    assert sorted(found, key=lambda one: (one[0], one[1] or 0, one[2])) == found


def _began(ledger: Database, *minutes_ago: int) -> None:
    with ledger.writing() as connection:
        for minutes in minutes_ago:
            work.begin_run(connection, owner="a", now=NOW - minutes * MINUTE)


def test_f41_what_dies_before_the_next_run_by_the_rhythm_of_the_last_is_at_risk(ledger: Database) -> None:
    """Every half hour, the last one five minutes ago; one of them came late."""
    _began(ledger, 100, 65, 35, 5)

    assert [vid(number) for number in range(1, 7)] == _at_risk(ledger)


def test_f41_there_is_no_rhythm_in_a_few_runs_and_none_is_waited_for_while_one_is_at_work(ledger: Database) -> None:
    _began(ledger, 65, 35, 5)
    assert [] == _at_risk(ledger)

    _began(ledger, 1)
    taken(ledger, limit=1, now=NOW)

    assert [] == _at_risk(ledger)


def test_how_large_videos_are_is_told_by_those_done_last(ledger: Database) -> None:
    """A thousand of 5 bytes; the one before them was larger, and a look at all of a library takes too long."""
    with ledger.writing() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
                " INSERT INTO videos (vid, status, path, path_key, size, sha256, evidence, added_at, done_at)"
                " SELECT printf('d%031x_1', i), 'done', 'd' || i, 'd' || i, iif(i, 5, 1000000), printf('%064x', i),"
                " 'none', 1, i + 1 FROM n"
            )
        )
    with ledger.reading() as connection:
        assert 5 == prospects.past(connection).mean_size
