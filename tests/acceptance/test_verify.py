"""'verify' as it is called: real files harmed in every way, and what it says of them."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from archive_case import FETCHER, ArchiveCase, archive_case
from ledger_cases import raw
from namespaces import needs_mounts, run_mounted
from verify_cases import (
    cut,
    filled,
    flip,
    kinds,
    link_elsewhere,
    make_directory,
    make_fifo,
    place,
    stocked,
    told,
    verified_at,
)

from fetcher.simulator.library import Video


@pytest.fixture(name="stock", scope="module")
def _stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ArchiveCase, list[Video]]]:
    """An archive with three done files, to be copied."""
    with archive_case(tmp_path_factory.mktemp("stock") / "archive") as made:
        yield made, filled(made, 3)


@pytest.fixture
def three(stock: tuple[ArchiveCase, list[Video]], tmp_path: Path) -> tuple[ArchiveCase, list[Video]]:
    """A copy of it, with its simulator."""
    made, videos = stock
    shutil.copytree(made.root, tmp_path / "archive")
    return ArchiveCase(tmp_path / "archive", made.simulator), videos


def test_f98_files_that_are_right_are_verified_in_silence(three: tuple[ArchiveCase, list[Video]]) -> None:
    case, videos = three
    before = verified_at(case)

    silent = case.run("verify")
    between = verified_at(case)
    spoken = case.run("-v", "verify", "--jobs", "3")

    assert (0, "", "") == (silent.returncode, silent.stdout, silent.stderr)
    assert "3 files read" in spoken.stderr
    after = verified_at(case)
    assert all(before[video.vid] < between[video.vid] < after[video.vid] for video in videos)


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        (flip, "changed"),
        (cut, "changed"),
        (Path.unlink, "missing"),
        (link_elsewhere, "unreadable"),
        (make_directory, "unreadable"),
        (make_fifo, "unreadable"),
    ],
)
def test_f78_f90_f104_every_harm_is_found_and_nothing_is_changed(
    three: tuple[ArchiveCase, list[Video]], harm: Callable[[Path], None], kind: str
) -> None:
    """Nothing is followed, and nothing waited for that nobody writes to; the row is as it was."""
    case, (harmed, *right) = three
    harm(place(case, harmed))
    before, rows, files = verified_at(case), case.rows(), case.files()

    code, findings, summary = told(case)

    assert (9, [(kind, harmed.vid)]) == (code, kinds(findings))
    assert {"ok": 2, kind: 1} == {name: count for name, count in summary["counts"].items() if count}
    after = verified_at(case)
    assert before[harmed.vid] == after[harmed.vid], "what was not read to its end and right is not verified"
    assert all(before[video.vid] < after[video.vid] for video in right)
    assert (rows[harmed.vid], files) == (case.rows()[harmed.vid], case.files())


def test_a_finding_is_a_line_and_what_to_do_is_another(three: tuple[ArchiveCase, list[Video]]) -> None:
    case, (changed, gone, _) = three
    flip(place(case, changed))
    place(case, gone).unlink()

    ran = case.run("verify")

    missing, wrong = ran.stdout.splitlines()
    assert f"missing     {gone.vid} {gone.vid}.mp4: the file is gone" == missing
    assert wrong.startswith(f"changed     {changed.vid} {changed.vid}.mp4: sha256 ")
    assert ["fetcher: 1 file is missing and 1 changed; 'fetcher verify --repair' has that fetched again"] == (
        ran.stderr.splitlines()
    )


def test_damage_of_one_kind_is_told_without_the_other(three: tuple[ArchiveCase, list[Video]]) -> None:
    case, (gone, *_) = three
    place(case, gone).unlink()

    ran = case.run("verify")

    assert "fetcher: 1 file is missing; 'fetcher verify --repair' has that fetched again\n" == ran.stderr


def test_f105_a_file_that_may_not_be_read_is_unreadable_and_not_repaired(
    three: tuple[ArchiveCase, list[Video]],
) -> None:
    """Permission, without the right to pass over it."""
    case, (locked, *_) = three
    place(case, locked).chmod(0)
    command = [FETCHER, "verify", "--repair"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]

    ran = subprocess.run(command, env=case.environ, capture_output=True, text=True, check=False, cwd="/")

    assert (9, f"unreadable  {locked.vid} {locked.vid}.mp4: Permission denied\n") == (ran.returncode, ran.stdout)
    assert "1 file cannot be read; look at the disk" in ran.stderr
    assert "done" == case.rows()[locked.vid]["status"]


@needs_mounts
def test_f105_an_unreadable_sector_is_told_and_the_others_are_verified(
    three: tuple[ArchiveCase, list[Video]], tmp_path: Path
) -> None:
    """A disk whose second half is gone: what lies there is an input/output error."""
    case, (_, _, bad) = three
    image, inside, body = tmp_path / "image", tmp_path / "mounted", os.urandom(9 << 20)
    inside.mkdir()
    (case.root / "disk").mkdir()
    make = f"truncate -s 16M {image} && mkfs.ext4 -q -F -O ^has_journal {image} && mount -o loop {image} {inside}"
    (tmp_path / "body").write_bytes(body)
    made = ["unshare", "--mount", "sh", "-c", f"{make} && cp {tmp_path}/body {inside}/bad.mp4 && umount {inside}"]
    if subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("an image cannot be mounted here")
    with raw(case.ledger) as connection:
        moved = ("disk/bad.mp4", "disk/bad.mp4", len(body), bad.vid)
        connection.execute("UPDATE videos SET path = ?, path_key = ?, size = ? WHERE vid = ?", moved)

    mounting = f"mount -o loop,ro {image} {case.root}/disk && truncate -s 9M {image}"
    ran = run_mounted(case, mounting, "verify", "--repair")

    assert 9 == ran.returncode, ran.stderr
    assert f"unreadable  {bad.vid} disk/bad.mp4: Input/output error" in ran.stdout.splitlines()
    assert "done" == case.rows()[bad.vid]["status"]


@needs_mounts
def test_f81_on_a_disk_that_is_read_only_a_dry_run_verifies_and_writes_nothing(
    three: tuple[ArchiveCase, list[Video]],
) -> None:
    """As the kernel leaves a disk that failed."""
    case, (changed, *_) = three
    flip(place(case, changed))
    before = verified_at(case)
    mounting = f"mount --bind {case.root} {case.root} && mount -o remount,ro,bind {case.root}"

    dry = run_mounted(case, mounting, "verify", "-n")
    real = run_mounted(case, mounting, "verify")

    assert (9, 1) == (dry.returncode, len(dry.stdout.splitlines())), dry.stderr
    assert (7, before) == (real.returncode, verified_at(case))


def test_f107_files_of_others_are_named_where_that_is_wanted_and_no_fault(
    three: tuple[ArchiveCase, list[Video]],
) -> None:
    """Sidecars, and what is fetcher's own, are no others'; nor is any name, UTF-8 or not."""
    case, (one, *_) = three
    (case.root / f"{one.vid}.mp4.json").write_text("{}")
    (case.root / "notes").mkdir()
    (case.root / "notes" / "a.txt").write_text("mine")
    with open(os.fsencode(case.root) + b"/\xff.mp4", "wb"):
        pass

    silent, spoken = case.run("verify"), case.run("-v", "verify")
    code, findings, summary = told(case)

    assert (0, "", "") == (silent.returncode, silent.stdout, silent.stderr)
    assert {"extra       notes/a.txt: no video has it", "extra       \\udcff.mp4: no video has it"} == set(
        spoken.stdout.splitlines()
    )
    assert (0, 2) == (code, summary["counts"]["extra"])
    assert {"notes/a.txt", "\\xff.mp4"} == {one["path"] for one in findings}


def test_a_bag_inside_the_archive_stands_for_itself(three: tuple[ArchiveCase, list[Video]]) -> None:
    """Its links are no strangers, and none of them is where a missing file has been moved to."""
    case, (moved, *_) = three
    assert 0 == case.run("export", "--format", "bagit", "-o", str(case.root / "bag")).returncode
    (case.root / ".half.fetcher-unfinished").write_text("as a killed export leaves it")

    sound = told(case)
    place(case, moved).unlink()
    code, findings, _ = told(case)

    assert (0, []) == sound[:2]
    assert (9, [("missing", moved.vid)]) == (code, kinds(findings))


@pytest.mark.parametrize("is_named", [False, True])
def test_a_quick_look_does_not_call_a_moved_file_one_to_be_fetched_again(
    case: ArchiveCase, *, is_named: bool
) -> None:
    """Nothing tells it from a missing one but its size elsewhere; that costs no second download."""
    moved, other = filled(case, 2, size=70_000)
    (gone,) = filled(case, 1, size=60_000)
    place(case, moved).rename(case.root / "elsewhere.mp4")
    place(case, gone).unlink()
    vids = [moved.vid, other.vid, gone.vid] if is_named else []

    looked, repaired = case.run("verify", "--quick", *vids), case.run("verify", "--quick", "--repair", *vids)
    code, findings, _ = told(case)

    assert [
        "fetcher: 1 file is missing; 'fetcher verify --repair' has that fetched again",
        "fetcher: 1 file is missing or moved; 'fetcher verify' without --quick tells which",
    ] == looked.stderr.splitlines()
    assert "1 video is wanted again" in repaired.stderr
    assert "1 file is missing or moved" in repaired.stderr
    assert ({gone.vid}, 9) == (set(case.rows("--status", "wanted")), repaired.returncode)
    assert (9, [("moved", moved.vid)]) == (code, kinds(findings))


def test_a_quick_look_compares_sizes_and_verifies_nothing(three: tuple[ArchiveCase, list[Video]]) -> None:
    """What only a reading tells is not told, moves included."""
    case, (flipped, shortened, moved) = three
    flip(place(case, flipped))
    cut(place(case, shortened))
    place(case, moved).rename(case.root / "elsewhere.mp4")
    before = verified_at(case)

    code, findings, summary = told(case, "--quick")

    assert 9 == code
    assert [("changed", shortened.vid), ("extra", None), ("missing", moved.vid)] == kinds(findings)
    assert (True, False, 0, 0) == tuple(summary[name] for name in ("is_quick", "is_dry", "bytes", "files_read"))
    assert before == verified_at(case)
    assert 2 == case.run("verify", "--quick", "--accept-moves").returncode


def test_videos_that_are_named_are_verified_alone(three: tuple[ArchiveCase, list[Video]]) -> None:
    """One that is not done is told, one that nobody knows is a mistake."""
    case, (one, other, third) = three
    flip(place(case, other))
    (case.root / "stranger.mp4").write_bytes(b"x")
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET status = 'wanted' WHERE vid = ?", (third.vid,))
    before = verified_at(case)

    right, wrong = told(case, one.vid, one.vid), told(case, other.vid)
    not_done = case.run("verify", third.vid)
    unknown = case.run("verify", one.vid, "x" * 32 + "_1")

    assert (0, [], 1) == (*right[:2], right[2]["files_read"])
    assert (9, [("changed", other.vid)]) == (wrong[0], kinds(wrong[1]))
    assert (0, f"fetcher: not done, so there is nothing to verify: {third.vid}\n") == (
        not_done.returncode,
        not_done.stderr,
    )
    assert (2, "") == (unknown.returncode, unknown.stdout)
    assert before[one.vid] < verified_at(case)[one.vid]


def test_what_was_verified_in_the_future_has_its_turn_all_the_same(case: ArchiveCase) -> None:
    """A clock was wrong once; nobody would have come to it for years."""
    vids = stocked(case, 3)
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET verified_at = 99999999999999 WHERE vid = ?", (vids[1],))
        connection.execute("UPDATE videos SET verified_at = NULL WHERE vid = ?", (vids[2],))

    code, _, summary = told(case)

    assert (0, 3) == (code, summary["files_read"])
    assert all(1_700_000_000_000 < at < 99999999999999 for at in verified_at(case).values())
