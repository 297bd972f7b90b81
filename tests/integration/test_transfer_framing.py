"""Where a body begins and ends, told wrongly: on the bulk path and on the ordinary one."""

import hashlib
import threading
import time
from pathlib import Path

import fastcrc
import pytest
from origin import Behaviour, OriginServer
from origin_faults import chunked, reset, stall, status, then_stray, unranged, whole, with_headers
from path_cases import serving_by_all
from transfer_cases import PlainPart, Try, fetched, origin_here, resumed, video

from fetcher.domain.errors import (
    AnswerMismatchError,
    IntegrityError,
    NotAVideoError,
    ObjectChangedError,
    RangeMismatchError,
    TransferError,
    TransferInterruptedError,
    TransferStoppedError,
)
from fetcher.domain.status import Evidence
from fetcher.transfer.origin import Origin

_BODY = video(250_000)
_SIZE = len(_BODY)

server, origin = serving_by_all(_BODY)


@pytest.mark.parametrize("size", [10, _SIZE])
@pytest.mark.parametrize(
    "stray", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n\x00\x00\x00\x18ftypwrong!!!"]
)
def test_f14_what_follows_the_announced_length_is_of_no_file(
    *, server: OriginServer, origin: Origin, tmp_path: Path, size: int, stray: bytes
) -> None:
    """Neither of this one nor of the next."""
    server.files["/a.mp4"].body = _BODY[:size]
    server.add("/b.mp4", _BODY)
    server.script("/a.mp4", [then_stray(stray)])

    assert _BODY[:size] == fetched(origin, server.url("/a.mp4"), tmp_path)
    assert _BODY == fetched(origin, server.url("/b.mp4"), tmp_path)


@pytest.mark.parametrize(
    "stray", [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n\x00\x00\x00\x18ftypwrong!!!"]
)
def test_f14_f15_what_follows_the_last_chunk_is_of_no_file(
    server: OriginServer, origin: Origin, tmp_path: Path, stray: bytes
) -> None:
    server.add("/b.mp4", _BODY[::-1])
    server.files["/b.mp4"].body = _BODY
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n%b\r\n0\r\n\r\n%b" % (_BODY[:16], stray)
    server.script("/a.mp4", [lambda exchange: exchange.conn.sendall(raw)])

    assert _BODY[:16] == fetched(origin, server.url("/a.mp4"), tmp_path)
    assert _BODY == fetched(origin, server.url("/b.mp4"), tmp_path)


@pytest.mark.parametrize(
    "chunks",
    [
        b"-10\r\n%b\r\n0\r\n\r\n",
        b"0x10\r\n%b\r\n0\r\n\r\n",
        b"1_0\r\n%b\r\n0\r\n\r\n",
        b"\r\n%b\r\n0\r\n\r\n",
        b"10\r\n%bXY0\r\n\r\n",
        b"f\r\n%b\r\n0\r\n\r\n",
        b"10\r\n%b\r\n",
        b"10\r\n%b\r\n0\r\n",
        b"10\r\n%b\r\n0\r\nX: y",
        b"10\r\n%b\r\n0\r\nno trailer\r\n\r\n",
        b"ffffffffffffffffffffffff\r\n%b",
    ],
)
def test_f15_chunks_that_are_not_to_the_letter_never_make_a_file(
    server: OriginServer, tries: Try, chunks: bytes
) -> None:
    """What is kept of them is a beginning of the file."""
    server.script("/a.mp4", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks % _BODY[:16]])

    with pytest.raises((TransferInterruptedError, AnswerMismatchError)):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:16].startswith(tries.part.bytes)


@pytest.mark.parametrize("size", [b"11", b"f"])
def test_f15_a_chunk_that_lies_about_its_size_leaves_no_part_to_go_on_with(
    server: OriginServer, tries: Try, size: bytes
) -> None:
    """A byte of the frame may have been taken for one of the file's."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.script("/a.mp4", [head + b"%b\r\n%b\r\n0\r\n\r\n" % (size, _BODY[:16])])

    with pytest.raises(AnswerMismatchError):
        tries.fetch(server.url("/a.mp4"))


def test_f15_chunks_with_extensions_and_trailers_are_one_file(server: OriginServer, tries: Try) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.script(
        "/a.mp4", [head + b'A;x=1\r\n%b\r\n6;y="z"\r\n%b\r\n0;end\r\nX: y\r\n\r\n' % (_BODY[:10], _BODY[10:16])]
    )

    fetched = tries.fetch(server.url("/a.mp4"))

    assert (_BODY[:16], Evidence.NONE) == (tries.part.bytes, fetched.proof.evidence)


def test_f22_a_200_with_a_content_range_is_neither_the_whole_nor_a_part(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [with_headers(content_range=f"bytes 0-{_SIZE - 1}/{_SIZE}")])

    with pytest.raises(RangeMismatchError):
        tries.fetch(server.url("/a.mp4"))

    assert b"" == tries.part.bytes


def test_f22_a_whole_file_of_another_size_under_the_same_validator_leaves_the_part_as_it_was(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.files["/a.mp4"].body = _BODY + b"more"
    server.script("/a.mp4", [whole])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(ObjectChangedError):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:100_000] == tries.part.bytes


_MOMENT = "Sat, 01 Jan 2022 00:00:00 GMT"


def test_f24_a_weak_validator_is_not_sent_and_the_moment_decides(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    url = server.add("/a.mp4", _BODY, etag='W/"1"')
    server.files["/a.mp4"].last_modified = _MOMENT
    tries = resumed(_BODY, origin, tmp_path, etag='W/"1"', last_modified=_MOMENT)

    tries.fetch(url)

    assert (_BODY, ["bytes=100000-"]) == (tries.part.bytes, server.ranges)
    assert "if-range" not in server.requests[0].headers


@pytest.mark.parametrize("etag", ['W/"1"', '"视频"', '"a b"', "bare", '"a\x01"', None])
def test_f24_a_part_that_nothing_proves_the_rest_of_is_begun_anew(
    server: OriginServer, origin: Origin, tmp_path: Path, etag: str | None
) -> None:
    """A weak validator, one that is none, none at all: two versions may have the same size."""
    tries = resumed(b"\1" * _SIZE, origin, tmp_path, etag=etag)
    server.add("/a.mp4", _BODY, etag=etag if etag == 'W/"1"' else None)

    tries.fetch(server.url("/a.mp4"))

    assert (_BODY, [None]) == (tries.part.bytes, server.ranges)
    assert "if-range" not in server.requests[0].headers


@pytest.mark.parametrize("etag", ['W/"1"', None])
def test_f24_a_rest_without_the_validator_of_its_beginning_is_not_appended(
    server: OriginServer, origin: Origin, tmp_path: Path, etag: str | None
) -> None:
    """The same size, and bytes of who knows which version."""
    server.script("/a.mp4", [status(206, _BODY[100_000:], Content_Range=f"bytes 100000-{_SIZE - 1}/{_SIZE}")])
    tries = resumed(_BODY, origin, tmp_path, etag='"1"')
    server.files["/a.mp4"].etag = etag

    with pytest.raises(RangeMismatchError, match="nothing proves"):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:100_000] == tries.part.bytes


def test_f24_a_digest_that_was_announced_decides_where_no_validator_can(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    digest = {Evidence.MD5: hashlib.md5(_BODY).hexdigest()}
    server.files["/a.mp4"].etag = None
    sound = resumed(_BODY, origin, tmp_path, etag=None, announced=digest)
    sound.fetch(server.url("/a.mp4"))
    mixed = resumed(b"\0\0\0\x18ftyp" + b"\1" * _SIZE, origin, tmp_path, etag=None, announced=digest, size=_SIZE)
    with pytest.raises(IntegrityError):
        mixed.fetch(server.url("/a.mp4"))

    assert ["bytes=100000-"] * 2 == server.ranges


@pytest.mark.parametrize("total", ["bytes */*", f"bytes */{_SIZE + 1}", None])
def test_f25_a_416_that_proves_nothing_is_asked_once_and_calls_nothing_whole(
    server: OriginServer, origin: Origin, tmp_path: Path, total: str | None
) -> None:
    headers = {} if total is None else {"Content_Range": total}
    server.script("/a.mp4", [status(416, b"", **headers)])
    tries = resumed(_BODY, origin, tmp_path, have=_SIZE, size=None)

    with pytest.raises(RangeMismatchError):
        tries.fetch(server.url("/a.mp4"))

    assert 1 == len(server.requests)


def test_f26_a_whole_file_that_comes_encoded_is_no_video(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [with_headers(content_encoding="gzip")])

    with pytest.raises(NotAVideoError, match="encoded"):
        tries.fetch(server.url("/a.mp4"))

    assert b"" == tries.part.bytes


@pytest.mark.parametrize("is_whole", [False, True])
@pytest.mark.parametrize(
    "length", ["-5", "many", "5, 6", "150000\r\nContent-Length: 5", "9223372036854775807", "9" * 40, "1_0"]
)
def test_f28_a_length_that_cannot_be_leaves_the_part_as_it_was(
    *, server: OriginServer, origin: Origin, tmp_path: Path, length: str, is_whole: bool
) -> None:
    """Which of the two errors depends on who sees it first: the parser of the head, or who judges it."""
    wrong = with_headers(content_length=length)
    server.script("/a.mp4", [unranged(wrong) if is_whole else wrong])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(TransferError) as caught:
        tries.fetch(server.url("/a.mp4"))

    assert isinstance(caught.value, RangeMismatchError | TransferInterruptedError)
    assert (_BODY[:100_000], 0) == (tries.part.bytes, tries.meter.fetched)


@pytest.mark.parametrize("reply", [chunked(), whole])
def test_f30_a_file_that_differs_from_its_digest_each_time_is_never_called_whole(
    *, server: OriginServer, tries: Try, reply: Behaviour
) -> None:
    server.add("/a.mp4", _BODY, X_Oss_Hash_Crc64ecma="1")
    server.script("/a.mp4", [reply, reply])

    for _ in range(2):
        with pytest.raises(IntegrityError, match="crc64") as caught:
            tries.fetch(server.url("/a.mp4"))

        assert (str(fastcrc.crc64.xz(_BODY)), "1") == (caught.value.actual, caught.value.expected)


def test_f45_an_abort_breaks_off_a_body_that_stands(server: OriginServer, tmp_path: Path) -> None:
    server.script("/a.mp4", [stall(1000)])
    with origin_here(read_timeout_s=20) as patient:
        tries = Try(patient, PlainPart(tmp_path / "a.part"))
        threading.Timer(0.5, lambda: tries.meter.abort(TransferStoppedError("enough"))).start()
        began = time.monotonic()

        with pytest.raises(TransferStoppedError, match="enough"):
            tries.fetch(server.url("/a.mp4"))

        assert time.monotonic() - began < 10
    assert _BODY[:1000] == tries.part.bytes


def test_f12_a_reset_between_two_reads_is_a_broken_line(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [reset(0), reset(100_000)])

    for _ in range(2):
        with pytest.raises(TransferInterruptedError):
            tries.fetch(server.url("/a.mp4"))

    assert _BODY.startswith(tries.part.bytes)
