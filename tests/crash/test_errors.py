"""The disk refuses: at every call, once or from there on, for every reason."""

import errno
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from crash.counts import fewest, points
from crash.lanes import Lane, Lanes
from crash.records import Kind, read_calls
from crash.runs import Ended
from crash.shim import Injection, Mode
from telling import Tell

_STORAGE = 7
_COMMITS = 3
_HELPS = ("run again.\n", "Look at its disk and permissions.\n")


def _require_one_clear_word(ended: Ended, secrets: Iterable[str]) -> None:
    """See that one line says what happened and what to do next, and no secret."""
    assert ended.stderr.startswith("fetcher: ")
    assert ended.stderr.endswith(_HELPS)
    assert 1 == ended.stderr.count("\n")
    assert not ended.stdout
    assert [] == [secret for secret in secrets if secret in ended.stderr]


@pytest.mark.parametrize(
    ("injected", "usual"),
    [
        (Injection(mode=Mode.FAIL, error=errno.EIO), 10),
        (Injection(mode=Mode.FAIL, error=errno.ENOSPC), 6),
        (Injection(mode=Mode.FAIL, error=errno.EDQUOT), 3),
        (Injection(mode=Mode.SHORT, error=errno.ENOSPC), 6),
        (Injection(mode=Mode.FULL, error=errno.ENOSPC), 6),
        (Injection(mode=Mode.BROKEN, error=errno.EIO), 6),
    ],
    ids=lambda value: f"{value.mode}-{errno.errorcode[value.error]}" if isinstance(value, Injection) else "",
)
def test_an_error_at_any_call_is_told_and_healed_by_the_next_run(
    lanes: Lanes, total: int, tell: Tell, injected: Injection, usual: int
) -> None:
    """F07, F79, F80: exit code 7 and one line, nothing called done that is not, and all well once the disk is.

    What fails once all is written down, as when SQLite folds its -wal file in, costs nothing and is no error.
    """
    codes: list[int] = []

    def attempt(lane: Lane, point: int) -> bool:
        lane.begin()
        ended = lane.sync(replace(injected, point=point))
        standing = lane.require_kept_promise()
        if ended.code == 0:
            assert (set(lane.library.paths), "", "") == (standing.done, ended.stdout, ended.stderr)
        else:
            assert _STORAGE == ended.code
            _require_one_clear_word(ended, lane.library.secrets)
        codes.append(ended.code)
        lane.require_healing(standing.settled)
        return ended.calls >= point

    chosen = points(total, usual=usual)
    tried = lanes.try_points(chosen, attempt)

    tell(f"{tried} errors, in a run of {total} calls; {codes.count(_STORAGE)} ended it with code {_STORAGE}")
    assert tried >= fewest(total, chosen)
    assert _STORAGE in codes


def test_a_part_whose_flush_fails_is_dropped(lane: Lane, tmp_path: Path) -> None:
    """F07: the kernel calls clean what it could not write: no second flush, and nothing of it is gone on with."""
    log = tmp_path / "log"

    ended = lane.sync(Injection(mode=Mode.FAIL, point=1, error=errno.EIO, only="fsync:.part", log=log))

    assert _STORAGE == ended.code
    assert "Input/output error" in ended.stderr
    _require_one_clear_word(ended, lane.library.secrets)
    calls = read_calls(log, root=lane.root)
    (failed,) = [call for call in calls if call.number == 1]
    assert [failed] == [call for call in calls if call.kind is Kind.FLUSH and call.path == failed.path]
    part = lane.root / failed.path
    assert [] == list(part.parent.glob(f"{part.stem}.*"))
    lane.require_healing(lane.require_kept_promise().settled)


def test_a_commit_without_room_leaves_files_to_be_adopted(lane: Lane, tell: Tell) -> None:
    """F79: the disk is full when ``done`` is written; what is in place is found there, and not fetched again."""
    only = "write:ledger.db-wal"
    placed = commits = 0
    for point in range(lane.sync(Injection(only=only)).calls, 0, -3):
        lane.begin()
        ended = lane.sync(Injection(mode=Mode.FULL, point=point, error=errno.ENOSPC, only=only))
        standing = lane.require_kept_promise()
        if standing.placed:
            assert _STORAGE == ended.code
            assert ended.stderr.endswith("Make room and run again.\n")
            _require_one_clear_word(ended, lane.library.secrets)
            lane.require_healing(standing.settled)
            commits += 1
            placed += len(standing.placed)
        if commits == _COMMITS:
            break

    tell(f"{commits} commits without room, with {placed} files in place")
    assert commits == _COMMITS


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (errno.EDQUOT, "write:.part"),
        (errno.EFBIG, "write:.part"),
        (errno.EIO, "rename:.memo"),
        (errno.EROFS, "open:.part"),
        (errno.EROFS, "link:films"),
        (errno.ESTALE, "mkdir:late"),
    ],
)
def test_a_refusal_is_told_as_what_it_is_and_not_tried_again(lane: Lane, error: int, call: str) -> None:
    """F80: exit code 7 with the reason's name; each file is asked for once at the most."""
    lane.library.forget_requests()

    ended = lane.sync(Injection(mode=Mode.FAIL, point=1, error=error, only=call))

    assert _STORAGE == ended.code
    assert os.strerror(error) in ended.stderr
    _require_one_clear_word(ended, lane.library.secrets)
    assert {1} >= {len(asked) for asked in lane.library.asked_for().values()}
    lane.require_healing(lane.require_kept_promise().settled)
