"""The final name: never over anything, never outside, never half."""

import errno
import hashlib
import os
import socket
from pathlib import Path

import pytest
from transfer_cases import open_descriptors

from fetcher.archive import placing
from fetcher.archive.placing import Placing, find_file, is_placed, size_of
from fetcher.domain.errors import ConflictError

_BYTES = b"the video"
_SHA256 = hashlib.sha256(_BYTES).hexdigest()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / ".fetcher" / "parts" / "7-0123abcd.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(_BYTES)
    return path


def test_a_part_gets_its_final_name_and_the_directories_on_the_way(tmp_path: Path, part: Path) -> None:
    assert Placing(tmp_path).place(part, "Art/2024/a.mp4", sha256=_SHA256)
    assert _BYTES == (tmp_path / "Art" / "2024" / "a.mp4").read_bytes()
    assert is_placed(tmp_path, part, "Art/2024/a.mp4")


def test_f83_the_same_bytes_under_the_name_are_adopted(tmp_path: Path, part: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(_BYTES)

    assert not Placing(tmp_path).place(part, "a.mp4", sha256=_SHA256)
    assert not is_placed(tmp_path, part, "a.mp4")


def test_placing_twice_is_placing_once(tmp_path: Path, part: Path) -> None:
    Placing(tmp_path).place(part, "a.mp4", sha256=_SHA256)

    assert not Placing(tmp_path).place(part, "a.mp4", sha256=_SHA256)


def test_f83_other_bytes_under_the_name_are_never_overwritten(tmp_path: Path, part: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"somebody's")

    with pytest.raises(ConflictError):
        Placing(tmp_path).place(part, "a.mp4", sha256=_SHA256)

    assert (b"somebody's", _BYTES) == ((tmp_path / "a.mp4").read_bytes(), part.read_bytes())


def _plant(path: Path, kind: str) -> None:
    match kind:
        case "directory":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(os.path.relpath(path))
        case "symlink to the same bytes":
            (path.parent / "elsewhere").write_bytes(_BYTES)
            path.symlink_to(path.parent / "elsewhere")
        case "dangling symlink":
            path.symlink_to(path.parent / "nowhere")


_KINDS = ["directory", "fifo", "socket", "symlink to the same bytes", "dangling symlink"]


@pytest.mark.parametrize("kind", _KINDS)
def test_f83_f90_what_is_no_plain_file_is_a_conflict(
    tmp_path: Path, part: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _plant(tmp_path / "a.mp4", kind)
    before = open_descriptors()

    with pytest.raises(ConflictError):
        Placing(tmp_path).place(part, "a.mp4", sha256=_SHA256)
    with pytest.raises(ConflictError):
        find_file(tmp_path, "a.mp4")

    assert size_of(tmp_path, "a.mp4") is None
    assert not is_placed(tmp_path, part, "a.mp4")
    assert before == open_descriptors()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("kind", ["link", "file"])
def test_f90_a_directory_on_the_way_that_is_none_is_a_conflict(tmp_path: Path, part: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if kind == "link":
        (tmp_path / "Art").symlink_to(outside)
    else:
        (tmp_path / "Art").write_text("a file")
    before = open_descriptors()

    with pytest.raises(ConflictError):
        Placing(tmp_path).place(part, "Art/a.mp4", sha256=_SHA256)

    assert (None, False) == (size_of(tmp_path, "Art/a.mp4"), is_placed(tmp_path, part, "Art/a.mp4"))
    assert ([], before) == (os.listdir(outside), open_descriptors())


@pytest.mark.parametrize(
    "path", ["../a.mp4", "a/../../b.mp4", "/a.mp4", "a//b.mp4", "./a.mp4", "a/", "", "..", "."]
)
def test_f88_a_path_that_leaves_the_archive_is_refused(tmp_path: Path, part: Path, path: str) -> None:
    root = tmp_path / "archive"
    root.mkdir()

    with pytest.raises(ConflictError):
        Placing(root).place(part, path, sha256=_SHA256)

    assert [] == os.listdir(root)


def test_what_stands_under_a_name_is_told_with_its_digest(tmp_path: Path, part: Path) -> None:
    Placing(tmp_path).place(part, "Art/a.mp4", sha256=_SHA256)

    found = find_file(tmp_path, "Art/a.mp4", durably=True)

    assert (len(_BYTES), _SHA256) == (found and found.size, found and found.sha256)
    assert len(_BYTES) == size_of(tmp_path, "Art/a.mp4")


@pytest.mark.parametrize("path", ["a.mp4", "Art/a.mp4"])
def test_where_nothing_stands_nothing_is_found_and_nothing_made(tmp_path: Path, part: Path, path: str) -> None:
    assert (None, None) == (find_file(tmp_path, path), size_of(tmp_path, path))
    assert not is_placed(tmp_path, part, path)
    assert [".fetcher"] == os.listdir(tmp_path)


def test_a_name_too_long_for_the_disk_is_the_disks_error(tmp_path: Path, part: Path) -> None:
    before = open_descriptors()

    with pytest.raises(OSError, match="too long") as caught:
        Placing(tmp_path).place(part, f"{'x' * 256}.mp4", sha256=_SHA256)

    assert (errno.ENAMETOOLONG, before) == (caught.value.errno, open_descriptors())


@pytest.mark.parametrize(("taken", "is_new"), [(False, True), (True, False)])
def test_without_hard_links_a_free_name_is_taken_by_a_rename(
    tmp_path: Path, part: Path, *, taken: bool, is_new: bool
) -> None:
    if taken:
        (tmp_path / "a.mp4").write_bytes(b"somebody's")
    directory = os.open(tmp_path, os.O_RDONLY)

    placed = placing._rename(part, directory, "a.mp4")
    os.close(directory)

    assert (is_new, taken) == (placed, part.exists())
    assert (b"somebody's" if taken else _BYTES) == (tmp_path / "a.mp4").read_bytes()


def test_one_flush_makes_all_names_of_a_directory_durable(
    tmp_path: Path, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F06: those above it are flushed when it is new, and again when somebody has made it anew."""
    flushed: list[str] = []

    def fsync(descriptor: int) -> None:
        flushed.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))

    monkeypatch.setattr(os, "fsync", fsync)
    names = Placing(tmp_path)
    for name in ("a", "b"):
        names.place(part, f"Art/2024/{name}.mp4", sha256=_SHA256)
    names.make_durable("Art/2024")
    names.place(part, "Art/2024/c.mp4", sha256=_SHA256)
    names.make_durable("Art/2024")
    assert [".", "Art", "Art/2024", "Art/2024"] == flushed

    os.rename(tmp_path / "Art", tmp_path / "Elsewhere")
    names.place(part, "Art/2024/a.mp4", sha256=_SHA256)
    names.make_durable("Art/2024")
    assert [".", "Art", "Art/2024"] == flushed[4:]


def test_a_directory_that_is_gone_or_another_now_is_not_called_durable(tmp_path: Path, part: Path) -> None:
    """F06."""
    names = Placing(tmp_path)
    names.place(part, "Art/a.mp4", sha256=_SHA256)
    os.rename(tmp_path / "Art", tmp_path / "Elsewhere")

    with pytest.raises(FileNotFoundError):
        names.make_durable("Art")
    (tmp_path / "Art").symlink_to(tmp_path / "Elsewhere")
    with pytest.raises(ConflictError):
        names.make_durable("Art")
    names.make_durable("")


def test_names_that_are_gone_are_told_though_the_directory_is_there_again(tmp_path: Path, part: Path) -> None:
    """Somebody moves the directory away, and the next file makes it anew."""
    names = Placing(tmp_path)
    names.place(part, "Art/a.mp4", sha256=_SHA256)
    os.rename(tmp_path / "Art", tmp_path / "Elsewhere")
    names.place(part, "Art/b.mp4", sha256=_SHA256)
    (tmp_path / "Art" / "c.mp4").write_bytes(b"cut")

    sizes = dict.fromkeys(("a.mp4", "b.mp4", "c.mp4"), len(_BYTES))
    assert {"a.mp4", "c.mp4"} == names.make_durable("Art", sizes)
