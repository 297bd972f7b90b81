"""What a rebuild notes of files: what was read counts as long as the file is the same."""

from pathlib import Path

import msgspec
import pytest

from fetcher.ledger.findings import Findings, Found


def _found(number: int, *, stamp: str = "1", path: str | None = None, **values: object) -> Found:
    path = path or f"{number}.mp4"
    made = Found(path=path, path_key=path, vid=f"v{number}", told=None, done_at=None, size=5, stamp=stamp)
    return msgspec.structs.replace(made, **values)


def _read(file: Found) -> Found:
    return msgspec.structs.replace(file, sha256="a" * 64, container="mp4", read_at=7)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where a rebuild that was killed has read two files of three."""
    path = tmp_path / "rebuild.db"
    with Findings(path) as findings:
        findings.note([_found(1), _found(2), _found(3)])
        findings.note_read([_read(_found(1)), _read(_found(2))])
    return path


def test_the_next_one_reads_what_is_new_or_was_changed(notes: Path) -> None:
    """And forgets what is gone."""
    with Findings(notes) as findings:
        findings.note([_found(1), _found(2, stamp="2"), _found(4)])
        findings.forget_unseen()

        assert ["2.mp4", "4.mp4"] == [one.path for one in findings.unread()]
        assert (2, 10) == findings.count_unread()
        assert [("v1", "a" * 64), ("v2", None), ("v4", None)] == [
            (one.vid, one.sha256) for (one,) in findings.by_vid()
        ]


def test_the_files_of_one_vid_come_together_whatever_their_number() -> None:
    """Over the borders of pages too."""
    with Findings(None) as findings:
        findings.note(_found(number % 1200, path=f"{number:05}.mp4") for number in range(3000))

        groups = list(findings.by_vid())

    assert 1200 == len(groups)
    assert 3000 == sum(len(group) for group in groups)
    assert all(1 == len({one.vid for one in group}) for group in groups)


def test_rows_come_in_the_order_in_which_they_were_done() -> None:
    """Those of which nobody knows it come last, by path."""
    with Findings(None) as findings:
        moments = {"c": 5, "a": None, "b": 9, "d": None}
        findings.note(_found(number, path=path, done_at=at) for number, (path, at) in enumerate(moments.items()))
        findings.take(list(moments))

        assert [["c", "b", "a", "d"]] == [[one.path for one in some] for some in findings.taken()]


def test_names_that_a_disk_may_take_for_one_are_both_left_out() -> None:
    with Findings(None) as findings:
        findings.note([_found(1, path="A", path_key="a"), _found(2, path="a", path_key="a"), _found(3, path="b")])
        findings.take(["A", "a", "b"])

        assert ["A", "a"] == [one.path for one in findings.clashing()]
        assert [["b"]] == [[one.path for one in some] for some in findings.taken()]
        assert [False, True] == [findings.is_taken(vid) for vid in ("v1", "v3")]


@pytest.mark.parametrize("left", [b"", b"no database at all" * 100])
def test_notes_that_cannot_be_read_are_begun_anew(tmp_path: Path, left: bytes) -> None:
    """A power cut, another version: everything is read once more."""
    path = tmp_path / "rebuild.db"
    path.write_bytes(left)
    path.chmod(0o600)

    with Findings(path) as findings:
        findings.note([_found(1)])
        assert (1, 5) == findings.count_unread()
    assert 0o600 == path.stat().st_mode & 0o777
