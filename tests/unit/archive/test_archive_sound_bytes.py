"""How much of a part can be relied on, by what is written beside it."""

import os
from pathlib import Path

import pytest

from fetcher.archive.memos import Memo, current_boot_id
from fetcher.archive.part import Part
from fetcher.archive.parts import Parts

_NAME = "7-0123abcd"


async def _part(directory: Path, content: bytes | None, memo: Memo | None) -> Part:
    """Leave a part behind as a run that died would, and find it again."""
    if content is not None:
        (directory / f"{_NAME}.part").write_bytes(content)
    if memo is not None:
        await Part(directory, 7, "0123abcd", None).remember(memo, incarnation="0123abcd")
    parts = Parts(directory)
    await parts.scan()
    return parts.take(7, "v")


def _memo(*, boot_id: str | None = None, synced: int = 0, size: int | None = 100) -> Memo:
    boot = current_boot_id() if boot_id is None else boot_id
    return Memo(vid="v", size=size, etag='"e"', announced={"crc64": "1"}, boot_id=boot, synced=synced)


async def test_f01_within_one_boot_all_that_was_written_is_sound(tmp_path: Path) -> None:
    assert 60 == (await _part(tmp_path, b"x" * 60, _memo(synced=10))).sound_bytes()


async def test_f05_after_a_restart_of_the_machine_only_what_was_made_durable_is(tmp_path: Path) -> None:
    assert 10 == (await _part(tmp_path, b"x" * 60, _memo(boot_id="another", synced=10))).sound_bytes()


async def test_f05_a_part_shorter_than_what_was_durable_is_taken_as_it_is(tmp_path: Path) -> None:
    assert 5 == (await _part(tmp_path, b"x" * 5, _memo(boot_id="another", synced=10))).sound_bytes()


async def test_where_the_boot_is_unknown_nothing_but_the_durable_counts(tmp_path: Path) -> None:
    assert 10 == (await _part(tmp_path, b"x" * 60, _memo(boot_id="", synced=10))).sound_bytes()


async def test_a_negative_claim_of_durability_counts_as_none(tmp_path: Path) -> None:
    assert 0 == (await _part(tmp_path, b"x" * 60, _memo(boot_id="another", synced=-5))).sound_bytes()


async def test_without_a_memo_nothing_is_sound_and_nothing_stays(tmp_path: Path) -> None:
    assert 0 == (await _part(tmp_path, b"x" * 60, None)).sound_bytes()
    assert [] == os.listdir(tmp_path)


async def test_a_part_longer_than_its_file_is_not_sound(tmp_path: Path) -> None:
    assert 0 == (await _part(tmp_path, b"x" * 101, _memo())).sound_bytes()


async def test_a_memo_without_a_part_tells_what_was_known_of_it(tmp_path: Path) -> None:
    """On a file system without hard links the part itself has taken the final name."""
    part = await _part(tmp_path, None, _memo())

    assert (0, '"e"') == (part.sound_bytes(), part.memo and part.memo.etag)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"format":2,"vid":"v","boot_id":"B"}', id="F102 a later format"),
        pytest.param(b'{"format":1,"vid":"v","boot_id":"B","news":1}', id="F102 an unknown field"),
        pytest.param(b'{"format":1,"vid":"v","boot_id":"B"', id="torn"),
        pytest.param(b'{"format":1,"boot_id":"B"}', id="without a vid"),
        pytest.param(b'{"format":1,"vid":"v","boot_id":"B","size":"1"}', id="a size that is a text"),
        pytest.param(b"\x00" * 80, id="zeros after a power cut"),
        pytest.param(b'{"format":1,"vid":"\xff\xfe","boot_id":"B"}', id="no UTF-8"),
        pytest.param(b"[" * 50_000, id="a bomb"),
        pytest.param(b"", id="empty"),
    ],
)
async def test_a_part_whose_memo_cannot_be_read_is_begun_anew(tmp_path: Path, text: bytes) -> None:
    """F102."""
    (tmp_path / f"{_NAME}.part").write_bytes(b"x" * 60)
    (tmp_path / f"{_NAME}.memo").write_bytes(text.replace(b'"B"', f'"{current_boot_id()}"'.encode()))
    parts = Parts(tmp_path)

    await parts.scan()

    assert ([], []) == (parts.ids(), os.listdir(tmp_path))


async def test_a_memo_for_an_incarnation_that_is_gone_is_not_kept(tmp_path: Path) -> None:
    """What a slow event loop writes must not come to lie beside other bytes."""
    part = Parts(tmp_path).take(7, "v")
    before = part.incarnation
    part.restart()

    await part.remember(_memo(), incarnation=before)

    assert (None, []) == (part.memo, os.listdir(tmp_path))
