"""Time in which nothing comes: it is kept from run to run, and what may be lost to as much of it is named."""

import time
from typing import Final

from archive_case import ArchiveCase
from ledger_cases import raw

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_HOUR_MS: Final = 3_600_000


def _without_a_line(case: ArchiveCase, count: int) -> list[Video]:
    """Have a run meet origins that hang up on every request for *count* videos."""
    dead = Fault.cut(after=0, times=None, reset=True)
    videos = [case.simulator.library.add_video(size=1 << 20, faults=[dead]) for _ in range(count)]
    case.add(*videos)
    assert 3 == case.sync().returncode
    return videos


def _let_pass(case: ArchiveCase, ms: int) -> None:
    """Move the run that has ended into the past."""
    with raw(case.ledger) as connection:
        connection.execute(
            "UPDATE runs SET started_at = started_at - ?1, ended_at = ended_at - ?1,"
            " stands_since = stands_since - ?1",
            (ms,),
        )


def _outages(case: ArchiveCase) -> list[tuple[int | None, bool]]:
    """Return by run for how many hours it has met outages that ended in it, and whether it ended in one."""
    with raw(case.ledger) as connection:
        rows = connection.execute("SELECT stood_ms, stands_since FROM runs ORDER BY id").fetchall()
    return [(round(stood_ms / _HOUR_MS), since is not None) for stood_ms, since in rows]


def test_f40_an_outage_lasts_from_the_run_that_meets_it_to_the_first_byte_of_a_later_one(case: ArchiveCase) -> None:
    videos = _without_a_line(case, 6)
    _let_pass(case, 5 * _HOUR_MS)
    assert 3 == case.sync(FETCHER_API_URL="http://127.0.0.1:9").returncode
    _let_pass(case, 2 * _HOUR_MS)
    for video in videos:
        video.faults.clear()

    ended = case.sync()

    assert 0 == ended.returncode, ended.stderr
    assert [(0, True), (0, True), (7, False)] == _outages(case)


def test_f40_where_polyv_answers_the_outage_is_over(case: ArchiveCase) -> None:
    videos = _without_a_line(case, 6)
    _let_pass(case, 5 * _HOUR_MS)
    for video in videos:
        video.faults.clear()
        video.faults.append(Fault.refuse(status_code=429, times=None))
    task = case.simulator.library.create_task([case.simulator.library.add_video(ready_after=3600).vid])

    assert 3 == case.run("add", task).returncode + case.sync().returncode

    assert [(0, True), (5, False)] == _outages(case)


def test_f40_a_host_that_is_gone_while_polyv_and_others_answer_is_no_outage(case: ArchiveCase) -> None:
    """Else all the time between two runs would be one, and half of all days to come was expected to be lost."""
    _without_a_line(case, 6)
    for _ in range(2):
        _let_pass(case, 5 * _HOUR_MS)
        other = case.simulator.library.add_video(size=1 << 20)
        case.add(other)
        assert 3 == case.sync().returncode
        case.require_right([other])

    assert [(0, True)] * 3 == _outages(case)


def test_f40_two_videos_that_nobody_gives_are_no_outage(case: ArchiveCase) -> None:
    _without_a_line(case, 2)

    assert [(0, False)] == _outages(case)


def test_f40_what_as_many_outages_as_there_have_been_would_take_is_named(case: ArchiveCase) -> None:
    """Ten files of an hour each, all to be begun within twelve hours; half of the last day was lost."""
    _without_a_line(case, 10)
    now = round(time.time() * 1000)
    with raw(case.ledger) as connection:
        connection.execute("DELETE FROM runs")
        connection.execute(
            "UPDATE videos SET size_expected = 3600000, start_by = ?1 + id * 3600000 WHERE status = 'ready'", (now,)
        )
        connection.execute(
            "INSERT INTO runs (owner, started_at, ended_at, bytes, bytes_per_s, stood_ms)"
            " VALUES ('a', ?, ?, 43200000, 1000, 0)",
            (now - 90_000_000, now - 3_000_000),
        )
    steady = len(case.rows("--at-risk"))
    with raw(case.ledger) as connection:
        connection.execute("UPDATE runs SET stood_ms = 43200000")

    assert (0, True) == (steady, len(case.rows("--at-risk")) >= 2)


def test_f45_a_line_that_brought_less_than_a_byte_a_second_stops_no_later_run(case: ArchiveCase) -> None:
    """How long anything takes on a line of 0 bytes a second cannot be reckoned."""
    video = case.simulator.library.add_video(size=1 << 20, faults=[Fault.cut(after=1000, times=6)])
    case.add(video)
    assert 3 == case.sync().returncode
    with raw(case.ledger) as connection:
        connection.execute("UPDATE runs SET bytes = 5, bytes_per_s = 0")

    ended = case.sync()

    assert 0 == ended.returncode, ended.stderr
    case.require_right([video])
