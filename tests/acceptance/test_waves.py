"""A library that is asked for in waves, by the installed command, against the simulator."""

import json
import signal
import sqlite3
import time
from contextlib import closing

from archive_case import ArchiveCase
from wanted_cases import want_videos

from fetcher.ledger.opening import open_ledger
from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.faults import Fault

_CREATE = "/source-file-task/create"
_SIZE = 100_000


def _told(output: str, kind: str) -> list[dict[str, object]]:
    """Return the lines of ``sync --json`` of one *kind*."""
    return [row for row in map(json.loads, output.splitlines()) if row["type"] == kind]


def _let_windows_pass(case: ArchiveCase) -> None:
    """Have the ledger's tasks be a day and two hours older than they are."""
    with closing(sqlite3.connect(case.ledger)) as ledger, ledger:
        ledger.execute("UPDATE tasks SET added_at = added_at - ?", (26 * 3_600_000,))


def test_a_library_is_asked_for_in_waves_within_the_budget(case: ArchiveCase) -> None:
    """Every video that Polyv gives is done, no more was thawed than the budget, and only what was lost twice."""
    library = case.simulator.library
    videos = [library.add_video(size=_SIZE, ready_after_polls=number % 2) for number in range(40)]
    fails = library.add_video(size=_SIZE, fails=True)
    hidden = library.add_video(size=_SIZE, status=10)
    stranger = f"{7:032x}_1"
    want_videos(case.root, [*videos[:7], hidden, *videos[7:20], fails, *videos[20:]], strangers=[stranger])
    environ = {"FETCHER_EXPIRE_DAYS": "1", "FETCHER_POLL_INTERVAL_MAX": "0.2"}
    for fault in (ApiFault.truncated_json, ApiFault.unheard):
        case.simulator.api_faults.append(fault(path=_CREATE))
        lost = case.sync(FETCHER_THAW_BUDGET=str(3 * _SIZE), **environ)
        assert (3, 1) == (lost.returncode, len(lost.stderr.splitlines()))
        _let_windows_pass(case)

    ended = case.sync("--until-done", "--json", FETCHER_THAW_BUDGET=str(9 * _SIZE), **environ)

    assert 4 == ended.returncode, ended.stderr
    case.require_right(videos)
    rows = case.rows("--status", "failed")
    assert {fails.vid: "vendor_failed", hidden.vid: "refused_by_polyv", stranger: "refused_by_polyv"} == {
        vid: row["reason"] for vid, row in rows.items()
    }
    assert [2] * 3 + [1] * 38 == [len(library.tasks_of(video.vid)) for video in [*videos, fails]]
    created = _told(ended.stdout, "task_created")
    assert (len(library.tasks) - 1, True) == (len(created), len(created) >= 5)
    assert case.simulator.most_outstanding <= 9 * _SIZE


def test_from_cron_each_pass_asks_for_a_wave_and_the_next_one_fetches_it(case: ArchiveCase) -> None:
    """Four waves in five passes: one that fetches asks before it ends, and does not leave that to the next."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(12)]
    want_videos(case.root, videos)

    ended = [case.sync("--json", FETCHER_THAW_BUDGET=str(3 * _SIZE)) for _ in range(5)]

    assert [0] * 5 == [one.returncode for one in ended]
    case.require_right(videos)
    assert case.simulator.most_outstanding <= 3 * _SIZE
    assert 12 == sum(int(str(row["videos"])) for one in ended for row in _told(one.stdout, "task_created"))


def test_room_that_becomes_free_file_by_file_makes_no_task_for_each(case: ArchiveCase) -> None:
    """Eight, and then at least a quarter of that at a time: each task is asked about for days."""
    library = case.simulator.library
    videos = [library.add_video(size=_SIZE, faults=[Fault.drip(rate=_SIZE / (2 + n % 2))]) for n in range(12)]
    want_videos(case.root, videos)

    ended = case.sync("--until-done", "--jobs", "2", "--json", FETCHER_THAW_BUDGET=str(8 * _SIZE))

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right(videos)
    assert len(_told(ended.stdout, "task_created")) <= 3


def test_a_pass_that_downloads_asks_polyv_meanwhile(case: ArchiveCase) -> None:
    """For new tasks as room becomes free, and about those that come due: all is done in one pass."""
    library = case.simulator.library
    long = library.add_video(size=_SIZE, faults=[Fault.drip(rate=_SIZE / 6)])
    soon = library.add_video(size=_SIZE, ready_after=2.0)
    wanted = [library.add_video(size=_SIZE) for _ in range(2)]
    case.add(long)
    case.add(soon)
    want_videos(case.root, wanted)

    ended = case.sync(FETCHER_THAW_BUDGET=str(3 * _SIZE))

    assert (0, "") == (ended.returncode, ended.stderr)
    case.require_right([long, soon, *wanted])


def test_a_task_whose_answer_was_lost_is_told_once_and_asked_for_again_by_a_person_or_after_its_window(
    case: ArchiveCase,
) -> None:
    """Created and cut, and cut before it was heard: nobody can tell them apart, so both are waited for."""
    library = case.simulator.library
    made, unheard, later = (library.add_video(size=_SIZE) for _ in range(3))
    case.simulator.api_faults.append(ApiFault.truncated_json(path=_CREATE))
    want_videos(case.root, [made])
    first = case.sync()
    case.simulator.api_faults.append(ApiFault.unheard(path=_CREATE))
    want_videos(case.root, [unheard])
    second = case.sync()
    want_videos(case.root, [later])
    third = case.sync()

    assert [3, 3, 0] == [ended.returncode for ended in (first, second, third)]
    assert [1, 1, 0] == [len(ended.stderr.splitlines()) for ended in (first, second, third)]
    assert "Polyv was asked for 1 video, and whether it made a task is not known (" in first.stderr
    assert "with broken or unfinished JSON (79 bytes));" in first.stderr
    assert [1, 0, 1] == [len(library.tasks_of(video.vid)) for video in (made, unheard, later)]
    assert {"lost": 2, "open": 1} == case.status()["tasks"]
    assert "asked for again after" in case.rows()[unheard.vid]["detail"]
    (task,) = json.loads(case.run("show", unheard.vid, "--json").stdout)["tasks"]
    assert unheard.vid in case.run("show", task["request_key"]).stdout

    assert f"{unheard.vid}\n" == case.run("retry", unheard.vid).stdout
    fourth = case.sync("--until-done", "--max-duration", "3s")

    assert 8 == fourth.returncode, fourth.stderr
    case.require_right([unheard, later])
    assert [1, 1, 1] == [len(library.tasks_of(video.vid)) for video in (made, unheard, later)]


def test_without_the_role_nothing_is_asked_for_and_nothing_is_lost(case: ArchiveCase) -> None:
    """Error 105: exit code 6, after one call."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(3)]
    case.simulator.api_faults.append(ApiFault.error(105, path=_CREATE))
    want_videos(case.root, videos)

    assert 6 == case.sync(FETCHER_THAW_BUDGET=str(_SIZE)).returncode
    assert (1, {}, 3) == (
        len(case.simulator.requests.to(_CREATE)),
        case.status()["tasks"],
        case.status()["counts"]["wanted"],
    )


def test_what_polyv_refused_is_asked_for_again_when_a_person_says_so(case: ArchiveCase) -> None:
    """It was published in the meantime."""
    video = case.simulator.library.add_video(size=_SIZE, status=10)
    want_videos(case.root, [video])
    assert 4 == case.sync().returncode

    video.status = 61
    assert f"{video.vid}\n" == case.run("retry", video.vid).stdout
    assert 0 == case.sync("--until-done").returncode
    case.require_right([video])


def test_a_stop_waits_a_little_for_the_id_of_a_task(case: ArchiveCase) -> None:
    """An answer within five seconds is kept."""
    video = case.simulator.library.add_video(size=_SIZE)
    want_videos(case.root, [video])
    case.simulator.api_faults.append(ApiFault.slow(1.0, path=_CREATE))
    process = case.start("sync")
    while not case.simulator.requests.to(_CREATE):
        time.sleep(0.01)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert 143 == process.wait(timeout=60)
    if process.stderr is not None and process.stdout is not None:
        process.stderr.close()
        process.stdout.close()

    assert time.monotonic() - began < 20
    assert {"open": 1} == case.status()["tasks"]


def test_a_dry_run_tells_how_much_of_it_is_a_guess(case: ArchiveCase) -> None:
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(2)]
    want_videos(case.root, videos)
    known = case.sync("--dry-run").stdout
    database = open_ledger(case.ledger)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE videos SET size_expected = NULL WHERE id = 1")
    database.close()

    guessed = case.sync("--dry-run").stdout

    assert "is not known: taken for" not in known
    assert "1 wanted video has a size that is not known: taken for 1.0 GiB each\n" in guessed


def test_a_dry_run_tells_the_waves_and_asks_nobody(case: ArchiveCase) -> None:
    """Waves, bytes and days."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(7)]
    want_videos(case.root, videos)

    planned = case.sync("--dry-run", FETCHER_THAW_BUDGET=str(3 * _SIZE))

    assert 0 == planned.returncode
    assert (
        "would ask Polyv for 7 wanted videos (683.6 KiB) in 3 waves:\n"
        "wave 1: 3 videos, 293.0 KiB, in 1 task\n"
        "wave 2: 3 videos, 293.0 KiB, in 1 task\n"
        "wave 3: 1 video, 97.7 KiB, in 1 task\n"
        "how many days that takes is not known: nothing has been fetched yet\n"
    ) in planned.stdout
    assert [] == list(case.simulator.requests)


def test_a_dry_run_says_that_recorded_tasks_may_name_what_is_wanted(case: ArchiveCase) -> None:
    """Until they were asked about, nobody knows."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(3)]
    want_videos(case.root, videos)
    case.add(*videos[:2])

    before = case.sync("--dry-run").stdout
    assert 0 == case.sync("--until-done").returncode
    after = case.sync("--dry-run").stdout

    less = "less what is named by recorded tasks that were never asked about: they come first\n"
    assert "would ask Polyv for 3 wanted videos" in before
    assert less in before
    assert less not in after
