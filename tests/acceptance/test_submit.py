"""``fetcher submit``: what becomes wanted of a library, and what is said of the rest."""

import json
from pathlib import Path

from archive_case import ArchiveCase

from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.library import Video

_VID = "1b448be32370f4822ac40fd926112a66_1"


def _asked(case: ArchiveCase) -> list[str]:
    """Return which calls were asked of Polyv."""
    return [request.path.rpartition("/")[2] for request in case.simulator.requests]


def _statuses(case: ArchiveCase) -> dict[str, str]:
    return {vid: row["status"] for vid, row in case.rows().items()}


def _mixed(case: ArchiveCase) -> list[Video]:
    """A library of published videos in nested categories, and some that no task may ask for."""
    library = case.simulator.library
    maths = library.add_category("数学/Maths")
    algebra = library.add_category("Algebra", parent_id=maths.category_id)
    published = [
        library.add_video(
            title=f"第{number}课 / part 🎬",
            category_id=algebra.category_id,
            size=1000 + number,
            created_at=1.6e9 + number,
        )
        for number in range(5)
    ]
    for status in (10, 50, 50, -1):
        library.add_video(status=status, category_id=maths.category_id)
    return [*published, library.add_video(title="in no category", created_at=1.7e9)]


def test_the_library_becomes_wanted_with_what_polyv_says_of_it(case: ArchiveCase) -> None:
    """Title, category path, size and moment of creation are kept; what is not published is left out and counted."""
    videos = _mixed(case)

    ended = case.run("-vv", "submit", "--library")

    assert 0 == ended.returncode
    assert case.simulator.app_secret not in ended.stderr
    assert "sign=" not in ended.stderr
    rows = case.rows()
    assert {video.vid for video in videos} == set(rows)
    assert {"wanted"} == {row["status"] for row in rows.values()}
    row = rows[videos[1].vid]
    assert ("第1课 / part 🎬", "数学_Maths/Algebra") == (row["title"], row["category"])
    assert "2020-09-13T12:26:41Z" == row["created_at"]
    assert "默认分类" == rows[videos[-1].vid]["category"]
    assert "6 of 10 videos wanted now (4 not published)" in ended.stderr
    assert "left out until published: status -1: 1, status 10: 1, status 50: 2" in ended.stderr


def test_a_second_submit_says_nothing_and_changes_nothing(case: ArchiveCase) -> None:
    """What is wanted is not wanted twice, and without a terminal success is silent."""
    _mixed(case)
    assert 0 == case.run("submit", "--library").returncode
    before = case.rows()

    ended = case.run("submit", "--library")

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    assert before == case.rows()


def test_a_category_is_taken_with_what_lies_below_it(case: ArchiveCase) -> None:
    videos = _mixed(case)
    maths, *_ = case.simulator.library.categories

    assert 0 == case.run("submit", "--category", maths).returncode
    assert {video.vid for video in videos[:-1]} == set(case.rows())


def test_a_category_that_polyv_does_not_know_is_a_mistake(case: ArchiveCase) -> None:
    ended = case.run("submit", "--category", "77")

    assert 2 == ended.returncode
    assert "Polyv knows no category 77" in ended.stderr


def test_only_what_was_created_since_a_day_in_china(case: ArchiveCase) -> None:
    """Polyv shows China's time, and so a day begins there."""
    library = case.simulator.library
    before = library.add_video(created_at=1_706_630_399)  # 2024-01-30 23:59:59 in China.
    since = library.add_video(created_at=1_706_630_400)

    assert 0 == case.run("submit", "--library", "--since", "2024-01-31").returncode
    assert [since.vid] == list(case.rows())
    assert 0 == case.run("submit", "--library").returncode
    assert {before.vid, since.vid} == set(case.rows())


def test_a_limit_takes_the_oldest_first_and_the_next_call_goes_on(case: ArchiveCase) -> None:
    library = case.simulator.library
    videos = [library.add_video(created_at=1.7e9 - number) for number in range(5)]

    assert 0 == case.run("submit", "--library", "--limit", "2").returncode
    assert {videos[4].vid, videos[3].vid} == set(case.rows())
    assert 0 == case.run("submit", "--library", "--limit", "2").returncode
    assert {video.vid for video in videos[1:]} == set(case.rows())


def test_the_code_of_a_named_video_says_whether_polyv_takes_it(case: ArchiveCase) -> None:
    """What Polyv does not know is wanted all the same; its answer to the task is the last word."""
    known, coded = case.simulator.library.add_video(), case.simulator.library.add_video(status=20)

    codes = [case.run("submit", one).returncode for one in (known.vid, coded.vid, _VID)]
    dry = case.run("submit", "-n", _VID)
    synced = case.sync()

    assert [0, 3, 4] == codes
    assert 4 == dry.returncode
    assert (4, "refused_by_polyv") == (synced.returncode, case.rows()[_VID]["reason"])
    assert {known.vid, _VID} == set(case.rows())


def test_named_videos_are_looked_up_and_strangers_are_told(case: ArchiveCase) -> None:
    """One that Polyv does not know does not keep the others from their titles."""
    videos = [case.simulator.library.add_video(title=f"T{number}") for number in range(4)]

    coded = case.simulator.library.add_video(status=20)

    ended = case.run("submit", "-", stdin="# mine\n" + "\n".join([*(one.vid for one in [*videos, coded]), _VID]))

    assert 3 == ended.returncode
    assert "left out until they are published: 1 of the videos" in ended.stderr
    assert f"Polyv does not know, or not as this account's: {_VID}; 'fetcher sync' asks" in ended.stderr
    titles = {row["vid"]: row["title"] for row in case.rows().values()}
    assert {**{video.vid: video.title for video in videos}, _VID: None} == titles


def test_named_videos_are_wanted_although_polyv_does_not_answer(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video()
    case.simulator.api_faults.append(ApiFault.error(9999, times=None))

    ended = case.run("submit", video.vid)

    assert 0 == ended.returncode
    assert "they are wanted all the same" in ended.stderr
    assert {video.vid: "wanted"} == _statuses(case)


def test_a_malformed_id_keeps_all_from_being_recorded(case: ArchiveCase) -> None:
    ended = case.run("submit", _VID, "x\x1b[31m")

    assert (2, {}) == (ended.returncode, case.rows())
    assert "\x1b" not in ended.stderr
    assert [] == _asked(case)


def test_what_is_asked_for_has_to_be_clear(case: ArchiveCase) -> None:
    for arguments in (
        [],
        [_VID, "--library"],
        ["--library", "--category", "1"],
        [_VID, "--since", "2024-01-01"],
        ["--library", "--since", "soon"],
    ):
        assert 2 == case.run("submit", *arguments).returncode
    assert [] == _asked(case)


def test_a_dry_run_tells_and_writes_nothing(case: ArchiveCase) -> None:
    _mixed(case)

    ended = case.run("submit", "--library", "-n")

    assert (0, "") == (ended.returncode, ended.stderr)
    assert ended.stdout.startswith("6 of 10 videos would be wanted (4 not published)")
    assert {} == case.rows()


def test_done_and_open_ones_are_left_alone_and_failed_ones_need_a_word(case: ArchiveCase) -> None:
    """A failed one is wanted again where it is named, or with --failed where a new task may help."""
    library = case.simulator.library
    done, failed, waiting = library.add_video(), library.add_video(fails=True), library.add_video(ready_after=3600)
    case.add(done, failed, waiting)
    assert 4 == case.sync().returncode
    expected = {done.vid: "done", failed.vid: "failed", waiting.vid: "waiting"}
    assert expected == _statuses(case)

    assert 0 == case.run("submit", "--library").returncode
    assert 0 == case.run("submit", done.vid, waiting.vid).returncode
    assert expected == _statuses(case)
    assert 0 == case.run("submit", "--library", "--failed").returncode
    assert {**expected, failed.vid: "wanted"} == _statuses(case)
    assert "Chosen: failed -> wanted" in case.run("show", failed.vid).stdout
    case.require_right([done])


def test_f110_a_done_video_with_a_new_size_is_told_once_and_kept(case: ArchiveCase) -> None:
    video = case.simulator.library.add_video(size=5000)
    case.add(video)
    assert 0 == case.sync().returncode
    video.listed_size = 6000

    first, second = (case.run("submit", "--library") for _ in range(2))

    assert f"{video.vid}: replaced at Polyv, 6000 bytes now; the file of 5000 bytes is kept" in first.stderr
    assert (0, "") == (second.returncode, second.stderr)
    case.require_right([video])


def test_the_days_that_were_asked_for_are_kept_with_the_videos(case: ArchiveCase) -> None:
    video, other = (case.simulator.library.add_video() for _ in range(2))
    assert 0 == case.run("submit", other.vid).returncode
    assert 0 == case.run("submit", video.vid, "--expire-days", "3").returncode

    assert {video.vid: 3, other.vid: None} == _days(case.root)
    assert 2 == case.run("submit", video.vid, "--expire-days", "8").returncode


def _days(root: Path) -> dict[str, int | None]:
    import sqlite3  # noqa: PLC0415

    with sqlite3.connect(root / ".fetcher" / "ledger.db") as ledger:
        return dict(ledger.execute("SELECT vid, expire_days FROM videos").fetchall())


def test_submit_works_beside_a_run_that_holds_the_archive(case: ArchiveCase) -> None:
    """The ledger orders the writes; nobody waits for the end of a pass."""
    slow = case.simulator.library.add_video(ready_after=3600)
    case.add(slow)
    run = case.start("sync", "--until-done", "--json", FETCHER_POLL_INTERVAL="0.2")
    try:
        assert run.stdout is not None
        assert "poll" == json.loads(run.stdout.readline())["type"]
        video = case.simulator.library.add_video()
        assert 0 == case.run("submit", video.vid).returncode
        assert video.vid in _statuses(case)
    finally:
        run.terminate()
        run.communicate()
