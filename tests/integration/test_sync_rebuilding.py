"""What a rebuild makes of files that are written to while it is at work: none is called done as it never was."""

import hashlib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import NOW, vid

from fetcher.archive.home import Home
from fetcher.archive.reading import read_through
from fetcher.domain.errors import ConflictError
from fetcher.domain.exit_code import ExitCode
from fetcher.ledger.findings import Findings
from fetcher.sync.claimants import Finding
from fetcher.sync.rebuilding import Rebuild

_PIECE: Final = 1 << 20
_ONES: Final = b"\1" * 3 * _PIECE


@pytest.fixture
def findings() -> Iterator[Findings]:
    """Notes that are gone with the test."""
    with Findings(None) as findings:
        yield findings


def test_a_file_that_is_copied_here_meanwhile_is_not_done_by_half(tmp_path: Path, findings: Findings) -> None:
    """F77: read when half of it was here, it would be done with a digest that it never has again: exit code 9."""
    half, whole, linked = (tmp_path / f"{vid(number)}.mp4" for number in (1, 2, 3))
    for path in (half, whole, linked):
        path.write_bytes(b"half of a video")
    told: list[tuple[str, str | None, str]] = []

    def tell(one: Finding) -> None:
        told.append((one.kind, one.vid, one.path))

    rebuilt = Rebuild(Home(tmp_path), findings, tell=tell, clock=lambda: NOW)

    rebuilt.look()
    rebuilt.read(1, lambda _: None)
    with half.open("ab") as file:
        file.write(b", and the rest")
    linked.with_suffix(".bag").hardlink_to(linked)
    rebuilt.judge()

    assert [("differs", vid(1), half.name)] == told
    assert [whole.name, linked.name] == [one.path for some in findings.taken() for one in some]
    assert rebuilt.code is ExitCode.DAMAGE


def test_a_file_that_is_written_to_while_it_is_read_is_read_anew(tmp_path: Path) -> None:
    """A digest of some old and some new bytes is that of no file."""
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(3 * _PIECE))
    os.utime(path, ns=(0, 0))
    reads = itertools.count()

    def write_once(_: int) -> None:
        if next(reads) == 0:
            path.write_bytes(_ONES)

    assert hashlib.sha256(_ONES).hexdigest() == read_through(tmp_path, path.name, write_once).sha256


def test_a_file_that_is_written_to_without_end_cannot_be_read(tmp_path: Path) -> None:
    """It is told as unreadable, and the rebuild goes on."""
    path = tmp_path / "a.mp4"
    path.write_bytes(bytes(_PIECE))

    moments = itertools.count(1)

    def touch(_: int) -> None:
        os.utime(path, ns=(0, next(moments)))

    with pytest.raises(ConflictError, match="each time"):
        read_through(tmp_path, path.name, touch)
