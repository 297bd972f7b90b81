"""``fetcher export --format bagit``: a bag that another program finds valid, of the archive's own bytes."""

import fcntl
import json
import os
import shutil
import signal
import time
from pathlib import Path

import bagit  # type: ignore[import-untyped]
import pytest
from done_archive import DoneArchive, names_in

_PATHS = ["-课/第1课 🎬.mp4", "数学_Maths/Algebra/=1+1.mp4", "a\nb.mp4", "a\\b.mp4", "plain.mp4"]


@pytest.fixture
def archive(tmp_path: Path) -> DoneArchive:
    """Some done files with names of all kinds."""
    made = DoneArchive(tmp_path / "archive")
    made.fill(_PATHS, title="课")
    return made


def test_a_bag_is_valid_and_its_files_are_those_of_the_archive(archive: DoneArchive, tmp_path: Path) -> None:
    """Both manifests, Payload-Oxum and the sums of the tag files, by the Library of Congress's own program."""
    bag = tmp_path / "bag"

    ended = archive.run("export", "--format", "bagit", "-o", str(bag))

    assert (0, "", "") == (ended.returncode, ended.stdout, ended.stderr)
    read = bagit.Bag(str(bag))
    assert read.validate()
    assert {"md5", "sha256"} == set(read.algorithms)
    sizes = [(archive.root / path).stat().st_size for path in _PATHS]
    assert f"{sum(sizes)}.{len(sizes)}" == read.info["Payload-Oxum"]
    assert read.info["Bag-Software-Agent"].startswith("fetcher ")
    assert all((archive.root / path).samefile(bag / "data" / path) for path in _PATHS)
    told = [json.loads(line) for line in (bag / "videos.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(path, "课") for path in _PATHS] == [(row["path"], row["title"]) for row in told]
    assert ["archive", "bag"] == names_in(tmp_path)


def test_a_percent_sign_is_written_as_the_rfc_has_it(tmp_path: Path) -> None:
    """And that bagit for Python does not read it is told: it takes '%25' for the name itself."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill(["100%.mp4", "%0A.mp4"])

    ended = archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag"))

    assert (0, 1) == (ended.returncode, len(ended.stderr.splitlines()))
    assert "2 names with a %" in ended.stderr
    manifest = (tmp_path / "bag" / "manifest-sha256.txt").read_text(encoding="utf-8")
    assert ["data/100%25.mp4", "data/%250A.mp4"] == [line.split("  ")[1] for line in manifest.splitlines()]


def test_files_that_are_gone_or_were_cut_are_told_and_left_out(archive: DoneArchive, tmp_path: Path) -> None:
    """Exit code 9, and the bag of the others is valid; a link on the way is not followed."""
    (archive.root / "plain.mp4").write_bytes(b"cut")
    (archive.root / "a\\b.mp4").unlink()
    (archive.root / "-课").rename(tmp_path / "moved")
    (archive.root / "-课").symlink_to(tmp_path / "moved")

    ended = archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag"))

    assert (9, 4) == (ended.returncode, len(ended.stderr.splitlines()))
    assert "plain.mp4: 3 bytes instead of 9; left out" in ended.stderr
    assert "the file is gone" in ended.stderr
    read = bagit.Bag(str(tmp_path / "bag"))
    assert read.validate()
    assert {"data/数学_Maths/Algebra/=1+1.mp4", "data/a\nb.mp4"} == set(read.payload_entries())
    assert 2 == len((tmp_path / "bag" / "videos.jsonl").read_text(encoding="utf-8").splitlines())


def test_where_one_md5_is_missing_there_is_no_manifest_of_them(tmp_path: Path) -> None:
    """A manifest has to name every file."""
    archive = DoneArchive(tmp_path / "archive")
    archive.fill(["a.mp4"], has_md5=False)

    assert 0 == archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag")).returncode

    read = bagit.Bag(str(tmp_path / "bag"))
    assert read.validate()
    assert ["sha256"] == list(read.algorithms)


def test_f108_a_bag_stays_as_it_is_when_the_archive_fetches_a_file_anew(
    archive: DoneArchive, tmp_path: Path
) -> None:
    """What takes a finished file's place is another file, as everywhere here."""
    assert 0 == archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag")).returncode
    anew = archive.root / "anew"
    anew.write_bytes(b"other bytes")
    anew.rename(archive.root / "plain.mp4")

    assert bagit.Bag(str(tmp_path / "bag")).validate()


def test_nothing_that_is_there_becomes_a_bag(archive: DoneArchive, tmp_path: Path) -> None:
    """An empty directory neither; nor stdout, nor a place in .fetcher/. Exit code 2."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    places = ["-", *(str(tmp_path / name) for name in ("empty", "file", "link")), f"{archive.root}/.fetcher/bag"]

    ended = [archive.run("export", "--format", "bagit", "-o", place) for place in places]

    assert [2] * len(places) == [one.returncode for one in ended]
    assert [] == names_in(tmp_path / "empty")
    assert ["archive", "empty", "file", "link"] == names_in(tmp_path)


def test_a_bag_on_another_file_system_is_refused_with_the_reason(archive: DoneArchive) -> None:
    """Its files are hard links; nothing of it stays."""
    place = Path("/dev/shm") / f"bag-{os.getpid()}"
    if archive.root.stat().st_dev == place.parent.stat().st_dev:
        pytest.skip("the tests' directory is on the same file system")

    ended = archive.run("export", "--format", "bagit", "-o", str(place))

    assert (2, True) == (ended.returncode, "another file system" in ended.stderr)
    assert [] == [name for name in os.listdir(place.parent) if place.name in name]


def test_a_killed_export_leaves_no_half_and_the_next_one_takes_its_leftovers_away(tmp_path: Path) -> None:
    """By kill -9 at eight moments, from the first file to the last step; the archive's own files stay."""
    archive, bag = DoneArchive(tmp_path / "archive"), tmp_path / "bag"
    archive.fill([f"{number % 7}/{number}.mp4" for number in range(1500)])
    began = time.monotonic()
    assert 0 == archive.run("export", "--format", "bagit", "-o", str(bag)).returncode
    takes_s = time.monotonic() - began
    shutil.rmtree(bag)
    killed = []
    for step in range(1, 9):
        running = archive.start("export", "--format", "bagit", "-o", str(bag))
        time.sleep(takes_s * step / 9)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        killed.append(running.returncode)
        if bag.exists():
            assert bagit.Bag(str(bag)).validate(fast=True)
            shutil.rmtree(bag)

    assert 0 == archive.run("export", "--format", "bagit", "-o", str(bag)).returncode

    assert -9 in killed
    assert bagit.Bag(str(bag)).validate()
    assert ["archive", "bag"] == names_in(tmp_path)
    assert 0 == archive.run("ledger", "check").returncode


def test_a_second_one_of_the_same_name_is_told(archive: DoneArchive, tmp_path: Path) -> None:
    """As long as the first is at work."""
    draft = tmp_path / ".bag.fetcher-unfinished"
    draft.mkdir()
    descriptor = os.open(draft, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        held = archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag"))
    finally:
        os.close(descriptor)

    assert (2, True) == (held.returncode, "being made by another process" in held.stderr)
    assert 0 == archive.run("export", "--format", "bagit", "-o", str(tmp_path / "bag")).returncode
