"""``fetcher ledger rebuild``: a lost ledger comes back from files and sidecars, and nothing is fetched twice."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from archive_case import ArchiveCase
from done_archive import DoneArchive, lose_ledger, names_in
from ledger_cases import raw, vid

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_NOT_TOLD = {"attempts", "added_at", "verified_at", "window_ends_at"}
"""What stands in no sidecar."""
_SIDECARS = {"FETCHER_SIDECARS": "true", "FETCHER_LAYOUT": "{category}/{created:%Y}/{title}{ext}"}


@pytest.fixture
def archive(tmp_path: Path) -> DoneArchive:
    """Some done files, no simulator."""
    return DoneArchive(tmp_path / "archive")


def _library(case: ArchiveCase, number: int) -> list[Video]:
    maths = case.simulator.library.add_category("数学/Maths")
    add = case.simulator.library.add_video
    return [
        add(title=f"第{one}课 🎬", category_id=maths.category_id, created_at=1.6e9 + one * 1e6, size=20_000 + one)
        for one in range(number)
    ]


def _rebuilt(archive: Any, *arguments: str) -> tuple[int, list[tuple[str, str | None, str]], dict[str, Any]]:
    """Rebuild; return the exit code, what was told, and the summary."""
    ended = archive.run("ledger", "rebuild", "--json", *arguments)
    *findings, summary = map(json.loads, ended.stdout.splitlines())
    assert ended.returncode == summary["exit_code"]
    assert bool(ended.returncode) == bool(ended.stderr), ended.stderr
    return ended.returncode, sorted((one["kind"], one["vid"], one["path"]) for one in findings), summary


def _called(case: ArchiveCase, since: int) -> set[str]:
    return {request.path.rpartition("/")[2] for request in list(case.simulator.requests)[since:]}


def test_a_lost_ledger_comes_back_from_sidecars(case: ArchiveCase) -> None:
    """F77: field by field; then the library is wanted again, Polyv asked for no task, the origin for no byte."""
    videos = _library(case, 50)
    assert 0 == case.run("submit", "--library").returncode
    assert 0 == case.sync("--until-done", **_SIDECARS).returncode
    before, sums = case.rows(), case.run("export", "--format", "sha256sum").stdout
    lose_ledger(case.root)

    ended = case.run("ledger", "rebuild")

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    after = case.rows()
    assert set(before) == set(after)
    different = {name for one in before for name in before[one] if before[one][name] != after[one][name]}
    assert _NOT_TOLD >= different
    assert {0} == {row["attempts"] for row in after.values()}
    assert sorted(sums.splitlines()) == sorted(case.run("export", "--format", "sha256sum").stdout.splitlines())
    (task_id,) = after[videos[0].vid]["task_ids"]
    assert set(before) == set(case.rows("--task", task_id))
    since = len(list(case.simulator.requests))
    assert [0, 0] == [case.run("submit", "--library").returncode, case.sync("--until-done").returncode]
    assert [] == [name for name in _called(case, since) if "create" in name or "mp4" in name]
    assert after == case.rows()
    assert [0, 0] == [case.run("reconcile").returncode, case.run("ledger", "check").returncode]
    assert {"finished": 1} == case.status()["tasks"]


def test_what_was_moved_by_hand_comes_back_where_its_name_tells_whose_it_is(case: ArchiveCase) -> None:
    """Without sidecars: under its vid, wherever that is. Under another name nobody knows; that is no damage."""
    told, untold = videos = [case.simulator.library.add_video(size=20_000 + number) for number in range(2)]
    case.add(*videos)
    assert 0 == case.sync().returncode
    (case.root / "Art").mkdir()
    for video, name in ((told, f"{told.vid}.mp4"), (untold, "Ein Film.mp4")):
        (case.root / f"{video.vid}.mp4").rename(case.root / "Art" / name)
    assert 0 == case.run("verify", "--accept-moves").returncode
    before = case.rows()
    lose_ledger(case.root)

    code, findings, _ = _rebuilt(case)
    rows = case.rows()
    (case.root / "Art" / "Ein Film.mp4").rename(case.root / "Art" / f"{untold.vid}.mp4")
    named = _rebuilt(case, "--replace")

    assert (0, [("unknown", None, "Art/Ein Film.mp4")]) == (code, findings)
    assert {told.vid: (f"Art/{told.vid}.mp4", before[told.vid]["sha256"], "none")} == {
        vid: (row["path"], row["sha256"], row["evidence"]) for vid, row in rows.items()
    }
    assert (0, []) == named[:2]
    case.require_right(videos)


def test_a_recent_task_is_asked_about_once_more_and_an_old_one_is_not(case: ArchiveCase) -> None:
    """What else it thawed may have links that die; a window is never longer than a week."""
    done, open_one = case.simulator.library.add_video(), case.simulator.library.add_video()
    old = case.simulator.library.add_video()
    case.add(old)
    case.add(done, open_one)
    assert 0 == case.sync(FETCHER_SIDECARS="true").returncode
    (case.root / f"{open_one.vid}.mp4").unlink()
    (case.root / f"{open_one.vid}.mp4.json").unlink()
    beside = case.root / f"{old.vid}.mp4.json"
    beside.write_text(
        json.dumps({**json.loads(beside.read_text()), "done_at": "2020-01-01T00:00:00Z"}), encoding="utf-8"
    )
    lose_ledger(case.root)
    assert 0 == case.run("ledger", "rebuild").returncode
    assert {"open": 1, "finished": 1} == case.status()["tasks"]

    assert 0 == case.sync("--until-done").returncode

    case.require_right([old, done, open_one])
    assert [1, 1, 2] == [len(case.simulator.requests.of(one.vid)) for one in (old, done, open_one)]
    assert {"finished": 2} == case.status()["tasks"]


def test_without_sidecars_names_tell_and_the_rest_comes_from_polyv(case: ArchiveCase) -> None:
    """The default layout; evidence none, a fresh sha256; title and category when the library is wanted again."""
    videos = _library(case, 5)
    assert [0, 0] == [case.run("submit", "--library").returncode, case.sync("--until-done").returncode]
    before = case.rows()
    lose_ledger(case.root)

    code, findings, summary = _rebuilt(case)

    assert (0, [], 5, 0) == (code, findings, summary["by_name"], summary["with_sidecar"])
    assert {("none", None)} == {(row["evidence"], row["title"]) for row in case.rows().values()}
    since = len(list(case.simulator.requests))
    assert [0, 0] == [case.run("submit", "--library").returncode, case.sync("--until-done").returncode]
    assert [] == [name for name in _called(case, since) if "task" in name or "mp4" in name]
    case.require_right(videos)
    same = ("vid", "path", "size", "sha256", "title", "category", "created_at", "container")
    after = case.rows()
    assert [[before[one.vid][name] for name in same] for one in videos] == [
        [after[one.vid][name] for name in same] for one in videos
    ]
    assert 0 == case.run("reconcile").returncode


def test_what_is_not_as_it_was_is_told_and_not_taken(archive: DoneArchive) -> None:
    """One wrong byte, a cut file, one that is gone, one nobody may read: exit code 9, the others are done."""
    archive.fill([f"{name}.mp4" for name in ("right", "wrong", "cut", "gone")])
    archive.add_sidecars()
    (archive.root / "wrong.mp4").write_bytes(b"2 of thex")
    (archive.root / "cut.mp4").write_bytes(b"3 of")
    (archive.root / "gone.mp4").unlink()
    lose_ledger(archive.root)

    code, findings, summary = _rebuilt(archive)

    told = [("differs", vid(2), "wrong.mp4"), ("differs", vid(3), "cut.mp4"), ("gone", vid(4), "gone.mp4")]
    assert (9, sorted(told), 1) == (code, findings, summary["done"])
    assert {vid(1): "done"} == {one: row["status"] for one, row in archive.rows().items()}
    assert b"2 of thex" == (archive.root / "wrong.mp4").read_bytes()


def test_a_sidecar_left_where_a_file_was_is_no_damage_where_its_video_is_done(archive: DoneArchive) -> None:
    """Whoever copies by hand leaves one behind. It is told; where the other file is wrong too, it is damage."""
    archive.fill(["a.mp4", "b.mp4"])
    archive.add_sidecars()
    for old, new in (("a.mp4", "moved a.mp4"), ("b.mp4", "moved b.mp4")):
        (archive.root / old).rename(archive.root / new)
        (archive.root / f"{new}.json").write_bytes((archive.root / f"{old}.json").read_bytes())
    lose_ledger(archive.root)

    code, findings, summary = _rebuilt(archive)

    assert [("gone", vid(1), "a.mp4"), ("gone", vid(2), "b.mp4")] == findings
    assert (0, 2) == (code, summary["done"])
    (archive.root / "moved b.mp4").write_bytes(b"another's")
    assert 9 == _rebuilt(archive, "--replace")[0]


def test_of_two_files_of_one_video_it_is_the_one_that_is_proven(archive: DoneArchive) -> None:
    """By its sidecar, in the place that it names; where nothing decides, neither: exit code 4."""
    archive.fill(["course/a.mp4", "b.mp4", f"{vid(3)}.mp4"])
    archive.add_sidecars()
    copy = archive.root / "copy"
    copy.mkdir()
    for name in ("a.mp4", "a.mp4.json"):
        (copy / name).write_bytes((archive.root / "course" / name).read_bytes())
    (archive.root / f"{vid(2)}.mp4").write_bytes(b"another's")
    (archive.root / f"{vid(3)}.mp4.json").unlink()
    (copy / f"{vid(3)}.mp4").write_bytes(b"who knows")
    lose_ledger(archive.root)

    code, findings, _ = _rebuilt(archive)

    assert 4 == code
    assert [
        ("double", vid(1), "copy/a.mp4"),
        ("double", vid(2), f"{vid(2)}.mp4"),
        ("double", vid(3), f"{vid(3)}.mp4"),
        ("double", vid(3), f"copy/{vid(3)}.mp4"),
    ] == findings
    assert {vid(1): "course/a.mp4", vid(2): "b.mp4"} == {one: row["path"] for one, row in archive.rows().items()}
    (copy / f"{vid(3)}.mp4").unlink()
    assert 0 == _rebuilt(archive, "--replace")[0]
    assert {vid(1), vid(2), vid(3)} == set(archive.rows())


def test_what_tells_nothing_is_named_and_left_alone(archive: DoneArchive) -> None:
    """Files of others, names that are no text; links are not followed, a bag of the same files is not entered."""
    archive.fill([f"{vid(1)}.mp4"])
    assert 0 == archive.run("export", "--format", "bagit", "-o", str(archive.root / "bag")).returncode
    lose_ledger(archive.root)
    (archive.root / "notes.txt").write_bytes(b"mine")
    (archive.root / f"{vid(5)}.txt").write_bytes(b"no medium")
    (archive.root / "notes.txt.json").write_bytes(b'{"vid": "mine"}')
    (archive.root / f"{vid(6)}.mp4").symlink_to("notes.txt")
    (archive.root / "up").symlink_to("..")
    os.mkfifo(archive.root / f"{vid(7)}.mp4")
    with open(os.fsencode(archive.root) + b"/\xff.mp4", "wb") as file:
        file.write(b"no text")
    before = names_in(archive.root)

    code, findings, summary = _rebuilt(archive)

    unknown = ["\\udcff.mp4", "notes.txt", "notes.txt.json", f"{vid(5)}.txt"]
    assert (0, sorted(unknown), 1) == (code, sorted(path for _, _, path in findings), summary["done"])
    assert before == names_in(archive.root)


def test_a_ledger_that_somebody_may_need_is_in_the_way(archive: DoneArchive) -> None:
    """Exit code 2; --replace keeps it under another name, from which it can be put back. One of 'init' is not."""
    archive.fill([f"{vid(1)}.mp4", "b.mp4"])
    before = archive.rows()
    refused = archive.run("ledger", "rebuild")
    _, _, summary = _rebuilt(archive, "--replace")

    assert (2, True) == (refused.returncode, "--replace" in refused.stderr)
    assert {vid(1)} == set(archive.rows())
    lose_ledger(archive.root)
    os.rename(summary["replaced"], archive.ledger)
    assert before == archive.rows()
    lose_ledger(archive.root)
    (archive.root / ".fetcher" / "config.toml").unlink()
    assert 0 == archive.run("init", str(archive.root)).returncode
    assert 0 == archive.run("ledger", "rebuild").returncode
    assert {vid(1)} == set(archive.rows())
    assert {0o600} == {path.stat().st_mode & 0o777 for path in archive.ledger.parent.glob("ledger.db*")}


def test_a_damaged_ledger_and_what_is_left_of_one_are_kept_too(archive: DoneArchive) -> None:
    """F77: its -wal file, or a journal, never meets the new one: SQLite would play it in."""
    archive.fill([f"{vid(1)}.mp4"])
    garbage = b"no database" * 1000
    for left in (
        {"": garbage, "-wal": b"an old wal"},
        {"-wal": b"an old wal"},
        {"": b""},
        {"": garbage, "-journal": b"an old journal"},
    ):
        lose_ledger(archive.root)
        for end, content in left.items():
            Path(f"{archive.ledger}{end}").write_bytes(content)
        refused = archive.run("ledger", "rebuild")
        code, _, summary = _rebuilt(archive, "--replace")

        assert (2, 0) == (refused.returncode, code)
        kept = {end: Path(f"{summary['replaced']}{end}") for end in ("", "-wal", "-journal")}
        assert left == {end: path.read_bytes() for end, path in kept.items() if path.exists()}
        assert {vid(1)} == set(archive.rows())
        assert 0 == archive.run("ledger", "check").returncode
        assert not Path(f"{archive.ledger}-journal").exists()


def test_a_ledger_that_is_open_elsewhere_is_not_replaced(archive: DoneArchive) -> None:
    """Whoever has it open would put its own -wal file under the new one's name: exit code 10, all as it was."""
    archive.fill([f"{vid(1)}.mp4"])
    with raw(archive.ledger) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM videos").fetchall()
        held = archive.run("ledger", "rebuild", "--replace")

    assert (10, True) == (held.returncode, "used by another process" in held.stderr)
    assert {vid(1)} == set(archive.rows())
    assert 0 == archive.run("ledger", "rebuild", "--replace").returncode


def test_a_run_keeps_a_rebuild_out(case: ArchiveCase) -> None:
    """Exit code 11, as for any second run."""
    video = case.simulator.library.add_video(size=80_000_000, faults=[Fault.drip(rate=400_000)])
    case.add(video)
    running = case.start("sync")
    while case.fetched_bytes(video) < 50_000:
        assert running.poll() is None
        time.sleep(0.02)

    held = case.run("ledger", "rebuild", "--replace")

    assert 11 == held.returncode
    running.kill()
    running.communicate()


def test_a_part_goes_on_under_the_new_ledger_and_never_as_another_videos(case: ArchiveCase) -> None:
    """F77: its video is wanted again under the id that the part has; all other rows have ids beyond any part's."""
    videos = [
        case.simulator.library.add_video(size=4_000_000 + one, faults=[Fault.drip(rate=1_500_000)])
        for one in range(2)
    ]
    done = [case.simulator.library.add_video(size=5000 + one) for one in range(3)]
    case.add(*videos, *done)
    running = case.start("sync", "--jobs", "8")
    while any(case.fetched_bytes(one) < 2_000_000 for one in videos) or len(case.files()) < len(done):
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    running.communicate()
    ids = {int(name.partition("-")[0]) for name in case.parts()}
    stray = case.root / ".fetcher" / "parts" / "7-00000000.part"
    stray.write_bytes(b"nobody's")
    lose_ledger(case.root)

    code, _, summary = _rebuilt(case)

    assert (0, 3, 2) == (code, summary["done"], summary["wanted"])
    with raw(case.ledger) as connection:
        rows = dict(connection.execute("SELECT vid, id FROM videos").fetchall())
    assert ids == {rows[one.vid] for one in videos}
    assert min(rows[one.vid] for one in done) > 7
    fetched = [case.fetched_bytes(one) for one in videos]
    assert 0 == case.sync("--until-done").returncode
    case.require_right([*videos, *done])
    more = [case.fetched_bytes(one) - before for one, before in zip(videos, fetched, strict=True)]
    assert all(some < 3_000_000 for some in more), more
    assert [] == case.parts()


def _ids(ledger: Path) -> list[str]:
    with raw(ledger) as connection:
        return [one for (one,) in connection.execute("SELECT vid FROM videos ORDER BY vid")]


def test_killed_at_any_moment_it_leaves_the_old_ledger_and_goes_on(archive: DoneArchive) -> None:
    """By kill -9 at nine moments: the old ledger or the new one is there, each whole."""
    archive.fill([f"{number % 5}/{vid(number)}.mp4" for number in range(1, 801)])
    archive.add_sidecars()
    assert 0 == archive.run("ledger", "rebuild", "-n", "--replace").returncode
    with raw(archive.ledger) as connection:
        connection.execute("DELETE FROM videos WHERE id > 10")
    old, new = _ids(archive.ledger), [vid(number) for number in range(1, 801)]
    image = archive.ledger.read_bytes()
    began = time.monotonic()
    assert 0 == archive.run("ledger", "rebuild", "--replace").returncode
    takes_s = time.monotonic() - began
    killed = []
    for step in range(1, 10):
        for path in archive.ledger.parent.glob("ledger.db*"):
            path.unlink()
        archive.ledger.write_bytes(image)
        running = archive.start("ledger", "rebuild", "--replace")
        time.sleep(takes_s * step / 9)
        running.kill()
        running.communicate()
        killed.append(running.returncode)
        assert _ids(archive.ledger) in (old, new)
    assert 0 == archive.run("ledger", "rebuild", "--replace").returncode

    assert -9 in killed
    assert new == _ids(archive.ledger)
    assert 0 == archive.run("ledger", "check").returncode
    left = [name for name in names_in(archive.ledger.parent) if "rebuil" in name or name.endswith(".new")]
    assert [] == left
