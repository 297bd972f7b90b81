"""What is asked of Polyv is paid for: no video twice without need, and none without end."""

import json
import sqlite3
from contextlib import closing
from subprocess import CompletedProcess

from archive_case import ArchiveCase
from wanted_cases import want_videos

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.library import Video

_CREATE = "/source-file-task/create"
_SIZE = 100_000
_HOUR_MS = 3_600_000


def _let_pass(case: ArchiveCase, hours: int) -> None:
    """Have the ledger's tasks be so much older than they are."""
    with closing(sqlite3.connect(case.ledger)) as ledger, ledger:
        ledger.execute("UPDATE tasks SET added_at = added_at - ?", (hours * _HOUR_MS,))


def _sync_with(case: ArchiveCase, video: Video) -> CompletedProcess[str]:
    """Run one pass with one more video wanted."""
    want_videos(case.root, [video])
    return case.sync()


def test_what_recorded_tasks_name_is_not_asked_for_again(case: ArchiveCase) -> None:
    """Wanted with the whole library, submitted elsewhere before: the tasks are asked about first."""
    library = case.simulator.library
    videos = [library.add_video(size=_SIZE, ready_after=3600 * (number % 2)) for number in range(5)]
    want_videos(case.root, videos)
    case.add(*videos[:2])
    case.add(*videos[2:4])

    ended = case.sync()

    assert (0, "") == (ended.returncode, ended.stderr)
    assert [1] * 5 == [len(library.tasks_of(video.vid)) for video in videos]


def test_a_recorded_task_without_an_answer_holds_up_the_others_for_a_few_questions(case: ArchiveCase) -> None:
    """What it names is not asked for meanwhile, and a mistyped id is no reason never to ask again."""
    library = case.simulator.library
    video = library.add_video(size=_SIZE)
    want_videos(case.root, [video])
    case.simulator.unknown_task = "error"
    assert 0 == case.run("add", "0" * 32).returncode

    codes: list[int] = []
    while not library.tasks_of(video.vid) and len(codes) < 9:
        codes.append(case.sync(FETCHER_POLL_INTERVAL="0.01").returncode)

    assert [3, 3, 3] == codes


def test_a_task_that_is_recorded_beside_a_run_is_asked_about_before_more_is_asked_for(case: ArchiveCase) -> None:
    """The run has room for one video at a time, and the second one comes with the task."""
    library = case.simulator.library
    first, second = (library.add_video(size=_SIZE, ready_after_polls=3) for _ in range(2))
    want_videos(case.root, [first, second])
    process = case.start("sync", "--until-done", FETCHER_THAW_BUDGET=str(_SIZE), FETCHER_POLL_INTERVAL="0.5")
    while not library.tasks_of(first.vid):
        assert process.poll() is None
    case.add(second)

    _, told = process.communicate(timeout=60)
    assert (0, b"") == (process.returncode, told)
    assert [1, 1] == [len(library.tasks_of(video.vid)) for video in (first, second)]
    case.require_right([first, second])


def test_answers_that_are_lost_one_after_the_other_end_the_asking_for_a_while(case: ArchiveCase) -> None:
    """Three tasks may have been paid for in vain; the fourth comes an hour later, the fifth two hours after it."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(9)]
    case.simulator.api_faults.append(ApiFault.null_data(path=_CREATE, times=None))
    ended = [_sync_with(case, video) for video in videos[:5]]

    assert [3, 3, 3, 0, 0] == [one.returncode for one in ended]
    assert [1, 1, 2, 0, 0] == [len(one.stderr.splitlines()) for one in ended]
    assert "no other one is asked for before" in ended[2].stderr
    for video, asked in zip(videos[5:8], (4, 4, 5), strict=True):
        _let_pass(case, 1)
        _sync_with(case, video)
        assert asked == len(case.simulator.library.tasks)

    case.simulator.api_faults.clear()
    assert 0 == case.run("retry", videos[0].vid).returncode
    assert 0 == _sync_with(case, videos[8]).returncode
    assert {"lost": 5, "open": 1} == case.status()["tasks"]


def test_no_video_is_asked_for_without_end_where_each_answer_is_lost(case: ArchiveCase) -> None:
    """Three times, each after the window of the one before; then it needs a person, who may have it asked for."""
    library = case.simulator.library
    video = library.add_video(size=_SIZE)
    want_videos(case.root, [video])
    case.simulator.api_faults.append(ApiFault.truncated_json(path=_CREATE, times=None))
    codes = []
    for _ in range(6):
        codes.append(case.sync(FETCHER_EXPIRE_DAYS="1").returncode)
        _let_pass(case, 26)

    assert [3, 3, 3, 4, 4, 4] == codes
    assert 3 == len(library.tasks_of(video.vid))
    row = case.rows()[video.vid]
    assert ("failed", "never_prepared") == (row["status"], row["reason"])
    assert "asked for 3 times" in row["detail"]

    case.simulator.api_faults.clear()
    assert f"{video.vid}\n" == case.run("retry", video.vid).stdout
    assert 0 == case.sync("--until-done", FETCHER_EXPIRE_DAYS="1").returncode
    case.require_right([video])


def test_a_program_that_submits_the_library_with_what_failed_does_not_pay_without_end_either(
    case: ArchiveCase,
) -> None:
    """The same six tasks at the most, each after the window of the one before; then it takes its name."""
    library = case.simulator.library
    video = library.add_video(size=_SIZE)
    want_videos(case.root, [video])
    case.simulator.api_faults.append(ApiFault.truncated_json(path=_CREATE, times=None))
    asked, told = [], []
    for _ in range(9):
        case.sync(FETCHER_EXPIRE_DAYS="1")
        told.append(case.run("submit", "--library", "--failed"))
        asked.append(len(library.tasks))
        _let_pass(case, 26)

    assert [1, 2, 3, 4, 5, 6, 6, 6, 6] == asked
    assert ["", ""] == [ran.stderr for ran in told[:2]]
    assert f"6 tasks for each were lost, and may have been paid for: 1 ({video.vid})" in told[-1].stderr
    assert ("failed", 0) == (case.rows()[video.vid]["status"], told[-1].returncode)
    case.simulator.api_faults.clear()
    assert 0 == case.run("submit", video.vid).returncode
    _let_pass(case, 26)
    assert 0 == case.sync("--until-done", FETCHER_EXPIRE_DAYS="1").returncode
    case.require_right([video])


def test_a_program_that_puts_all_failed_ones_back_does_not_pay_without_end(case: ArchiveCase) -> None:
    """Six tasks for a video at the most, and no pause less; then it takes its name, or somebody who insists."""
    library = case.simulator.library
    video = library.add_video(size=_SIZE)
    want_videos(case.root, [video])
    case.simulator.api_faults.append(ApiFault.truncated_json(path=_CREATE, times=None))
    asked, told = [], []
    for _ in range(12):
        case.sync(FETCHER_EXPIRE_DAYS="1")
        told.append(case.run("retry", "--failed"))
        case.sync(FETCHER_EXPIRE_DAYS="1")
        asked.append(len(library.tasks))
        _let_pass(case, 26)

    assert [1, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 6] == asked
    assert ["", "", f"{video.vid}\n", "", "", ""] == [ran.stdout for ran in told[:6]]
    assert f"6 tasks for each were lost, and may have been paid for: 1 ({video.vid})" in told[-1].stderr
    assert ("failed", 0) == (case.rows()[video.vid]["status"], told[-1].returncode)
    assert 2 == case.run("retry", video.vid, "--force").returncode
    case.simulator.api_faults.clear()
    assert f"{video.vid}\n" == case.run("retry", "--failed", "--force").stdout
    assert 0 == case.sync("--until-done", FETCHER_EXPIRE_DAYS="1").returncode
    case.require_right([video])


def test_files_that_somebody_took_away_are_not_thawed_a_second_time_by_themselves(case: ArchiveCase) -> None:
    """F78: what their task still gives is fetched again; what has gone cold takes a person, whatever is set."""
    videos = [case.simulator.library.add_video(size=_SIZE) for _ in range(2)]
    tasks = [case.simulator.library.task(case.add(video)) for video in videos]
    assert 0 == case.sync().returncode
    for path in case.files():
        (case.root / path).unlink()
    tasks[1].expire_days = 0

    ended = case.sync("--until-done", FETCHER_RESUBMIT_EXPIRED="true")

    assert 4 == ended.returncode
    assert f"fetcher submit {videos[1].vid}" in ended.stderr
    assert ["done", "failed"] == [case.rows()[video.vid]["status"] for video in videos]
    assert 2 == len(case.simulator.library.tasks)


def test_what_is_wanted_and_does_not_fit_on_the_disk_is_told_by_the_exit_code(case: ArchiveCase) -> None:
    """F79, before it is asked for: others are fetched all the same, and a run until all is done ends."""
    library = case.simulator.library
    small, giant = library.add_video(size=_SIZE), library.add_video(size=1 << 50)
    want_videos(case.root, [small, giant])

    for arguments in ((), ("--until-done",)):
        ended = case.sync(*arguments)
        assert (7, 1) == (ended.returncode, len(ended.stderr.splitlines()))
        assert "no room for videos that are wanted: 1;" in ended.stderr
    case.require_right([small])
    assert [1, 0] == [len(library.tasks_of(video.vid)) for video in (small, giant)]
    assert "wanted" == json.loads(case.run("show", giant.vid, "--json").stdout)["status"]
