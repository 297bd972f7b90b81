"""A login page in place of what a part lacks: on all paths the part survives it, whatever the head says."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import fastcrc
import pytest
from origin import OriginServer
from origin_faults import COLD, LOGIN, cut, instead, whole
from path_cases import serving_by_all
from transfer_cases import Try, resumed, video

from fetcher.domain.errors import InterceptedError, NotAVideoError, RangeMismatchError, TransferInterruptedError
from fetcher.transfer.origin import Origin

_HAVE = 100_000
_BODY = video(250_000)
_SIZE = len(_BODY)
_PAGE = LOGIN + b" " * 5000
_CRC64 = str(fastcrc.crc64.xz(_BODY))
_REST = f"bytes {_HAVE}-{_HAVE + len(_PAGE) - 1}/{_SIZE}"
_NOBODY = {"ETag": None, "Accept-Ranges": None}
"""What a stranger's answer does not name."""

server, origin = serving_by_all(_BODY)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        pytest.param(200, {}, id="200"),
        pytest.param(200, {"Content-Range": None, "ETag": '"page"'}, id="200, another validator"),
        pytest.param(200, {"Content-Length": None, "Content-Range": None}, id="200 without a length"),
        pytest.param(200, {"Content-Range": None, "Content-Length": str(_SIZE)}, id="200, cut, the file's length"),
        pytest.param(206, {"Content-Range": None}, id="206 without a range"),
        pytest.param(206, {"Content-Range": f"bytes 0-{len(_PAGE) - 1}/{len(_PAGE)}"}, id="206, its own range"),
        pytest.param(206, {"Content-Range": _REST}, id="206, a range that fits"),
        pytest.param(206, {"Content-Range": _REST, "x-oss-hash-crc64ecma": _CRC64}, id="206, a digest that fits"),
        pytest.param(200, {"Content-Range": None, "Content-Encoding": "gzip"}, id="encoded"),
    ],
)
def test_f31_a_page_in_place_of_the_rest_leaves_the_part_as_it_was(
    server: OriginServer, origin: Origin, tmp_path: Path, code: int, named: Mapping[str, str | None]
) -> None:
    """And the next answer goes on with it."""
    server.script("/a.mp4", [instead(_PAGE, code, **{**_NOBODY, "Content-Range": None, **named})])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(InterceptedError):
        tries.fetch(server.url("/a.mp4"))
    assert (_BODY[:_HAVE], 0, []) == (tries.part.bytes, tries.part.restarts, tries.heads)

    tries.fetch(server.url("/a.mp4"))
    assert (_BODY, [f"bytes={_HAVE}-"] * 2) == (tries.part.bytes, server.ranges)


@pytest.mark.parametrize("page", [LOGIN, COLD, b'\xef\xbb\xbf {"code": 404}', b"", b"Please log in to go on."])
def test_f31_f32_whatever_a_page_is_made_of_it_replaces_no_part(
    server: OriginServer, origin: Origin, tmp_path: Path, page: bytes
) -> None:
    server.script("/a.mp4", [instead(page, 200, ETag=None, Content_Range=None)])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(InterceptedError):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:_HAVE] == tries.part.bytes


def test_f31_without_a_part_a_page_is_no_video_and_nothing_of_it_is_kept_for_later(
    server: OriginServer, tries: Try
) -> None:
    server.script("/a.mp4", [instead(LOGIN)])

    with pytest.raises(NotAVideoError) as raised:
        tries.fetch(server.url("/a.mp4"))

    assert not isinstance(raised.value, InterceptedError)


def test_f31_a_video_may_hold_a_page_at_the_place_where_it_is_gone_on_with(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    """The validator of the part vouches for it."""
    body = _BODY[:_HAVE] + _PAGE + _BODY[_HAVE:]
    url = server.add("/a.mp4", body)
    tries = resumed(body, origin, tmp_path)

    tries.fetch(url)

    assert (body, 0) == (tries.part.bytes, tries.part.restarts)


def test_f21_a_whole_file_of_a_few_bytes_replaces_the_part(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    """It ends before there is as much as would be looked at."""
    tiny = b"\0\0\0\x10ftypmp42\0\0\0\0"
    url = server.add("/a.mp4", tiny)
    server.script("/a.mp4", [whole])
    tries = resumed(_BODY, origin, tmp_path)

    fetched = tries.fetch(url)

    assert (tiny, hashlib.sha256(tiny).hexdigest()) == (tries.part.bytes, fetched.digests["sha256"])


def test_f12_f21_a_whole_file_that_breaks_off_in_its_first_bytes_costs_no_part(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.files["/a.mp4"].etag = '"new"'
    server.script("/a.mp4", [cut(100)])
    tries = resumed(_BODY, origin, tmp_path)

    with pytest.raises(TransferInterruptedError):
        tries.fetch(server.url("/a.mp4"))

    assert _BODY[:_HAVE] == tries.part.bytes


def test_f19_a_range_that_does_not_fit_is_told_as_that_where_it_is_no_page(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/a.mp4", [instead(_BODY[_HAVE:], Content_Range="bytes 1-150000/250000")])

    with pytest.raises(RangeMismatchError, match="got from byte 1"):
        resumed(_BODY, origin, tmp_path).fetch(server.url("/a.mp4"))
