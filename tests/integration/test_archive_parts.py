"""The directory of parts: what is found again, what is dropped, what is not touched."""

import os
from pathlib import Path

import msgspec
import pytest

from fetcher.archive.memos import Memo, current_boot_id, read_memo
from fetcher.archive.part import Part
from fetcher.archive.parts import Parts

_MEMO = Memo(vid="v", size=100, boot_id=current_boot_id())


async def _leave(directory: Path, video_id: int, token: str, *, content: bytes = b"x" * 60, vid: str = "v") -> Part:
    part = Part(directory, video_id, token, None)
    part.path.write_bytes(content)
    await part.remember(msgspec.structs.replace(_MEMO, vid=vid), incarnation=token)
    return part


async def test_a_part_is_found_again_with_what_is_known_of_it(tmp_path: Path) -> None:
    await _leave(tmp_path, 7, "0123abcd")
    parts = Parts(tmp_path)

    await parts.scan()

    part = parts.take(7, "v")
    assert (60, _MEMO) == (part.sound_bytes(), part.memo)


async def test_dropping_leaves_neither_part_nor_memo(tmp_path: Path) -> None:
    await _leave(tmp_path, 7, "0123abcd")
    parts = Parts(tmp_path)
    await parts.scan()

    parts.drop(7)
    parts.drop(8)

    assert ([], []) == (parts.ids(), os.listdir(tmp_path))


async def test_f107_files_that_are_not_ours_are_not_touched(tmp_path: Path) -> None:
    foreign = ["notes.txt", "7-xyz.part", "7-0123abcd.part.bak", "a-0123abcd.part", "7-0123ABCD.memo", ".hidden"]
    for name in foreign:
        (tmp_path / name).write_text("keep")
    (tmp_path / "8-0123abcd.part").mkdir()

    await Parts(tmp_path).scan()

    assert sorted([*foreign, "8-0123abcd.part"]) == sorted(os.listdir(tmp_path))


async def test_drafts_of_memos_are_swept_up(tmp_path: Path) -> None:
    (tmp_path / "7-0123abcd.memo~").write_bytes(b"{")

    await Parts(tmp_path).scan()

    assert [] == os.listdir(tmp_path)


async def test_f03_a_part_without_memo_is_kept_where_it_has_a_final_name_too(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "7-0123abcd.part").write_bytes(b"done")
    os.link(tmp_path / "parts" / "7-0123abcd.part", tmp_path / "final.mp4")
    parts = Parts(tmp_path / "parts")

    await parts.scan()

    assert [7] == parts.ids()


async def test_of_two_parts_of_one_video_one_stays(tmp_path: Path) -> None:
    await _leave(tmp_path, 7, "0123abcd")
    await _leave(tmp_path, 7, "4567abcd")
    parts = Parts(tmp_path)

    await parts.scan()

    assert ([7], 2) == (parts.ids(), len(os.listdir(tmp_path)))


@pytest.mark.parametrize(
    ("owners", "left", "taken"),
    [
        ({"v": 7}, ["7-0123abcd.memo", "7-0123abcd.part"], 60),
        ({"v": 9}, ["9-0123abcd.memo", "9-0123abcd.part"], 60),
        ({"v": None}, [], 0),
        ({}, ["7-0123abcd.memo", "7-0123abcd.part"], 60),
    ],
    ids=["as its name says", "under another number", "ended", "unknown"],
)
async def test_f102_whose_a_part_is_says_its_memo(
    tmp_path: Path, owners: dict[str, int | None], left: list[str], taken: int
) -> None:
    """Not the number in its name: a ledger that was brought back from a copy gives that to another video."""
    await _leave(tmp_path, 7, "0123abcd")
    parts = Parts(tmp_path)

    await parts.scan()
    parts.settle(owners, {7})

    assert left == sorted(os.listdir(tmp_path))
    assert taken == parts.take(owners.get("v") or 7, "v").sound_bytes()


async def test_f102_two_videos_parts_under_one_number_are_both_gone_on_with(tmp_path: Path) -> None:
    await _leave(tmp_path, 7, "0123abcd")
    await _leave(tmp_path, 7, "4567abcd", vid="w")
    parts = Parts(tmp_path)

    await parts.scan()
    parts.settle({"v": 8, "w": 7}, {7, 8})

    assert ["v", "w"] == [parts.take(8, "v").vid, parts.take(7, "w").vid]


@pytest.mark.parametrize("kind", ["part", "memo"])
async def test_f90_a_planted_link_is_neither_followed_nor_kept(tmp_path: Path, kind: str) -> None:
    directory, victim = tmp_path / "parts", tmp_path / "victim"
    directory.mkdir()
    await _leave(directory, 7, "0123abcd")
    victim.write_bytes((directory / f"7-0123abcd.{kind}").read_bytes())
    (directory / f"7-0123abcd.{kind}").unlink()
    (directory / f"7-0123abcd.{kind}").symlink_to(victim)
    parts = Parts(directory)

    await parts.scan()

    assert ([], True) == (os.listdir(directory), victim.exists())


@pytest.mark.parametrize("kind", ["part", "memo"])
async def test_a_planted_pipe_does_not_make_the_run_wait(tmp_path: Path, kind: str) -> None:
    await _leave(tmp_path, 7, "0123abcd")
    (tmp_path / f"7-0123abcd.{kind}").unlink()
    os.mkfifo(tmp_path / f"7-0123abcd.{kind}")
    parts = Parts(tmp_path)

    await parts.scan()

    assert ([], []) == (parts.ids(), os.listdir(tmp_path))


def test_a_directory_in_a_memos_place_is_no_memo(tmp_path: Path) -> None:
    (tmp_path / "7-0123abcd.memo").mkdir()

    assert read_memo(tmp_path / "7-0123abcd.memo") is None


def test_f87_a_part_has_the_mode_that_its_finished_file_shall_have(tmp_path: Path) -> None:
    part = Parts(tmp_path).take(7, "v")
    umask = os.umask(0o027)
    try:
        os.close(part.open())
    finally:
        os.umask(umask)

    assert 0o640 == part.path.stat().st_mode & 0o777


async def test_quarantined_bytes_stay_and_the_next_part_is_another_file(tmp_path: Path) -> None:
    part = await _leave(tmp_path, 7, "0123abcd", content=b"bad")

    kept = part.quarantine(tmp_path / "quarantine", "v")

    assert (b"bad", ["quarantine"]) == (kept.read_bytes(), os.listdir(tmp_path))
    assert (0, False) == (part.sound_bytes(), part.path.exists())


async def test_a_quarantined_part_overwrites_nothing(tmp_path: Path) -> None:
    """Only the very same copy, which is kept once."""
    directory = tmp_path / "quarantine"
    directory.mkdir()
    (directory / "v-0123abcd").write_bytes(b"of a person")
    first = (await _leave(tmp_path, 7, "0123abcd", content=b"bad")).quarantine(directory, "v")
    copies = [
        (await _leave(tmp_path, 7, token, content=content)).quarantine(directory, "v", copy="ff00")
        for token, content in (("0123abce", b"one"), ("0123abcf", b"one"), ("0123abd0", b"other"))
    ]

    assert ["v-0123abcd-2", "v-ff00", "v-ff00", "v-ff00-2"] == [path.name for path in (first, *copies)]
    assert b"of a person" == (directory / "v-0123abcd").read_bytes()
    assert [b"bad", b"one", b"other"] == [path.read_bytes() for path in (first, *copies[1:])]
    assert ["quarantine"] == os.listdir(tmp_path)


async def test_a_part_that_is_somebodys_finished_file_is_left_alone(tmp_path: Path) -> None:
    """Its bytes have another name: writing on would change what is archived there."""
    part = await _leave(tmp_path, 7, "0123abcd", content=b"archived")
    os.link(part.path, tmp_path / "moved-by-a-person.mp4")

    part.restart_if_shared()
    os.close(part.open())

    assert b"archived" == (tmp_path / "moved-by-a-person.mp4").read_bytes()
    assert b"" == part.path.read_bytes()


async def test_a_part_of_one_name_goes_on(tmp_path: Path) -> None:
    part = await _leave(tmp_path, 7, "0123abcd")

    part.restart_if_shared()

    assert 60 == part.sound_bytes()
