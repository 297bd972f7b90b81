"""What a file's first bytes say of it."""

import pytest

from fetcher.domain.container import LOOKED_AT, UNKNOWN, container_of, is_text, require_container
from fetcher.domain.errors import NotAVideoError

_REST = bytes(range(256)) * 4


def _stream(first: int, step: int) -> bytes:
    """Return a transport stream whose sync bytes begin at *first*."""
    packet = b"\x47" + b"\x1f" * (step - 1)
    return (b"\x01" * first + packet * 6)[:LOOKED_AT]


@pytest.mark.parametrize(
    ("expected", "opening"),
    [
        ("mp4", b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00"),
        ("mp4", b"\x00\x00\x00\x18ftypmp42"),
        ("mov", b"\x00\x00\x00\x14ftypqt  "),
        ("3gp", b"\x00\x00\x00\x18ftyp3gp4"),
        ("3g2", b"\x00\x00\x00\x18ftyp3g2a"),
        ("m4a", b"\x00\x00\x00\x18ftypM4A "),
        ("m4v", b"\x00\x00\x00\x18ftypM4V "),
        ("f4v", b"\x00\x00\x00\x18ftypf4v "),
        ("mov", b"\x00\x00\x10\x00moov\x00"),
        ("mov", b"\x00\x00\x00\x01mdat\x00"),
        ("mov", b"\x00\x00\x00\x08wide\x00"),
        ("mov", b"\x00\x00\x00\x08free\x00"),
        ("mov", b"\x00\x00\x00\x08skip\x00"),
        ("matroska", b"\x1aE\xdf\xa3\x01"),
        ("avi", b"RIFF\x10\x00\x00\x00AVI LIST"),
        ("wav", b"RIFF\x10\x00\x00\x00WAVEfmt "),
        ("wav", b"RF64\xff\xff\xff\xffWAVEds64"),
        ("flv", b"FLV\x01\x05"),
        ("mpeg-ts", _stream(0, 188)),
        ("mpeg-ts", _stream(4, 192)),
        ("mpeg-ts", _stream(0, 204)),
        ("mpeg-ps", b"\x00\x00\x01\xbaD"),
        ("mpeg-video", b"\x00\x00\x01\xb3\x14"),
        ("asf", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")),
        ("mp3", b"ID3\x03\x00"),
        ("mp3", b"\xff\xfb\x90\x44"),
        ("aac", b"\xff\xf1\x50\x80"),
        ("aac", b"\xff\xf9\x50\x80"),
        ("ogg", b"OggS\x00\x02"),
        ("realmedia", b".RMF\x00\x00"),
        ("mxf", bytes.fromhex("060e2b34020501010d010201")),
        ("flac", b"fLaC\x00"),
        ("amr", b"#!AMR\n"),
        (None, b""),
        (None, b"\x01"),
        (None, b"\x00" * 1024),
        (None, b"\x89PNG\r\n\x1a\n"),
        (None, b"GIF89a"),
        (None, b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        (None, b"PK\x03\x04"),
        (None, b"%PDF-1.7"),
        (None, b"RIFF\x10\x00\x00\x00WEBPVP8 "),
        (None, b"Go home, this is words." * 40),
        (None, b"G" + b"x" * 187 + b"G" + b"x" * 187 + b"H"),
        (None, b"\xff\xff\xff\xff"),
    ],
)
def test_a_container_is_known_by_its_magic(expected: str | None, opening: bytes) -> None:
    assert expected == container_of(opening)


@pytest.mark.parametrize("length", range(12))
def test_a_magic_that_is_cut_off_is_no_error(length: int) -> None:
    for opening in (b"\x00\x00\x00\x20ftypisom", b"RIFF\x10\x00\x00\x00AVI ", b"\xff\xfb\x90\x44" * 3):
        container_of(opening[:length])


@pytest.mark.parametrize(
    ("expected", "opening"),
    [
        (True, b"AccessDenied"),
        (True, b'[{"code": 403}]\r\n'),
        (True, "请先登录".encode()),
        (True, "请先登录".encode()[:-1]),
        (True, b"\x1b[31mred\x1b[0m"),
        (False, b""),
        (False, b"\x01"),
        (False, b"text with a \x00 in it"),
        (False, b"\x89PNG\r\n\x1a\n"),
        (False, "请先登录".encode("gb18030")),
        (False, b"\xff\xfe\xff\xfe\xff"),
    ],
)
def test_text_is_told_from_bytes(*, expected: bool, opening: bytes) -> None:
    assert expected is is_text(opening)


def test_f31_f32_text_is_a_video_only_where_polyv_vouches_for_it() -> None:
    with pytest.raises(NotAVideoError, match="text"):
        require_container(b"AccessDenied", is_polyvs=False, has_evidence=True)
    assert UNKNOWN == require_container(b"AccessDenied", is_polyvs=True, has_evidence=True)


def test_what_opens_like_nothing_known_needs_something_that_speaks_for_it() -> None:
    with pytest.raises(NotAVideoError, match="nothing is known"):
        require_container(b"\x01" * 99, is_polyvs=False, has_evidence=False)
    assert UNKNOWN == require_container(b"\x01" * 99, is_polyvs=False, has_evidence=True)
    assert "matroska" == require_container(b"\x1aE\xdf\xa3", is_polyvs=False, has_evidence=False)
