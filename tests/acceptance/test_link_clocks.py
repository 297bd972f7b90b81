"""The two clocks of a link, with the installed command: links that die on the way, windows that close."""

import sqlite3
from contextlib import closing

import pytest
from archive_case import ArchiveCase

from fetcher.simulator.faults import Fault

_SIZE = 1_600_000
_AT_ONCE = 300_000


def test_f34_a_fetch_that_outlives_three_links_ends_right_with_each_byte_fetched_once(case: ArchiveCase) -> None:
    """The line breaks three times, each time after the link has died: the part goes on under a fresh one."""
    video = case.simulator.library.add_video(
        size=_SIZE,
        faults=[Fault.drip(rate=_AT_ONCE), *[Fault.cut(after=_AT_ONCE) for _ in range(3)]],
    )
    case.simulator.link_lifetime = 0.9
    case.add(video)

    ended = case.sync("--until-done")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([video])
    asked = case.simulator.requests.of(video.vid)
    assert video.size == sum(request.bytes_sent for request in asked if request.status_code in (200, 206))
    assert 3 <= len([request for request in asked if request.status_code == 403])


def test_both_clocks_are_told(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video(faults=[Fault.refuse(times=None)])
    case.add(video, expire_days=7)

    assert 3 == case.sync(FETCHER_TRIES="1").returncode

    row, status = case.rows()[video.vid], case.status()
    assert None not in (row["deadline"], row["window_ends_at"])
    assert (row["deadline"], row["window_ends_at"]) == (status["nearest_deadline"], status["nearest_window_end"])
    assert row["deadline"] < row["window_ends_at"]
    shown = case.run("show", video.vid).stdout
    assert row["deadline"] in shown
    assert row["window_ends_at"] in shown


def test_f35_a_closed_window_names_the_command_that_asks_again(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video()
    case.simulator.library.task(case.add(video)).expire_days = 0

    ended = case.sync()

    assert 4 == ended.returncode
    assert f"fetcher submit {video.vid}" in ended.stderr
    assert "window_closed" == case.rows()[video.vid]["reason"]


def test_f35_what_has_gone_cold_is_wanted_again_where_that_is_allowed(case: ArchiveCase) -> None:
    """The old task goes on signing links for the cold file; none of them is taken, but those of a new task."""
    video = case.simulator.library.add_video()
    case.simulator.library.task(case.add(video)).expire_days = 0

    ended = case.sync(FETCHER_RESUBMIT_EXPIRED="true")
    status = case.rows()[video.vid]["status"]
    again = case.sync("--until-done", FETCHER_RESUBMIT_EXPIRED="true")

    assert (0, "", 0, "") == (ended.returncode, ended.stderr, again.returncode, again.stderr)
    assert status in {"wanted", "waiting"}, "asked for again in this run or in the next one"
    case.require_right([video])
    assert [403, 200] == [request.status_code for request in case.simulator.requests.of(video.vid)]
    assert 2 == len(case.simulator.library.tasks)


def test_f35_what_is_submitted_again_is_asked_for_while_its_old_task_goes_on(case: ArchiveCase) -> None:
    """As its message says. The old task prepares others still, and gives a link for the cold file each time."""
    library = case.simulator.library
    video, slow = library.add_video(), library.add_video(ready_after_polls=1_000_000)
    library.task(case.add(video, slow)).expire_days = 0
    assert 4 == case.sync().returncode

    assert 0 == case.run("submit", video.vid).returncode
    passes = [case.sync().returncode for _ in range(2)]

    assert [0, 0] == passes
    case.require_right([video])
    assert [403, 200] == [request.status_code for request in case.simulator.requests.of(video.vid)]


def test_f35_retry_tries_the_link_that_there_is(case: ArchiveCase) -> None:
    """It may have been cold for a moment only, by the word of one node."""
    video = case.simulator.library.add_video()
    task = case.simulator.library.task(case.add(video))
    task.expire_days = 0
    assert 4 == case.sync().returncode
    task.expire_days = 7

    assert 0 == case.run("retry", video.vid).returncode
    assert 0 == case.sync().returncode

    case.require_right([video])


def test_f35_a_run_until_done_asks_again_for_what_has_gone_cold_and_fetches_it(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video()
    case.simulator.library.task(case.add(video)).expire_days = 0

    ended = case.sync("--until-done", "--max-duration", "30s", FETCHER_RESUBMIT_EXPIRED="true")

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([video])


def test_f66_a_clock_that_is_hours_ahead_keeps_no_video_from_the_task_that_was_paid_for_again(
    case: ArchiveCase,
) -> None:
    """Local time taken for UTC, as in China: by this clock the file went cold after the new one was ready."""
    case.simulator.clock_offset = -8 * 3600.0
    video = case.simulator.library.add_video()
    case.simulator.library.task(case.add(video)).expire_days = 0

    ended = case.sync("--until-done", "--max-duration", "30s", FETCHER_RESUBMIT_EXPIRED="true")

    assert 0 == ended.returncode, ended.stderr
    case.require_right([video])
    assert 2 == len(case.simulator.library.tasks)


@pytest.mark.parametrize("may_resubmit", ["false", "true"])
def test_f35_what_went_cold_in_an_old_task_is_waited_for_while_a_newer_one_prepares_it(
    case: ArchiveCase, may_resubmit: str
) -> None:
    """Both were recorded: nobody is told to ask, and pay, for what is being thawed, and no run does so."""
    library = case.simulator.library
    video = library.add_video(ready_after=3600)
    old = library.task(case.add(video))
    old.expire_days, old.created_at = 0, old.created_at - 7200
    new = library.task(case.add(video))
    environ = {"FETCHER_RESUBMIT_EXPIRED": may_resubmit, "FETCHER_POLL_INTERVAL": "60"}

    passes = [case.sync(**environ) for _ in range(2)]

    assert [(0, "")] * 2 == [(ended.returncode, ended.stderr) for ended in passes]
    assert ("waiting", [old, new]) == (case.rows()[video.vid]["status"], library.tasks_of(video.vid))
    new.created_at -= 7200
    new.success_at[video.vid] = new.created_at + 7300
    assert 0 == case.run("retry", video.vid).returncode
    assert 0 == case.sync(**environ).returncode
    case.require_right([video])
    assert [403, 200] == [request.status_code for request in case.simulator.requests.of(video.vid)]


@pytest.mark.parametrize("offset_s", [60.0, 170.0])
def test_f67_a_clock_that_is_a_minute_behind_puts_no_fresh_link_at_risk(case: ArchiveCase, offset_s: float) -> None:
    """By it the moment of signing lies ahead, as that of an expiry would."""
    case.simulator.clock_offset = offset_s
    video = case.simulator.library.add_video(size=1_000_000, faults=[Fault.drip(rate=1000.0)])
    case.add(video, created_at=case.simulator.now() - 3600)

    ended = case.sync("--max-bytes", "1")

    assert (8, "") == (ended.returncode, ended.stderr)


_TEN_YEARS_S = 315_360_000


@pytest.mark.parametrize(("ready_after", "code"), [(3600, 8), (0, 3)])
def test_f67_a_clock_that_jumps_by_years_gives_up_nothing_that_polyv_prepares(
    case: ArchiveCase, ready_after: float, code: int
) -> None:
    """Recorded and thawed while the clock was right; Polyv's answer tells that ours is ahead by now.

    One is being prepared still, of the other Polyv has no link but one that was refused.
    """
    case.simulator.links = "frozen"
    video = case.simulator.library.add_video(ready_after=ready_after, faults=[Fault.expired(times=None)])
    task = case.simulator.library.task(case.add(video))
    assert case.sync().returncode in {0, 3}
    case.simulator.clock_offset = -float(_TEN_YEARS_S)
    task.created_at -= _TEN_YEARS_S
    task.success_at = {vid: at - _TEN_YEARS_S for vid, at in task.success_at.items()}
    with closing(sqlite3.connect(case.ledger)) as ledger, ledger:
        ledger.execute("UPDATE tasks SET added_at = added_at - ?, quiet_polls = 20", (_TEN_YEARS_S * 1000,))

    ended = case.sync("--until-done", "--max-duration", "4s", FETCHER_POLL_INTERVAL_MAX="0.2")

    assert code == ended.returncode, ended.stderr
    assert "waiting" == case.rows()[video.vid]["status"]
