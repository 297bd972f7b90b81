"""Reading finished files again: from the disk, in one piece, and never more of them than they are."""

import hashlib
import logging
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from fetcher.archive.rereading import BLOCK, Rereader, StoppedError, glance
from fetcher.domain.verification import Seen

BODY: Final = os.urandom(3 * BLOCK + 17)
SHA256: Final = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(name="root")
def _root(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.mp4").write_bytes(BODY)
    return tmp_path


def nothing(count: int) -> None:
    """Heed nothing."""
    del count


class Once:
    """Does something when the first piece was read, and that once."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act: Callable[[], object] | None = act
        self.bytes = 0

    def __call__(self, count: int) -> None:
        """Count what was read."""
        self.bytes += count
        if self._act is not None:
            act, self._act = self._act, None
            act()


def read(root: Path, heed: Callable[[int], None] = nothing, sha256: str | None = SHA256) -> Seen:
    """Read the file."""
    return Rereader(root, heed=heed).read("a/b.mp4", size=len(BODY), sha256=sha256)


def keeping_time(path: Path, body: bytes) -> None:
    """Write *body* and leave the time of the file as it was."""
    before = path.stat()
    path.write_bytes(body)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_every_byte_counts_and_is_told(root: Path) -> None:
    heed = Once(lambda: None)

    seen = read(root, heed)

    assert (len(BODY), SHA256, None) == (seen.size, seen.sha256, seen.obstacle)
    assert len(BODY) == heed.bytes
    assert seen.identity == glance(root, "a/b.mp4").identity


def test_f104_a_bit_that_is_wrong_twice_is_wrong(root: Path) -> None:
    wrong = bytes([*BODY[:-1], BODY[-1] ^ 1])
    (root / "a" / "b.mp4").write_bytes(wrong)
    heed = Once(lambda: None)

    assert hashlib.sha256(wrong).hexdigest() == read(root, heed).sha256
    assert 2 * len(BODY) == heed.bytes


def test_what_was_wrong_once_and_then_right_is_right_and_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Memory and cables err, too; a file is not fetched again for that."""
    path = root / "a" / "b.mp4"
    keeping_time(path, BODY[:100] + b"wrong" + BODY[105:])

    with caplog.at_level(logging.WARNING):
        seen = read(root, Once(lambda: keeping_time(path, BODY)))

    assert SHA256 == seen.sha256
    assert ["a/b.mp4 was wrong when it was read first, and right again: " in one.message for one in caplog.records]


def test_a_file_that_is_written_to_while_it_is_read_is_read_anew(root: Path) -> None:
    """What was read of it first says nothing."""
    path = root / "a" / "b.mp4"
    path.write_bytes(bytes(len(BODY)))

    seen = read(root, Once(lambda: path.write_bytes(BODY)))

    assert (SHA256, None) == (seen.sha256, seen.obstacle)


def test_a_file_that_is_written_to_all_the_time_is_no_damage(root: Path) -> None:
    path, moments = root / "a" / "b.mp4", iter(range(1, 1000))

    seen = read(root, lambda _: os.utime(path, ns=(0, next(moments))))

    assert (None, None, "it was written to each time while it was read") == (
        seen.size,
        seen.sha256,
        seen.obstacle,
    )


def test_a_file_that_is_replaced_while_it_is_read_is_judged_by_what_is_there(root: Path) -> None:
    path = root / "a" / "b.mp4"
    path.write_bytes(bytes(len(BODY)))
    (root / "new").write_bytes(BODY)

    assert (
        hashlib.sha256(bytes(len(BODY))).hexdigest()
        == read(root, Once(lambda: os.replace(root / "new", path)), None).sha256
    ), "the descriptor is that of the old one, which was read to its end"
    assert SHA256 == read(root).sha256


def test_another_size_is_told_without_reading(root: Path) -> None:
    heed = Once(lambda: None)
    seen = Rereader(root, heed=heed).read("a/b.mp4", size=1, sha256=SHA256)
    assert (len(BODY), None, 0) == (seen.size, seen.sha256, heed.bytes)


@pytest.mark.parametrize("path", ["a/c.mp4", "b/b.mp4"])
def test_what_is_not_there_is_missing(root: Path, path: str) -> None:
    assert Seen() == Rereader(root, heed=nothing).read(path, size=1) == glance(root, path)


@pytest.mark.parametrize("path", ["a/link", "a/fifo", "a", "a/b.mp4/c", "there/b.mp4", "../x", "x" * 300])
def test_f90_what_is_no_plain_file_on_a_plain_way_is_an_obstacle(root: Path, path: str) -> None:
    """Nothing is opened that is none, so that nothing is waited for."""
    (root / "a" / "link").symlink_to("b.mp4")
    os.mkfifo(root / "a" / "fifo")
    (root / "there").symlink_to("a")

    read_there, seen = Rereader(root, heed=nothing).read(path, size=1), glance(root, path)

    assert (None, None) == (read_there.size, seen.size)
    assert read_there.obstacle == seen.obstacle is not None


def test_it_can_be_broken_off(root: Path) -> None:
    def stop(_: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        read(root, stop)
    assert [] == [one for one in os.listdir("/proc/self/fd") if _leads_to(one, root)], "nothing stays open"


def _leads_to(descriptor: str, root: Path) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith(str(root))
    except OSError:
        return False


@pytest.mark.skipif(shutil.which("fincore") is None, reason="wants util-linux's fincore")
def test_what_is_read_does_not_stay_in_memory(root: Path) -> None:
    """Or an archive would drive out what others use, and the next reading would not ask the disk."""
    path = root / "a" / "b.mp4"
    os.sync()
    if _cached(path) == 0 or _cached(path, advice=os.POSIX_FADV_DONTNEED) > 0:
        pytest.skip("the file system here keeps files in memory alone")
    path.read_bytes()
    assert _cached(path) > 0

    read(root)

    assert 0 == _cached(path)


def _cached(path: Path, *, advice: int | None = None) -> int:
    """Return how many bytes of a file the kernel has in memory."""
    if advice is not None:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, advice)
        os.close(descriptor)
    told = subprocess.run(
        ["fincore", "-b", "-n", "-o", "RES", path], capture_output=True, text=True, check=True
    ).stdout
    return int(told.strip() or 0)
