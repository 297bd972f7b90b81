"""SQLite's plans at ten thousand videos: nothing that a claim or a poll does looks at the whole ledger."""

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pytest
from ledger_cases import NOW, named, opened, raw, rows, task_id, vid
from sqlalchemy import Connection, event

from fetcher.domain.library import ListedVideo
from fetcher.domain.status import Status
from fetcher.domain.verification import DoneFile
from fetcher.ledger import (
    claims,
    comparing,
    due,
    endings,
    prospects,
    recovery,
    verifying,
    views,
    wanting,
    work,
)
from fetcher.ledger.engine import Database

VIDEOS: Final = 10_000
LIVE: Final = 200
"""Of each status that is not done."""


def fill(path: Path) -> None:
    """Write a ledger that is nearly done: a few videos of each live status, some of them held."""
    order = [*(["wanted", "waiting", "ready", "failed"] * LIVE), *["done"] * (VIDEOS - 4 * LIVE)]
    told = [
        {
            "id": number + 1,
            "vid": vid(number + 1),
            "status": status,
            "reason": "gone" if status == "failed" else None,
            "link": "https://h/a.mp4" if status == "ready" else None,
            "deadline": NOW + number if status == "ready" else None,
            "held": NOW + number if status == "ready" and number % 8 == 2 else None,
            "refused": "https://h/b.mp4" if status == "waiting" else None,
            "path": f"{number}.mp4",
            "done_at": NOW if status == "done" else None,
        }
        for number, status in enumerate(order)
    ]
    with raw(path) as connection:
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO videos (id, vid, status, reason, link, link_obtained_at, deadline, start_by, held_until,"
            " refused_link, path, path_key, size, sha256, evidence, done_at, added_at)"
            " VALUES (:id, :vid, :status, :reason, :link, 1, :deadline, :deadline, :held,"
            f" :refused, :path, :path, 5, '{'5' * 64}', 'md5', :done_at, 1)",
            told,
        )
        connection.executemany(
            "INSERT INTO tasks (id, task_id, status, added_at, next_poll_at) VALUES (?, ?, 'finished', 1, ?)",
            [(number, task_id(number), NOW if number % 10 == 0 else None) for number in range(1, 1001)],
        )
        connection.executemany(
            "INSERT INTO task_items (task, video, said, seen_at) VALUES (?, ?, 'SUCCESS', 1)",
            [(number % 1000 + 1, number) for number in range(1, VIDEOS + 1)],
        )
        connection.execute("COMMIT")


@pytest.fixture(name="ledger", scope="module")
def _ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    directory = tmp_path_factory.mktemp("plans")
    with opened(directory):
        pass
    fill(directory / "ledger.db")
    with opened(directory) as ledger:
        yield ledger


def plans(ledger: Database, work_of: Any) -> list[str]:
    """Return the plan of each statement that *work_of* sends, and undo what it did."""
    sent: list[tuple[str, Any]] = []

    def keep(_c: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        sent.append((statement, parameters))

    event.listen(ledger.engine, "before_cursor_execute", keep)
    try:
        with ledger.reading() as connection:  # Ends with a rollback, whatever was written.
            work_of(connection)
    finally:
        event.remove(ledger.engine, "before_cursor_execute", keep)
    found: list[str] = []
    with ledger.reading() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        for statement, parameters in sent:
            if not statement.startswith("BEGIN"):
                told = driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                found.append("\n".join(str(row[3]) for row in told))
    assert found
    return found


def claim(connection: Connection) -> object:
    """Claim sixteen."""
    return claims.claim(connection, limit=16, owner="run", now=NOW + 500, lease_ms=1, name=named)


def test_a_claim_uses_the_index_of_what_can_be_claimed(ledger: Database) -> None:
    """F103: 0.3 ms at ten thousand and at a million."""
    found = plans(ledger, claim)
    assert any("SEARCH videos USING INDEX ix_videos_claimable (held_until=?)" in one for one in found)
    assert not any("TEMP B-TREE" in one or "ix_videos_ready" in one for one in found)
    assert not any("ix_videos_start_by" in one for one in found)


def test_the_sweep_of_ended_leases_uses_the_index_of_what_is_held(ledger: Database) -> None:
    first, second = plans(ledger, claim)[:2]
    assert "SEARCH videos USING INDEX ix_videos_held (held_until<?)" in first
    assert "SEARCH videos USING INDEX ix_videos_held (held_until<?)" in second


def test_due_tasks_come_from_their_index_in_order(ledger: Database) -> None:
    found = plans(ledger, lambda connection: due.due_tasks(connection, now=NOW, limit=8, skip=[1, 2]))
    first, *of_its_items = found[0].splitlines()
    assert "SEARCH tasks USING INDEX ix_tasks_due (next_poll_at<?)" == first
    assert ["CORRELATED SCALAR SUBQUERY 1", "SEARCH news USING PRIMARY KEY (task=?)"] == of_its_items


@pytest.mark.parametrize(
    ("work_of", "index"),
    [
        (lambda connection: claims.extend(connection, owner="run", until=NOW), "ix_videos_held"),
        (lambda connection: claims.release(connection, owner="run"), "ix_videos_held"),
        (lambda connection: claims.release_others(connection, owner="run"), "ix_videos_held"),
        (due.next_poll_at, "ix_tasks_due"),
        (work.forget_refusals, "ix_videos_refused"),
        (lambda connection: due.ask_again(connection, 5, at=NOW), "ix_task_items_video"),
        (lambda connection: due.tasks_naming(connection, 5), "ix_task_items_video"),
        (lambda connection: endings.seek_other_hope(connection, 5, 5, now=NOW), "ix_task_items_video"),
        (lambda connection: endings.waiting_for(connection, 5), "PRIMARY KEY"),
        (lambda connection: views.one_video(connection, vid(5)), "sqlite_autoindex_videos"),
        (lambda connection: recovery.still_wanted(connection, [1, 2, 3]), "INTEGER PRIMARY KEY"),
        (lambda connection: work.retry(connection, None, now=NOW), "ix_videos_failed"),
        (
            lambda connection: wanting.want(connection, [ListedVideo(vid=vid(5))], wanting.Choice(), now=NOW),
            "sqlite_autoindex_videos",
        ),
        (lambda connection: comparing.kept(connection, [vid(5)]), "sqlite_autoindex_videos"),
        (lambda connection: comparing.kept_after(connection, 5), "INTEGER PRIMARY KEY"),
        (
            lambda connection: next(views.listed(connection, views.Selection(statuses=[Status.FAILED]))),
            "ix_videos_failed",
        ),
    ],
)
def test_nothing_but_counts_and_lists_scans_a_table(ledger: Database, work_of: Any, index: str) -> None:
    """F103."""
    found = plans(ledger, work_of)
    assert index in found[0]
    scans = [one for one in found if "SCAN" in one and "USING" not in one]
    assert [] == [one for one in scans if not any(of in one for of in ("CONSTANT ROW", "each_row", "anon_1"))]


def test_what_is_verified_next_comes_from_its_index_in_order(ledger: Database) -> None:
    """F103: what was never verified, then by age; a list by id is not led astray by it."""
    due = verifying.Due(done=DoneFile(video_id=5, vid="", path="", size=0, sha256=""), verified_at=NOW)
    by_age = [
        *plans(ledger, lambda connection: verifying.due_after(connection, None, before=NOW)),
        *plans(ledger, lambda connection: verifying.due_after(connection, due, before=NOW + 1)),
        *plans(ledger, lambda connection: verifying.forget_future(connection, now=NOW)),
    ]
    by_id = plans(ledger, lambda connection: next(verifying.done_files(lambda: nullcontext(connection))))
    assert all("SEARCH videos USING" in one and "INDEX ix_videos_verified" in one for one in by_age)
    assert [] == [one for one in (*by_age, *by_id) if "TEMP B-TREE FOR ORDER BY" in one]


def test_counting_reads_the_live_statuses_from_their_indexes(ledger: Database) -> None:
    found = "\n".join(plans(ledger, views.totals))
    for name in ("wanted", "waiting", "start_by", "failed"):
        assert f"SCAN videos USING INDEX ix_videos_{name}" in found


def test_the_nearest_ends_of_both_clocks_come_from_the_index_that_has_them(ledger: Database) -> None:
    """F103: of a million that are ready no row is looked up."""
    nearest = [one for one in plans(ledger, views.totals) if "SEARCH videos USING INDEX ix_videos_ready" in one]
    assert 3 == len(nearest)


def test_links_about_to_die_come_from_their_index_in_order(ledger: Database) -> None:
    """However many could be claimed, in whatever order: none of them is sorted."""
    (found,) = plans(
        ledger, lambda connection: due.dying_tasks(connection, before=NOW, obtained_before=NOW, limit=64)
    )
    assert "SEARCH videos USING INDEX ix_videos_start_by (start_by<?)" in found
    assert "TEMP B-TREE FOR ORDER BY" not in found


def test_what_a_plan_reads_comes_by_when_to_begin_from_the_index_of_that(ledger: Database) -> None:
    """F40, F103: no table of done videos stands before the first page; sorted are those of one deadline at most."""
    last = prospects.Prospect(id=5, start_by=NOW, size=None, postponed=0)
    untold, told = plans(ledger, lambda connection: prospects.prospects_after(connection, None))
    (later,) = plans(ledger, lambda connection: prospects.prospects_after(connection, last))
    assert all("SEARCH videos USING INDEX ix_videos_start_by" in one for one in (untold, told, later))
    assert not any("TEMP B-TREE FOR ORDER BY" in one for one in (untold, told, later))


def test_what_earlier_runs_tell_is_found_without_looking_at_all_that_is_done(ledger: Database) -> None:
    found = plans(ledger, prospects.past)
    assert "SEARCH videos USING INDEX ix_videos_done" in found[0]
    assert not any("TEMP B-TREE" in one for one in found)


def test_ten_thousand_ids_are_recorded_fast_flat_and_once(tmp_path: Path) -> None:
    """F65."""
    ids = [task_id(number) for number in range(10_000)]
    with opened(tmp_path) as ledger:
        tracemalloc.start()
        began = time.monotonic()
        with ledger.writing() as connection:
            assert 10_000 == work.add_tasks(connection, ids, now=NOW)
        took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
        with ledger.writing() as connection:
            assert 0 == work.add_tasks(connection, ids, now=NOW + 1)
        assert [{"n": 10_000, "at": NOW}] == rows(ledger, "SELECT count(*) AS n, max(added_at) AS at FROM tasks")
    assert took < 10
    assert peak < 20 << 20
