"""The installed command from task ids to verified files."""

import json
import re
import signal
import sqlite3
import subprocess

from archive_case import ArchiveCase

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video


def _library(case: ArchiveCase) -> list[Video]:
    """Nine videos: plain ones, late ones, one that fails, three extensions."""
    library = case.simulator.library
    return [
        library.add_video(
            size=150_000 + number * 7919,
            extension=(".mp4", ".MOV", ".flv")[number % 3],
            ready_after_polls=number % 4,
            fails=number == 7,
        )
        for number in range(9)
    ]


def test_a_run_over_three_tasks_fetches_every_reachable_file_once(case: ArchiveCase) -> None:
    """F60, F63: INIT, PROCESS, SUCCESS and FAIL rows, a video in two tasks: each fetched once, exit code 4."""
    videos = _library(case)
    for task in (videos[:4], videos[3:7], videos[6:]):
        case.add(*task)

    ended = case.sync("--until-done")

    reachable = [video for video in videos if video is not videos[7]]
    assert 4 == ended.returncode
    case.require_right(reachable)
    assert sorted(f"{video.vid}{video.extension}" for video in reachable) == case.files()
    assert [video.size for video in reachable] == [case.fetched_bytes(video) for video in reachable]
    assert [] == case.parts()


def test_a_failed_video_is_told_by_status_list_and_show(case: ArchiveCase) -> None:
    """F60: FAIL at Polyv needs a person, who finds it in every view."""
    video = case.simulator.library.add_video(fails=True)
    task_id = case.add(video)

    ended = case.sync()

    assert 4 == ended.returncode
    assert video.vid in ended.stderr
    assert 1 == case.status()["counts"]["failed"]
    assert {"vendor_failed": 1} == case.status()["reasons"]
    row = case.rows("--status", "failed")[video.vid]
    assert ("failed", "vendor_failed", [task_id]) == (row["status"], row["reason"], row["task_ids"])
    assert "vendor_failed" in case.run("show", video.vid).stdout


def test_a_second_run_does_nothing(case: ArchiveCase) -> None:
    """What is done is neither asked about nor fetched again."""
    videos = [case.simulator.library.add_video() for _ in range(3)]
    case.add(*videos)
    assert 0 == case.sync().returncode
    case.simulator.requests.clear()

    ended = case.sync("--json")

    assert 0 == ended.returncode
    assert [] == list(case.simulator.requests)
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert ("summary", 0, 0, 0) == (summary["type"], summary["done"], summary["bytes"], summary["calls"])


def test_one_pass_leaves_what_polyv_still_prepares(case: ArchiveCase) -> None:
    """Nothing failed, nothing to be done now: exit code 0, and the video waits."""
    video = case.simulator.library.add_video(ready_after=3600)
    case.add(video)

    ended = case.sync(FETCHER_POLL_INTERVAL="60")

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert "waiting" == case.rows()[video.vid]["status"]


def test_a_link_that_is_dead_at_once_is_renewed(case: ArchiveCase) -> None:
    """F33: a 403 asks Polyv for a fresh link; no try is lost and the run ends well."""
    video = case.simulator.library.add_video(faults=[Fault.expired()])
    case.add(video)

    assert 0 == case.sync().returncode
    case.require_right([video])
    assert [403, 200] == [request.status_code for request in case.simulator.requests.of(video.vid)]


def test_a_cut_body_goes_on_from_where_it_broke(case: ArchiveCase) -> None:
    """F12: the rest is asked for as a range: the bytes that had come are not fetched again."""
    video = case.simulator.library.add_video(size=3_000_000, faults=[Fault.cut(after=2_000_000)])
    case.add(video)

    assert 0 == case.sync().returncode
    case.require_right([video])
    assert [None, "bytes=2000000-"] == [request.range for request in case.simulator.requests.of(video.vid)]


def test_an_origin_that_stays_broken_is_left_for_a_later_run(case: ArchiveCase) -> None:
    """F52: exit code 3 once the tries of a run are used up; the next run fetches it."""
    refusing = Fault.refuse(times=None)
    video = case.simulator.library.add_video(faults=[refusing])
    case.add(video)

    ended = case.sync(FETCHER_TRIES="2")

    assert 3 == ended.returncode
    assert "left to a later run: 1; the last one: the origin is busy (503)" in ended.stderr
    assert "ready" == case.rows()[video.vid]["status"]
    video.faults.clear()

    assert 0 == case.sync().returncode
    case.require_right([video])


def test_wrong_bytes_are_never_done(case: ArchiveCase) -> None:
    """F29: a digest that the origin names and that does not fit ends in quarantine, not in the archive."""
    case.simulator.library.crc = True
    video = case.simulator.library.add_video(faults=[Fault.bit_flip(at=70_000, times=None)])
    case.add(video)

    ended = case.sync()

    assert 4 == ended.returncode
    assert "mismatch" == case.rows()[video.vid]["reason"]
    assert [] == case.files()
    assert list((case.root / ".fetcher" / "quarantine").iterdir())


def test_a_finished_file_that_vanished_is_fetched_again(case: ArchiveCase) -> None:
    """F78: a row that says done over no file is not believed."""
    video = case.simulator.library.add_video()
    case.add(video)
    case.sync()
    (case.root / case.rows()[video.vid]["path"]).unlink()

    ended = case.sync("--until-done")

    assert 0 == ended.returncode
    assert "gone" in ended.stderr
    case.require_right([video])


def test_other_bytes_under_the_final_name_are_kept(case: ArchiveCase) -> None:
    """F83: a conflict needs a person; neither file is lost."""
    video = case.simulator.library.add_video()
    case.add(video)
    standing = case.root / f"{video.vid}.mp4"
    standing.write_bytes(b"somebody's own")

    assert 4 == case.sync().returncode
    assert "conflict" == case.rows()[video.vid]["reason"]
    assert b"somebody's own" == standing.read_bytes()
    (kept,) = (case.root / ".fetcher" / "quarantine").iterdir()
    assert video.size == kept.stat().st_size


def test_a_task_that_polyv_never_tells_anything_of_is_told_once(case: ArchiveCase) -> None:
    """F62: no video of it can be named, for none is known; that run's exit code says that something is wrong."""
    unknown = "d" * 32
    assert 0 == case.run("add", unknown).returncode
    with sqlite3.connect(case.ledger) as connection:
        connection.execute("UPDATE tasks SET added_at = added_at - 864000000, quiet_polls = 50")

    first, second = case.sync("--json"), case.sync()

    assert [4, 0] == [first.returncode, second.returncode]
    (line,) = first.stderr.splitlines()
    assert all(word in line for word in (unknown, "not asked about any more", f"'fetcher add {unknown}'"))
    assert {"task_rejected"} <= {json.loads(line)["type"] for line in first.stdout.splitlines()}
    assert "" == second.stderr
    assert {"rejected": 1} == case.status()["tasks"]


def test_retry_puts_a_failed_video_back_to_work(case: ArchiveCase) -> None:
    """Once the cause is gone, 'retry --failed' and a run finish the job."""
    video = case.simulator.library.add_video(faults=[Fault.gone(times=None)])
    case.add(video)
    assert 4 == case.sync().returncode
    assert "gone" == case.rows()[video.vid]["reason"]
    video.faults.clear()

    assert f"{video.vid}\n" == case.run("retry", "--failed").stdout
    assert 0 == case.sync().returncode
    case.require_right([video])


def test_json_lines_tell_every_file_and_end_with_the_summary(case: ArchiveCase) -> None:
    """Programs read one object a line."""
    video = case.simulator.library.add_video()
    case.add(video)

    ended = case.sync("--json")

    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ["poll", "done", "summary"] == [line["type"] for line in lines]
    assert (video.vid, video.sha256()) == (lines[1]["vid"], lines[1]["sha256"])
    assert {"exit_code": 0, "done": 1, "failed": 0, "bytes": video.size, "at_risk": 0}.items() <= lines[2].items()
    assert "" == ended.stderr


def test_one_line_of_summary_with_verbose(case: ArchiveCase) -> None:
    """-v says how it went in one line on stderr."""
    video = case.simulator.library.add_video()
    case.add(video)

    ended = case.run("-v", "sync")

    (line,) = [line for line in ended.stderr.splitlines() if "exit code 0" in line]
    assert line.startswith("fetcher: 1 done")


def test_a_try_that_failed_is_told_with_the_moment_of_the_next_one_also_where_that_is_a_later_runs(
    case: ArchiveCase,
) -> None:
    """-v promises no other try in this run: this one was the last."""
    video = case.simulator.library.add_video(faults=[Fault.refuse(times=None)])
    case.add(video)

    ended = case.run("-v", "sync", FETCHER_TRIES="1")

    told = rf"^fetcher: {video.vid}: .*\(503\); tried again from \d{{4}}-\S+Z on$"
    assert 1 == len(re.findall(told, ended.stderr, re.MULTILINE)), ended.stderr


def test_a_run_stops_at_its_limit_of_bytes_and_goes_on_later(case: ArchiveCase) -> None:
    """Exit code 8 with work left; the part is kept and the next run finishes it."""
    videos = [
        case.simulator.library.add_video(size=2_000_000, faults=[Fault.drip(rate=2_000_000)]) for _ in range(3)
    ]
    case.add(*videos)

    assert 8 == case.sync("--max-bytes", "500K").returncode
    for video in videos:
        video.faults.clear()
    assert 0 == case.sync().returncode
    case.require_right(videos)


def test_a_run_stops_at_its_limit_of_time(case: ArchiveCase) -> None:
    """F41: exit code 8 with work left."""
    video = case.simulator.library.add_video(size=5_000_000, faults=[Fault.drip(rate=100_000, times=None)])
    case.add(video)

    assert 8 == case.sync("--max-duration", "5s").returncode
    assert "ready" == case.rows()[video.vid]["status"]


def test_two_runs_never_meet(case: ArchiveCase) -> None:
    """F71, F100: the second one says so and ends with 11; the first is not disturbed."""
    video = case.simulator.library.add_video(size=1_000_000, faults=[Fault.drip(rate=400_000)])
    case.add(video)
    first = case.start("sync")
    while not case.simulator.requests.of(video.vid):
        assert first.poll() is None
    first.send_signal(signal.SIGSTOP)  # However long the second one takes.

    second = case.sync()

    first.send_signal(signal.SIGCONT)
    assert 11 == second.returncode
    assert "another run" in second.stderr
    assert 0 == first.wait(60)
    first.communicate()
    case.require_right([video])


def test_a_dry_run_changes_and_asks_nothing(case: ArchiveCase) -> None:
    """It says what would be asked."""
    task_id = case.add(case.simulator.library.add_video())

    told = case.sync("-n")

    assert 0 == told.returncode
    assert task_id in told.stdout
    assert [] == list(case.simulator.requests)


def test_data_goes_to_stdout_in_every_format(case: ArchiveCase) -> None:
    """Table, CSV, JSON lines and ids of the same videos."""
    video = case.simulator.library.add_video()
    case.add(video)
    case.sync()

    def listed(form: str) -> subprocess.CompletedProcess[str]:
        return case.run("list", "--format", form)

    assert f"{video.vid}\n" == listed("ids").stdout
    assert listed("csv").stdout.splitlines()[1].startswith(f"{video.vid},done,")
    assert video.vid in listed("table").stdout
    assert video.vid == json.loads(listed("jsonl").stdout)["vid"]
