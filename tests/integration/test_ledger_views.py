"""What people and programs are shown of the ledger: right numbers, whole pages, and never a link."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_cases import (
    CANARY,
    FAR,
    MINUTE,
    NOW,
    added,
    happened,
    opened,
    polled,
    rows,
    seen,
    statuses,
    taken,
    task_id,
    verified,
    vid,
    video,
)
from sqlalchemy import event

from fetcher.domain.errors import UsageError
from fetcher.domain.events import GivenUp, LinkRefused, TransferFailed
from fetcher.domain.status import Preparation, Reason, Status
from fetcher.ledger import views, work
from fetcher.ledger.backup import backup
from fetcher.ledger.engine import Database, open_database


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Iterator[Database]:
    """Videos 1 and 2 are done, 3 failed, 4 waits with a refused link, 5 is tried again later, 6 and 7 are ready."""
    with opened(tmp_path) as ledger:
        added(ledger, 1)
        added(ledger, 2)
        polled(ledger, 1, *(seen(number, deadline=NOW + number * MINUTE) for number in range(1, 8)))
        polled(ledger, 2, seen(1), seen(8, Preparation.PROCESS), seen(9, Preparation.FAIL))
        one, two, three, four, five = taken(ledger, limit=5)
        happened(ledger, one.video_id, verified(one.path), one.fence)
        happened(ledger, two.video_id, verified(two.path, at=NOW + 1), two.fence)
        happened(ledger, three.video_id, GivenUp(at=NOW, reason=Reason.GONE, detail="404"), three.fence)
        happened(ledger, four.video_id, LinkRefused(at=NOW, detail="403"), four.fence)
        happened(ledger, five.video_id, TransferFailed(at=NOW, detail="reset", due_at=FAR), five.fence)
        yield ledger


def shown(ledger: Database, **chosen: Any) -> list[dict[str, Any]]:
    """List videos."""
    with ledger.reading() as connection:
        found = list(views.listed(connection, views.Selection(**chosen)))
        assert [row["vid"] for row in found] == list(views.listed_vids(connection, views.Selection(**chosen)))
        return found


def totals(ledger: Database) -> views.Totals:
    """Count."""
    with ledger.reading() as connection:
        return views.totals(connection)


def test_counts_are_what_counting_the_rows_gives(ledger: Database) -> None:
    found = totals(ledger)
    counted = Counter(statuses(ledger).values())
    assert {status.value: counted[status.value] for status in Status} == found.counts
    assert {"wanted": 0, "waiting": 2, "ready": 3, "done": 2, "failed": 2} == found.counts
    assert {"gone": 1, "vendor_failed": 1} == found.reasons
    assert {"finished": 1, "open": 1} == found.tasks
    assert 10 == found.bytes_done
    assert (NOW + 5 * MINUTE, NOW + MINUTE) == (found.nearest_deadline, found.next_poll_at)


def test_an_empty_ledger_counts_nothing(tmp_path: Path) -> None:
    directory = tmp_path / "empty"
    directory.mkdir()
    with opened(directory) as ledger:
        found = totals(ledger)
        assert {0} == set(found.counts.values())
        assert (0, None, None, None) == (
            found.bytes_done,
            found.nearest_deadline,
            found.last_run,
            found.last_success_at,
        )
        assert [] == shown(ledger)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, range(1, 10)),
        ({"statuses": [Status.DONE]}, [1, 2]),
        ({"statuses": [Status.FAILED]}, [3, 9]),
        ({"statuses": [Status.DONE, Status.FAILED]}, [1, 2, 3, 9]),
        ({"task_id": task_id(2)}, [1, 8, 9]),
        ({"task_id": task_id(2), "statuses": [Status.DONE]}, [1]),
        ({"task_id": task_id(3)}, []),
    ],
)
def test_a_list_holds_what_was_chosen(ledger: Database, chosen: dict[str, Any], expected: list[int]) -> None:
    assert [vid(number) for number in expected] == [row["vid"] for row in shown(ledger, **chosen)]


def test_a_list_names_the_tasks_of_each_video(ledger: Database) -> None:
    named = {row["vid"]: row["task_ids"] for row in shown(ledger)}
    assert ([task_id(1), task_id(2)], [task_id(1)]) == (named[vid(1)], named[vid(2)])


def test_a_long_list_comes_whole_and_in_order(ledger: Database) -> None:
    added(ledger, 3)
    polled(ledger, 3, *(seen(number) for number in range(100, 1301)))
    assert [vid(number) for number in (*range(1, 10), *range(100, 1301))] == [row["vid"] for row in shown(ledger)]


def test_one_video_is_shown_with_its_tasks_and_its_history(ledger: Database) -> None:
    with ledger.reading() as connection:
        found = views.one_video(connection, vid(1))
        assert views.one_video(connection, vid(99)) is None
    assert found is not None
    assert [task_id(1), task_id(2)] == found["task_ids"] == [task["task_id"] for task in found["tasks"]]
    kinds = [(one["kind"], one["from_status"], one["to_status"]) for one in found["history"]]
    assert ("LinkPublished", "wanted", "ready") == kinds[0]
    assert ("FileVerified", "ready", "done") == kinds[-1]


def test_one_task_is_shown_with_what_polyv_said_of_its_videos(ledger: Database) -> None:
    with ledger.reading() as connection:
        found = views.one_task(connection, task_id(2))
        assert views.one_task(connection, task_id(99)) is None
    assert found is not None
    assert [(vid(1), "SUCCESS"), (vid(8), "PROCESS"), (vid(9), "FAIL")] == [
        (one["vid"], one["said"]) for one in found["videos"]
    ]


def test_no_view_shows_a_link(ledger: Database) -> None:
    """F91: the canary is in every link, held and refused alike."""
    assert {True} == {CANARY in (row["link"] or row["refused_link"]) for row in map(video, [ledger] * 2, (4, 6))}
    with ledger.reading() as connection:
        everything = [
            *views.listed(connection, views.Selection()),
            *(views.one_video(connection, vid(number)) for number in range(1, 10)),
            *(views.one_task(connection, task_id(number)) for number in (1, 2)),
            views.totals(connection),
        ]
    assert CANARY not in repr(everything)
    assert "auth_key" not in repr(everything)
    assert CANARY not in repr(rows(ledger, "SELECT * FROM events"))


def test_the_last_run_and_the_last_success_are_told(ledger: Database) -> None:
    """F99."""
    counts = {"done": 1, "failed": 0, "bytes": 5, "calls": 2}
    with ledger.writing() as connection:
        first = work.begin_run(connection, owner="a", now=NOW)
        work.end_run(connection, first, now=NOW + 1, exit_code=0, counts=counts)
        second = work.begin_run(connection, owner="b", now=NOW + 2)
        work.end_run(connection, second, now=NOW + 3, exit_code=3, counts={})
    found = totals(ledger)
    assert NOW + 1 == found.last_success_at
    assert found.last_run is not None
    assert ("b", 3, 0) == (found.last_run["owner"], found.last_run["exit_code"], found.last_run["bytes"])


def test_a_retry_puts_back_what_can_be_tried_and_names_the_unknown(ledger: Database) -> None:
    chosen = [vid(number) for number in (1, 3, 4, 5, 5, 9, 77)]
    with ledger.writing() as connection:
        retried = work.retry(connection, chosen, now=NOW)
    assert {vid(number) for number in (3, 4, 5, 9)} == set(retried.back)
    assert [vid(77)] == retried.unknown
    assert ["done", "waiting", "waiting", "ready", "waiting"] == [
        video(ledger, number)["status"] for number in (1, 3, 4, 5, 9)
    ]
    assert (None, 0, None) == (
        video(ledger, 5)["held_until"],
        video(ledger, 3)["attempts"],
        video(ledger, 4)["refused_link"],
    )


def test_a_retry_of_many_is_a_few_statements_for_hundreds_and_asks_each_task_once(tmp_path: Path) -> None:
    """A hundred thousand failed ones held up every other writer for minutes, a statement or five for each."""
    counted: list[int] = []
    with opened(tmp_path) as ledger:
        with ledger.writing() as connection:
            for number in range(12):
                connection.exec_driver_sql(
                    "INSERT INTO tasks (id, task_id, status, added_at) VALUES (?, ?, 'finished', ?)",
                    (number + 1, task_id(number + 1), NOW),
                )
            for number in range(1200):
                reason = "refused_by_polyv" if number % 3 == 0 else "vendor_failed"
                connection.exec_driver_sql(
                    "INSERT INTO videos (id, vid, status, reason, added_at) VALUES (?, ?, 'failed', ?, ?)",
                    (number + 1, vid(number + 1), reason, NOW),
                )
                connection.exec_driver_sql(
                    "INSERT INTO task_items (task, video, said, seen_at) VALUES (?, ?, 'FAIL', ?)",
                    (number // 100 + 1, number + 1, NOW),
                )
        with ledger.writing() as connection:
            event.listen(connection, "before_cursor_execute", lambda *_: counted.append(1))
            retried = work.retry(connection, None, now=NOW + 5)

        assert (1200, [], []) == (len(retried.back), retried.unknown, retried.spared)
        assert len(counted) < 60
        assert {"wanted": 400, "waiting": 800} == {
            row["status"]: row["n"]
            for row in rows(ledger, "SELECT status, count(*) AS n FROM videos GROUP BY status")
        }
        assert [{"n": 12}] == rows(ledger, f"SELECT count(*) AS n FROM tasks WHERE next_poll_at = {NOW + 5}")
        assert [{"n": 1200}] == rows(ledger, "SELECT count(*) AS n FROM events")


def test_a_retry_takes_no_video_away_from_who_works_on_it(ledger: Database) -> None:
    (one,) = taken(ledger, limit=1)
    with ledger.writing() as connection:
        work.retry(connection, [one.vid], now=NOW)
    assert one.vid not in [other.vid for other in taken(ledger, owner="b")]


def test_a_rejected_task_that_is_added_again_is_asked_about_again(ledger: Database) -> None:
    """F62."""
    added(ledger, 3)
    polled(ledger, 3, is_given_up=True)
    with ledger.writing() as connection:
        assert 1 == work.add_tasks(connection, [task_id(1), task_id(3), task_id(3)], now=NOW + 9)
    found = rows(ledger, f"SELECT status, added_at, next_poll_at FROM tasks WHERE task_id = '{task_id(3)}'")
    assert [{"status": "open", "added_at": NOW + 9, "next_poll_at": NOW + 9}] == found


def test_a_copy_is_a_whole_private_ledger_taken_amid_use(ledger: Database, tmp_path: Path) -> None:
    """F76."""
    copy = tmp_path / "copy?#.db"
    backup(ledger.path, copy)
    assert 0o600 == copy.stat().st_mode & 0o777
    again = open_database(copy)
    assert statuses(ledger) == statuses(again)
    again.close()
    with pytest.raises(UsageError, match="is there already"):
        backup(ledger.path, copy)


def test_a_copy_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"no database" * 1000)
    with pytest.raises(Exception, match="damaged"):
        backup(tmp_path / "ledger.db", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    with pytest.raises(UsageError, match="cannot be written"):
        backup(tmp_path / "ledger.db", tmp_path / "nowhere" / "copy")
