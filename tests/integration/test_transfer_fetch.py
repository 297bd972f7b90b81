"""One try at one file against an origin that misbehaves: the faults of its length and its ranges, on both paths."""

import hashlib
from pathlib import Path

import pytest
from origin import Behaviour, OriginServer, Reply
from origin_faults import (
    chunked,
    cut,
    redirect,
    reset,
    short_range,
    stall,
    unranged,
    until_close,
    whole,
    with_headers,
)
from path_cases import serving_by_all
from transfer_cases import Try, resumed, video

from fetcher.domain.errors import (
    AnswerMismatchError,
    NotAVideoError,
    ObjectChangedError,
    RangeMismatchError,
    TransferError,
    TransferInterruptedError,
)
from fetcher.domain.status import Evidence
from fetcher.transfer.origin import Origin
from fetcher.transfer.progress import SLIGHT

_BODY = video(250_000)
_SIZE = len(_BODY)
_ETAG = f'"{hashlib.md5(_BODY).hexdigest()}"'

server, origin = serving_by_all(_BODY)


@pytest.mark.parametrize("reply", [cut(100_000), reset(100_000), stall(100_000)])
def test_f12_f46_a_broken_body_is_gone_on_with(server: OriginServer, tries: Try, reply: Reply) -> None:
    server.script("/a.mp4", [reply])
    with pytest.raises(TransferInterruptedError):
        tries.fetch(server.url("/a.mp4"))
    have = len(tries.part.bytes)

    tries.go_on(server.url("/a.mp4"))

    assert _BODY == tries.part.bytes
    assert [None, f"bytes={have}-"] == server.ranges
    assert _ETAG == server.requests[1].headers["if-range"]
    assert _SIZE == tries.meter.fetched


def test_f13_a_body_without_a_length_is_asked_for_again_as_a_range(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [until_close(100_000)])

    tries.fetch(server.url("/a.mp4"))

    assert (_BODY, [None, "bytes=0-"]) == (tries.part.bytes, server.ranges)


def test_f13_where_no_size_is_to_be_had_nothing_is_called_whole(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [unranged(until_close(9))] * 2)

    with pytest.raises(AnswerMismatchError, match="no size"):
        tries.fetch(server.url("/a.mp4"))


def test_f13_a_cut_without_a_length_is_noticed_by_the_size_known_before(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/a.mp4", [unranged(until_close(7))])

    with pytest.raises(TransferInterruptedError, match="ended at 7 of"):
        resumed(_BODY, origin, tmp_path).fetch(server.url("/a.mp4"))


def test_f14_more_bytes_than_the_file_has_are_never_called_whole(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.files["/a.mp4"].body = _BODY + b"more"
    server.script("/a.mp4", [unranged(chunked())])

    with pytest.raises(RangeMismatchError):
        resumed(_BODY, origin, tmp_path).fetch(server.url("/a.mp4"))


def test_f15_a_chunked_body_is_whole_and_its_evidence_is_honest(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [chunked()])

    fetched = tries.fetch(server.url("/a.mp4"))

    assert (_BODY, Evidence.NONE) == (tries.part.bytes, fetched.proof.evidence)


def test_f15_a_broken_chunk_is_no_part_of_the_file(server: OriginServer, tries: Try) -> None:
    server.script("/a.mp4", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxx\r\n"])

    with pytest.raises(AnswerMismatchError):
        tries.fetch(server.url("/a.mp4"))


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        pytest.param({"content_range": f"bytes 99999-{_SIZE - 1}/{_SIZE}"}, RangeMismatchError, id="F16"),
        pytest.param({"content_range": f"bytes 100001-{_SIZE - 1}/{_SIZE}"}, RangeMismatchError, id="F17"),
        pytest.param({"content_range": f"bytes 100000-{_SIZE - 1}/{_SIZE + 1}"}, ObjectChangedError, id="F18"),
        pytest.param({"content_range": None}, RangeMismatchError, id="F19 none"),
        pytest.param({"content_range": f"items 100000-{_SIZE - 1}/{_SIZE}"}, RangeMismatchError, id="F19 unit"),
        pytest.param(
            {"content_range": None, "content_type": "multipart/byteranges; boundary=x"},
            RangeMismatchError,
            id="F19",
        ),
        pytest.param({"etag": '"other"'}, ObjectChangedError, id="F23"),
        pytest.param({"content_encoding": "gzip"}, NotAVideoError, id="F26"),
        pytest.param({"content_length": "9223372036854775807"}, RangeMismatchError, id="F28 giant"),
    ],
)
def test_a_partial_answer_that_does_not_fit_leaves_the_part_as_it_was(
    *,
    server: OriginServer,
    origin: Origin,
    tmp_path: Path,
    changed: dict[str, str | None],
    kind: type[TransferError],
) -> None:
    """F16, F17, F18, F19, F23, F26, F28."""
    server.script("/a.mp4", [with_headers(**changed)])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(kind):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:100_000] == tries.part.bytes


def test_f20_a_short_range_is_kept_and_the_rest_is_asked_for(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/a.mp4", [short_range(10_000), short_range(1)])
    tries = resumed(_BODY, origin, tmp_path)

    tries.fetch(server.url("/a.mp4"))

    assert _BODY == tries.part.bytes
    assert ["bytes=100000-", "bytes=110000-", "bytes=110001-"] == [
        f"{asked.partition('-')[0]}-" for asked in server.ranges if asked
    ]


def test_f20_an_origin_that_gives_a_few_bytes_each_time_is_left_alone_for_a_while(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    """What it gave is kept, and the file is whole once it behaves."""
    server.script("/a.mp4", [short_range(10)] * 1000)
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(TransferInterruptedError, match="8 answers in a row ended after a few bytes"):
        tries.fetch(server.url("/a.mp4"))
    assert (_BODY[:100_080], 8) == (tries.part.bytes, len(server.requests))
    server.forget("/a.mp4")
    tries.go_on(server.url("/a.mp4"))

    assert (_BODY, 9) == (tries.part.bytes, len(server.requests))


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([SLIGHT] * 15, id="slices"),
        pytest.param([*[1] * 7, SLIGHT, *[1] * 7, SLIGHT, *[1] * 7], id="few bytes now and then"),
    ],
)
def test_f20_an_origin_that_gives_a_file_in_slices_is_asked_for_all_of_them(
    server: OriginServer, origin: Origin, tmp_path: Path, sizes: list[int]
) -> None:
    body = video(16 * SLIGHT, seed=3)
    url = server.add("/b.mp4", body)
    server.script("/b.mp4", [short_range(size) for size in sizes])
    tries = resumed(body, origin, tmp_path, have=100)

    tries.fetch(url)

    assert (body, len(sizes) + 1) == (tries.part.bytes, len(server.requests))


@pytest.mark.parametrize("reply", [whole, redirect("/b.mp4")])
def test_f21_f44_a_whole_file_in_place_of_a_range_replaces_the_part(
    server: OriginServer, origin: Origin, tmp_path: Path, reply: Behaviour
) -> None:
    other = video(_SIZE, seed=2)
    server.files["/a.mp4"].body = other
    server.add("/b.mp4", other)
    server.script("/a.mp4", [reply])
    server.script("/b.mp4", [whole])
    tries = resumed(_BODY, origin, tmp_path)

    fetched = tries.fetch(server.url("/a.mp4"))

    assert (other, 1) == (tries.part.bytes, tries.part.restarts)
    assert hashlib.sha256(other).hexdigest() == fetched.digests["sha256"]


def test_f23_a_changed_file_comes_whole_because_if_range_asks_so(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    other = video(_SIZE + 5, seed=2)
    url = server.add("/a.mp4", other)
    tries = resumed(_BODY, origin, tmp_path)

    tries.fetch(url)

    assert (other, ["bytes=100000-"]) == (tries.part.bytes, server.ranges)
