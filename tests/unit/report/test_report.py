from typing import Any

import pytest

from fetcher.report.rows import COLUMNS, instant, status_row, video_row
from fetcher.report.text import counted, status_lines, table_lines, task_lines, video_lines

_ROW: dict[str, Any] = {
    **dict.fromkeys(COLUMNS),
    "vid": "v",
    "status": "ready",
    "attempts": 2,
    "task_ids": ["t1", "t2"],
    "deadline": 1694663401000,
    "held_until": 1694663402999,
    "lease_owner": None,
    "detail": "line one\nline\x1b[31m two",
}


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(None, None), (0, "1970-01-01T00:00:00Z"), (1694663401999, "2023-09-14T03:50:01Z"), (10**20, None)],
)
def test_instants_are_iso_8601_in_utc(ms: int | None, expected: str | None) -> None:
    assert expected == instant(ms)


@pytest.mark.parametrize(
    ("number", "verb", "expected"),
    [
        (1, "", "1 file"),
        (0, "", "0 files"),
        (1, "are", "1 file is"),
        (2, "were", "2 files were"),
        (1, "would be", "1 file would be"),
    ],
)
def test_one_is_told_as_one(number: int, verb: str, expected: str) -> None:
    assert expected == counted(number, "file", verb)


def test_a_row_has_every_column_and_no_other() -> None:
    row = video_row(_ROW)

    assert list(COLUMNS) == list(row)
    assert ("2023-09-14T03:50:01Z", "2023-09-14T03:50:02Z") == (row["deadline"], row["due_at"])


def test_a_claimed_video_waits_for_nothing() -> None:
    assert video_row({**_ROW, "lease_owner": "somebody"})["due_at"] is None


def test_a_table_keeps_foreign_text_on_its_line() -> None:
    lines = list(table_lines([video_row(_ROW)]))

    assert 2 == len(lines)
    assert "\x1b" not in lines[1]


def test_a_table_tells_by_when_to_fetch_what_is_ready() -> None:
    ready = {**video_row(_ROW), "status": "ready", "reason": None, "detail": "busy", "window_ends_at": None}

    notes = [line.partition("link until ")[2] for line in table_lines([ready, {**ready, "status": "done"}])]

    assert ["", "2023-09-14T03:50:01Z; busy", ""] == notes
    (_, line) = table_lines([{**ready, "detail": None, "window_ends_at": "2023-09-21T00:00:00Z"}])
    assert line.endswith("link until 2023-09-14T03:50:01Z; thawed until 2023-09-21T00:00:00Z")


def test_names_and_values_stand_apart() -> None:
    """However long the name."""
    video = {**dict.fromkeys(COLUMNS, "value"), "agreed": [], "tasks": [], "history": []}
    task = {**dict.fromkeys(("task_id", "request_key", "next_poll_at"), "value"), "videos": []}

    lines = [*video_lines(video), *task_lines(task)]

    assert {"value"} == {line.split()[1] for line in lines}
    assert [] == [line for line in lines if len(line.split()) != 2]


def test_a_run_that_was_killed_is_told_so() -> None:
    from fetcher.ledger.views import Totals  # noqa: PLC0415 - only this test needs it

    run = {"started_at": 0, "ended_at": None, "exit_code": None, "done": 0, "failed": 0, "bytes": 0, "calls": 0}
    counts = dict.fromkeys(("wanted", "waiting", "ready", "done", "failed"), 0)
    totals = Totals(
        counts=counts,
        tasks={},
        bytes_done=0,
        nearest_deadline=None,
        nearest_window_end=None,
        at_risk=0,
        reasons={},
        next_poll_at=None,
        last_run=run,
        last_success_at=None,
    )

    assert any("was killed" in line for line in status_lines(status_row(totals), "/srv"))
