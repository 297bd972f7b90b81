"""What a file has to prove before it is called whole, on both paths: digests, an untouched part, a flush."""

import base64
import hashlib
import os
from pathlib import Path

import fastcrc
import pytest
from origin import Exchange, OriginServer
from origin_faults import (
    LOGIN,
    chunked,
    status,
    whole,
)
from path_cases import serving_by_all
from transfer_cases import PlainPart, Try, resumed, video

from fetcher.domain.errors import (
    DiskFullError,
    IntegrityError,
    NotAVideoError,
    ObjectChangedError,
    RangeMismatchError,
    TransferInterruptedError,
)
from fetcher.domain.status import Evidence
from fetcher.transfer.open_part import OpenPart
from fetcher.transfer.origin import Origin

_BODY = video(250_000)
_SIZE = len(_BODY)
_CRC64 = str(fastcrc.crc64.xz(_BODY))
_ETAG = f'"{hashlib.md5(_BODY).hexdigest()}"'

server, origin = serving_by_all(_BODY)


def test_a_file_comes_whole_with_its_digest(server: OriginServer, tries: Try) -> None:
    fetched = tries.fetch(server.url("/a.mp4"))

    assert _BODY == tries.part.bytes
    assert (_SIZE, _ETAG, Evidence.SIZE) == (fetched.size, fetched.etag, fetched.proof.evidence)
    assert {"sha256": hashlib.sha256(_BODY).hexdigest()} == fetched.digests
    assert (None, "identity") == (server.ranges[0], server.requests[0].headers["accept-encoding"])


def test_f25_a_part_that_is_whole_is_verified_without_the_network(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    fetched = resumed(_BODY, origin, tmp_path, have=_SIZE, announced={"crc64": _CRC64}).fetch(server.url("/a.mp4"))

    assert ([], Evidence.CRC64) == (server.requests, fetched.proof.evidence)


def test_f25_a_416_that_gives_the_parts_size_leads_to_its_verification(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    """The answer's own body is a text about the range, and none of the file."""
    server.script("/a.mp4", [status(416, b"<Error>InvalidRange</Error>", Content_Range=f"bytes */{_SIZE}")])
    tries = resumed(_BODY, origin, tmp_path, have=_SIZE, size=None)

    fetched = tries.fetch(server.url("/a.mp4"))

    assert (_BODY, _SIZE, Evidence.SIZE) == (tries.part.bytes, fetched.size, fetched.proof.evidence)


def test_f25_a_416_that_ends_the_file_before_its_known_end_calls_nothing_whole(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    """A node of a CDN that keeps a file whose end it never got gives what it has, and says then that it is all."""
    server.script("/a.mp4", [status(416, Content_Range="bytes */100000")])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(ObjectChangedError, match=f"100000 bytes now, it had {_SIZE}"):
        tries.fetch(server.url("/a.mp4"))


def test_f25_a_part_longer_than_the_file_is_never_called_whole(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    tries = resumed(_BODY, origin, tmp_path, have=_SIZE, size=None)
    server.files["/a.mp4"].body = _BODY[:-1]

    with pytest.raises(RangeMismatchError):
        tries.fetch(server.url("/a.mp4"))


_GOOD = {
    "crc64": {"X_Oss_Hash_Crc64ecma": _CRC64},
    "repr-digest": {"Repr_Digest": f"sha-256=:{base64.b64encode(hashlib.sha256(_BODY).digest()).decode()}:"},
    "content-md5": {"Content_MD5": base64.b64encode(hashlib.md5(_BODY).digest()).decode()},
}


@pytest.mark.parametrize("evidence", list(_GOOD))
def test_a_digest_that_the_origin_names_is_compared(server: OriginServer, tries: Try, evidence: str) -> None:
    url = server.add("/a.mp4", _BODY, **_GOOD[evidence])

    assert Evidence(evidence) is tries.fetch(url).proof.evidence


@pytest.mark.parametrize("evidence", list(_GOOD))
def test_f29_the_right_size_with_a_wrong_bit_is_not_called_whole(
    server: OriginServer, tries: Try, evidence: str
) -> None:
    flipped = bytearray(_BODY)
    flipped[200_000] ^= 1
    url = server.add("/a.mp4", bytes(flipped), **_GOOD[evidence])

    with pytest.raises(IntegrityError):
        tries.fetch(url)


def test_f29_a_wrong_bit_in_the_part_of_an_earlier_run_is_not_called_whole(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    url = server.add("/a.mp4", _BODY, etag=_ETAG, **_GOOD["crc64"])
    tries = resumed(_BODY, origin, tmp_path)
    with tries.part.path.open("r+b") as file:
        file.write(b"\xff")

    with pytest.raises(IntegrityError):
        tries.fetch(url)


def test_an_origin_that_names_another_digest_than_before_has_another_file(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    url = server.add("/a.mp4", _BODY, etag=_ETAG, **_GOOD["crc64"])

    with pytest.raises(ObjectChangedError):
        resumed(_BODY, origin, tmp_path, announced={"crc64": "1"}).fetch(url)


@pytest.mark.parametrize("page", [LOGIN, b"<Error><Code>NoSuchBucket</Code></Error>", b'{"code": 400}'])
def test_f31_f32_a_page_in_place_of_the_video_is_no_video(server: OriginServer, tries: Try, page: bytes) -> None:
    server.script("/a.mp4", [status(200, page, Content_Type="text/html")])

    with pytest.raises(NotAVideoError):
        tries.fetch(server.url("/a.mp4"))


def test_f27_an_empty_file_is_no_video(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [status(200), chunked()])
    server.files["/a.mp4"].body = b""

    for _ in range(2):
        with pytest.raises(NotAVideoError):
            tries.fetch(server.url("/a.mp4"))


def test_f79_no_byte_is_written_where_the_space_does_not_suffice(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    def refuse(needed: int) -> None:
        raise DiskFullError(str(needed))

    tries = Try(origin, PlainPart(tmp_path / "a.part"), ensure_space=refuse)

    with pytest.raises(DiskFullError, match=str(_SIZE)):
        tries.fetch(server.url("/a.mp4"))

    assert b"" == tries.part.bytes


def test_f85_a_part_that_somebody_removed_is_not_called_whole(server: OriginServer, tries: Try) -> None:
    def remove_and_answer(exchange: Exchange) -> None:
        os.unlink(tries.part.path)
        whole(exchange)

    server.script("/a.mp4", [remove_and_answer])

    with pytest.raises(TransferInterruptedError, match="somebody else"):
        tries.fetch(server.url("/a.mp4"))


def test_f85_a_part_that_somebody_shortened_is_not_filled_up_with_zeros(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    tries = resumed(_BODY, origin, tmp_path, have=_SIZE)
    os.truncate(tries.part.path, 10)

    with pytest.raises(TransferInterruptedError, match="shortened"):
        tries.fetch(server.url("/a.mp4"))


def test_f05_what_lies_behind_the_sound_bytes_is_dropped(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    tries = resumed(_BODY, origin, tmp_path)
    with tries.part.path.open("ab") as file:
        file.write(b"\x00" * _SIZE)

    tries.fetch(server.url("/a.mp4"))

    assert (_BODY, ["bytes=100000-"]) == (tries.part.bytes, server.ranges)


class _PipePart(PlainPart):
    """A part that refuses to be flushed, as one on a failing disk does."""

    def open(self) -> int:
        """Return a pipe's end to write to."""
        reading, writing = os.pipe()
        os.close(reading)
        return writing


def test_f07_a_part_that_could_not_be_flushed_is_not_trusted_again(tmp_path: Path) -> None:
    part = _PipePart(tmp_path / "a.part", b"x")
    opened = OpenPart(part)

    with pytest.raises(OSError, match="Invalid"):
        opened.make_durable()
    opened.close()

    assert (1, False) == (part.restarts, part.path.exists())
