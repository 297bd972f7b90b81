"""'verify --repair' and '--accept-moves': damage is fetched again, moves are taken in, and nothing is ever lost."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw
from ledger_faults import contents
from verify_cases import cut, filled, flip, kinds, place, stocked, told

from fetcher.simulator.faults import Fault


def _history(case: ArchiveCase, vid: str) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = json.loads(case.run("show", vid, "--json").stdout)["history"]
    return history


def _quarantine(case: ArchiveCase) -> list[Path]:
    return sorted((case.root / ".fetcher" / "quarantine").iterdir())


def test_f78_f104_what_is_damaged_is_kept_and_fetched_again(case: ArchiveCase) -> None:
    """One bit, a cut, a file that is gone: wanted, asked of Polyv in a new task, and right again."""
    flipped, shortened, gone, right = videos = filled(case, 4)
    flip(place(case, flipped))
    cut(place(case, shortened))
    place(case, gone).unlink()
    harmed = hashlib.sha256(place(case, flipped).read_bytes()).hexdigest()
    inode = place(case, right).stat().st_ino

    code, findings, summary = told(case, "--repair")
    rows = case.rows()
    healed = case.sync("--until-done")

    expected = sorted([("changed", flipped.vid), ("changed", shortened.vid), ("missing", gone.vid)])
    assert (9, expected, 3) == (code, kinds(findings), summary["put_back"])
    assert {"put_back"} == {one["action"] for one in findings}
    assert {"wanted"} == {rows[one.vid]["status"] for one in (flipped, shortened, gone)}
    assert sorted([harmed, hashlib.sha256(flipped.read(0, 10)).hexdigest()]) == sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in _quarantine(case)
    )
    (told_once,) = (one for one in _history(case, flipped.vid) if one["event"] == "FileDamaged")
    assert ("done", "wanted") == (told_once["from"], told_once["to"])
    assert f"sha256 {harmed} instead of" in told_once["detail"]
    kept = {path.name.rpartition("-")[0]: path.name for path in _quarantine(case)}
    assert {flipped.vid, shortened.vid} == kept.keys()
    assert f"kept as .fetcher/quarantine/{kept[flipped.vid]}" in told_once["detail"]
    assert 0 == healed.returncode, healed.stderr
    case.require_right(videos)
    assert (inode, 1) == (place(case, right).stat().st_ino, len(case.simulator.requests.of(right.vid)))
    assert 0 == told(case)[0]


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(case: ArchiveCase) -> None:
    """Neither rows nor files, nor what was verified when."""
    flipped, gone, moved, _ = filled(case, 4)
    flip(place(case, flipped))
    place(case, gone).unlink()
    place(case, moved).rename(case.root / "elsewhere.mp4")
    assert 0 == case.run("status").returncode  # Folds the -wal file in.
    before = contents(case.root)

    ran = case.run("verify", "--repair", "--accept-moves", "-n")
    _, _, summary = told(case, "--repair", "-n")

    after = contents(case.root)
    assert 9 == ran.returncode
    assert {"changed": "would be put back", "missing": "would be put back", "moved": "would be accepted"} == {
        line.split()[0]: line.rpartition("; ")[2] for line in ran.stdout.splitlines()
    }
    assert ("2 videos would be wanted again" in ran.stderr, True) == (True, summary["is_dry"])
    ours = {name for name in before.keys() | after.keys() if name.endswith(("-shm", "-wal"))}
    assert {name: data for name, data in before.items() if name not in ours} == {
        name: data for name, data in after.items() if name not in ours
    }


def test_a_file_that_was_moved_to_another_videos_name_is_told_and_not_taken_in(case: ArchiveCase) -> None:
    """A ledger that is made anew from names would call that other video done."""
    (moved,) = filled(case, 1)
    other = case.simulator.library.add_video()
    place(case, moved).rename(place(case, other))

    code, (finding,), summary = told(case, "--accept-moves")

    assert (9, "moved", None, 0) == (code, finding["kind"], finding["action"], summary["accepted"])
    assert f"it is {other.vid}.mp4 now, which is the name of another video's file" == finding["detail"]
    assert f"{moved.vid}.mp4" == case.rows()[moved.vid]["path"]


def test_f100_repairs_wait_for_no_run_and_no_run_for_them(case: ArchiveCase) -> None:
    """Exit code 11, and nothing is changed; to look at it is allowed."""
    (video,) = filled(case, 1)
    flip(place(case, video))
    case.add(case.simulator.library.add_video(size=300_000, faults=[Fault.drip(rate=60_000)]))
    running = case.start("sync")
    while not case.parts():
        assert running.poll() is None

    held = [case.run("verify", flag) for flag in ("--repair", "--accept-moves")]
    free = [case.run("verify", *flags) for flags in ([], ["--repair", "-n"])]
    running.kill()
    running.communicate()

    assert [11, 11] == [one.returncode for one in held]
    assert [9, 9] == [one.returncode for one in free]
    assert ("done", []) == (case.rows()[video.vid]["status"], _quarantine(case))


def test_f81_where_a_tenth_is_gone_at_once_nothing_is_put_back_without_a_word(case: ArchiveCase) -> None:
    """A disk below the archive that is not mounted would have a whole library fetched again."""
    vids = stocked(case, 40)
    for number in range(1, 13):
        (case.root / f"{number:06}.mp4").unlink()

    refused, findings, summary = told(case, "--repair")
    spoken = case.run("verify", "--repair")
    statuses = {row["status"] for row in case.rows().values()}
    forced, _, after = told(case, "--repair", "--force")

    assert (9, 12, 0, False) == (refused, len(findings), summary["put_back"], summary["is_whole"])
    assert "12 of 40 files are missing, so nothing more is put back. Is the disk mounted" in spoken.stderr
    assert {"done"} == statuses
    assert (9, 12) == (forced, after["put_back"])
    assert set(vids[:12]) == set(case.rows("--status", "wanted"))


def test_where_a_tenth_is_changed_the_rest_of_it_stays_where_it_is(case: ArchiveCase) -> None:
    """It may be the machine's memory that is wrong, and not the files."""
    stocked(case, 40)
    for path in sorted(case.root.glob("0*.mp4")):
        flip(path)

    code, findings, summary = told(case, "--repair", "--jobs", "1")

    assert (9, 40, 10) == (code, len(findings), summary["put_back"])
    assert 10 == len(_quarantine(case))
    assert 30 == len(list(case.root.glob("0*.mp4")))


def test_f106_a_file_that_was_moved_is_found_and_taken_in(case: ArchiveCase) -> None:
    """Its row, and its sidecar's place; nothing is fetched again, and it can be verified where it is."""
    moved, other = videos = filled(case, 2)
    (case.root / "Art" / "2024").mkdir(parents=True)
    there = case.root / "Art" / "2024" / "Ein Film.mp4"
    place(case, moved).rename(there)
    (case.root / "Art" / "2024" / "Ein Film.mp4.json").write_text("{}")

    found = told(case)
    accepted = told(case, "--accept-moves")
    after = told(case)
    synced = case.sync()

    assert (9, [("moved", moved.vid)]) == (found[0], kinds(found[1]))
    assert "Art/2024/Ein Film.mp4" == found[1][0]["moved_to"]
    assert (0, "accepted", 1) == (accepted[0], accepted[1][0]["action"], accepted[2]["accepted"])
    assert (0, []) == after[:2]
    assert (0, "Art/2024/Ein Film.mp4") == (synced.returncode, case.rows()[moved.vid]["path"])
    case.require_right(videos)
    assert 1 == len(case.simulator.requests.of(moved.vid))
    assert f"{moved.vid}.mp4 is Art/2024/Ein Film.mp4 now" == _history(case, moved.vid)[-1]["detail"]
    assert place(case, other).exists()


def test_f106_the_sidecar_of_a_file_that_was_moved_follows_it(case: ArchiveCase) -> None:
    """Left behind, or moved along: what it says is true again, and nothing stays in the old place."""
    left, along = (case.simulator.library.add_video(title=title) for title in ("left", "along"))
    case.add(left, along)
    assert 0 == case.sync(FETCHER_SIDECARS="true").returncode
    for video in (left, along):
        place(case, video).rename(case.root / f"{video.title}.mp4")
    (case.root / f"{along.vid}.mp4.json").rename(case.root / "along.mp4.json")

    code, findings, summary = told(case, "--accept-moves")

    assert (0, 2, 2) == (code, summary["accepted"], len(findings))
    assert ["along.mp4", "along.mp4.json", "left.mp4", "left.mp4.json"] == case.files()
    for name, video in (("left.mp4", left), ("along.mp4", along)):
        sidecar = json.loads((case.root / f"{name}.json").read_text(encoding="utf-8"))
        assert (video.vid, name, video.sha256()) == (sidecar["vid"], sidecar["path"], sidecar["sha256"])
    assert (0, []) == told(case)[:2]


def test_f106_a_sidecar_stays_where_another_file_has_its_new_name(case: ArchiveCase) -> None:
    """Neither is removed or overwritten, and it is told; the file itself is taken in."""
    (video,) = filled(case, 1)
    beside = case.root / f"{video.vid}.mp4.json"
    beside.write_text(json.dumps({"vid": video.vid}))
    place(case, video).rename(case.root / "new.mp4")
    (case.root / "new.mp4.json").write_text("mine")

    ran = case.run("verify", "--accept-moves")

    assert 0 == ran.returncode
    assert (
        "new.mp4: its sidecar does not follow it: something else stands at 'new.mp4.json'; it is kept" in ran.stderr
    )
    assert ("mine", True) == ((case.root / "new.mp4.json").read_text(), beside.exists())


def test_f106_a_move_that_is_not_certain_is_told_and_not_taken_in(case: ArchiveCase) -> None:
    """Two files with the bytes, two videos with them, or a name that not every file system takes."""
    stocked(case, 3)
    twin = (case.root / "000003.mp4").read_bytes()
    stocked(case, 1, first=9)
    with raw(case.ledger) as connection:
        digest = hashlib.sha256(twin).hexdigest()
        connection.execute("UPDATE videos SET sha256 = ? WHERE path = '000009.mp4'", (digest,))
    os.link(case.root / "000001.mp4", case.root / "a.mp4")
    (case.root / "000001.mp4").rename(case.root / "b.mp4")
    (case.root / "000002.mp4").rename(case.root / "a:b.mp4")
    (case.root / "000003.mp4").rename(case.root / "c.mp4")
    (case.root / "000009.mp4").unlink()
    before = {vid: row["path"] for vid, row in case.rows().items()}

    code, findings, summary = told(case, "--accept-moves", "--repair")

    assert (9, 0, 0) == (code, summary["accepted"], summary["put_back"] - summary["counts"]["missing"])
    assert {"000001.mp4", "000002.mp4", "000003.mp4"} <= {one["path"] for one in findings if one["kind"] == "moved"}
    assert {None} == {one["action"] for one in findings if one["kind"] == "moved"}
    assert before == {vid: row["path"] for vid, row in case.rows().items()}


@pytest.mark.parametrize("flags", [["--force"], ["--quick", "--accept-moves"], ["--jobs", "0"]])
def test_flags_that_say_nothing_together_are_refused(case: ArchiveCase, flags: list[str]) -> None:
    assert (2, "") == (case.run("verify", *flags).returncode, case.run("verify", *flags).stdout)


def test_f02_a_repair_that_is_killed_leaves_a_file_that_is_missing_or_kept(case: ArchiveCase) -> None:
    """Whenever the kill comes: each damaged file is in its place or in quarantine, one perhaps in both."""
    stocked(case, 400, size=64)
    for path in sorted(case.root.glob("0*.mp4"))[::13]:
        flip(path)
    running = case.start("verify", "--repair", "--jobs", "1")
    while not _quarantine(case):
        assert running.poll() is None
    running.kill()
    running.communicate()

    kept = len(_quarantine(case))
    in_place = len(list(case.root.glob("0*.mp4")))
    told(case, "--repair", "--force")

    assert kept + in_place in {400, 401}
    assert (31, 369) == (len(_quarantine(case)), len(list(case.root.glob("0*.mp4"))))
    assert 31 == len(case.rows("--status", "wanted"))
    assert 0 == told(case)[0]
