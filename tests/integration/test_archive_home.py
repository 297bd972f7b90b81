"""Where an archive is, and the room on its disk."""

import errno
import os
from pathlib import Path

import pytest

from fetcher.archive.home import Home, create_home, find_home, loose_permissions
from fetcher.archive.space import Space, disk_errors
from fetcher.domain.errors import DiskFullError, FileRefusedError, StorageError, UsageError


def test_f92_a_new_archive_is_its_owners_alone(tmp_path: Path) -> None:
    home = create_home(tmp_path / "library", config="# settings\n")

    modes = [path.stat().st_mode & 0o777 for path in (home.dot, home.parts, home.quarantine, home.config)]
    assert [0o700, 0o700, 0o700, 0o600] == modes
    assert ("# settings\n", []) == (home.config.read_text(), loose_permissions(home))


def test_an_archive_is_not_made_twice(tmp_path: Path) -> None:
    home = create_home(tmp_path, config="mine")

    with pytest.raises(UsageError):
        create_home(tmp_path, config="other")

    assert "mine" == home.config.read_text()


def test_f87_the_umask_does_not_loosen_an_archive(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = create_home(tmp_path / "library", config="")
    finally:
        os.umask(before)

    assert [] == loose_permissions(home)


def test_f92_what_others_may_read_is_told(tmp_path: Path) -> None:
    home = create_home(tmp_path, config="")
    home.config.chmod(0o640)

    assert [home.config] == loose_permissions(home)


def test_an_archive_where_none_can_be_is_the_disks_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError):
        create_home(tmp_path / "file" / "library", config="")


def test_the_nearest_archive_upwards_is_found(tmp_path: Path) -> None:
    home = create_home(tmp_path, config="")
    (tmp_path / "a" / "b").mkdir(parents=True)

    assert home == find_home(None, start=tmp_path / "a" / "b")


def test_a_named_archive_is_taken_from_where_one_stands(tmp_path: Path) -> None:
    create_home(tmp_path / "library", config="")

    assert Home(tmp_path / "library") == find_home("library", start=tmp_path)


@pytest.mark.parametrize("named", [None, "library", "nowhere", "file"])
def test_f81_without_an_archive_nothing_is_touched(tmp_path: Path, named: str | None) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "file").write_text("")

    with pytest.raises(UsageError, match="init"):
        find_home(named, start=tmp_path)

    assert [] == os.listdir(tmp_path / "library")


def test_f79_room_beyond_the_reserve_is_required(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    free = found.f_bavail * found.f_frsize

    Space(tmp_path, reserve=0).require(1)
    Space(tmp_path, reserve=0).require(-5)
    with pytest.raises(DiskFullError):
        Space(tmp_path, reserve=0).require(2 * free)
    with pytest.raises(DiskFullError):
        Space(tmp_path, reserve=2 * free).require(0)


def test_f79_what_is_under_way_is_kept_room_for(tmp_path: Path) -> None:
    """Two files that fit alone do not fit together; between two looks at the disk neither."""
    found = os.statvfs(tmp_path)
    most = found.f_bavail * found.f_frsize * 2 // 3
    under_way: list[int] = []
    space = Space(tmp_path, reserve=0, outstanding=lambda: sum(under_way))

    space.require(most, grant=lambda: under_way.append(most))
    with pytest.raises(DiskFullError):
        space.require(most, grant=lambda: under_way.append(most))
    assert [most] == under_way
    under_way.clear()
    space.require(most)
    with pytest.raises(DiskFullError):
        Space(tmp_path, reserve=0, outstanding=lambda: most).require(most)


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EIO, StorageError),
        (errno.EROFS, StorageError),
        (errno.EFBIG, FileRefusedError),
        (errno.ESTALE, StorageError),
    ],
)
def test_f80_what_the_disk_refuses_is_told_with_what_was_tried(number: int, kind: type[StorageError]) -> None:
    with pytest.raises(StorageError, match=r"writing a\.mp4") as caught, disk_errors("writing a.mp4"):
        raise OSError(number, os.strerror(number))

    assert kind is type(caught.value)
