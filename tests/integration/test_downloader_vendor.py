"""What a download says where Polyv's word and the origin's differ, or the origin's is missing."""

import hashlib
from pathlib import Path

import pytest
from downloader_cases import Bench, bench_in
from origin import Exchange, OriginServer, Reply
from origin_faults import cut
from transfer_cases import serving, video

from fetcher.domain.events import FileVerified, GivenUp
from fetcher.domain.status import Evidence, Reason
from fetcher.domain.vendor import Expected, Mismatch
from fetcher.downloader.orders import TryAgain

_BODY = video(3_000_000)
_SIZE = len(_BODY)
_SHA256 = hashlib.sha256(_BODY).hexdigest()
_MD5 = hashlib.md5(_BODY).hexdigest()
_AGREES, _SHORTER, _LONGER = (Expected(size=_SIZE + more) for more in (0, 1, -1))
_OTHER_MD5 = Expected(md5="0" * 32)

server = serving(_BODY)


def _endless(size: int | None) -> Reply:
    """Answer whole, without a length or a frame, whatever range is asked for; break off after *size* bytes."""

    def reply(exchange: Exchange) -> None:
        exchange.head(200, {"Connection": "close"})
        exchange.conn.sendall(_BODY[:size])
        exchange.keeps = False

    return reply


async def test_f13_where_the_origin_tells_no_size_polyvs_decides(server: OriginServer, bench: Bench) -> None:
    """F13: a cut could not be told from the end otherwise."""
    server.script("/a.mp4", [_endless(None), _endless(1_000_000), _endless(None), _endless(None)])

    first = await bench.download(server.url("/a.mp4"), expected=_AGREES)
    second = await bench.download(server.url("/a.mp4"), expected=_AGREES)

    assert isinstance(first, TryAgain)
    assert f"ended at 1000000 of {_SIZE} bytes" in first.detail
    assert isinstance(second, FileVerified)
    assert (Evidence.SIZE, ("size:polyv",), _BODY) == (second.evidence, second.agreed, bench.file.read_bytes())


async def test_f14_more_than_polyv_says_from_an_origin_that_tells_no_size_ends_soon(
    server: OriginServer, bench: Bench
) -> None:
    """F14: nothing is published, and nothing fetched a third time."""
    server.script("/a.mp4", [_endless(None)] * 9)

    verdict = await bench.download(server.url("/a.mp4"), expected=_LONGER)

    assert isinstance(verdict, GivenUp)
    assert (Reason.MISMATCH, [], False) == (verdict.reason, bench.quarantined, bench.file.exists())
    assert 4 == len(server.requests)


async def test_f13_a_chunked_body_shorter_than_polyv_says_is_fetched_once_more(
    server: OriginServer, bench: Bench
) -> None:
    """F13: somebody in between may have put an end to it."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    short = head + b"%x\r\n%b\r\n0\r\n\r\n" % (1000, _BODY[:1000])
    server.script("/a.mp4", [short])

    first = await bench.download(server.url("/a.mp4"), expected=_AGREES)

    assert isinstance(first, TryAgain)
    assert hashlib.sha256(_BODY[:1000]).hexdigest() == first.differed
    second = await bench.download(server.url("/a.mp4"), expected=_AGREES, differed=first.differed)
    assert isinstance(second, FileVerified)
    assert (("size:polyv", "size:origin"), _BODY) == (second.agreed, bench.file.read_bytes())


async def test_a_size_that_differs_is_told_before_a_byte_is_fetched(tmp_path: Path, server: OriginServer) -> None:
    """Where nothing would be kept of it."""
    with bench_in(tmp_path, mismatch=Mismatch.FAIL) as bench:
        verdict = await bench.download(server.url("/a.mp4"), expected=_SHORTER)

    assert isinstance(verdict, GivenUp)
    assert (Reason.MISMATCH, 2) == (verdict.reason, len(server.requests))
    assert f"Polyv says {_SIZE + 1} bytes, the origin tells {_SIZE}" in verdict.detail


async def test_a_part_survives_an_answer_about_another_size(server: OriginServer, bench: Bench) -> None:
    """It is a page, and tells nothing of the file: the next try goes on where the part ends."""
    server.script("/a.mp4", [cut(2_000_000)])
    await bench.download(server.url("/a.mp4"), expected=_AGREES)
    page = b'HTTP/1.1 200 OK\r\nETag: "p"\r\nContent-Length: 9\r\nConnection: close\r\n\r\n<html>no '
    server.script("/a.mp4", [page])

    page_came = await bench.download(server.url("/a.mp4"), expected=_AGREES)
    verdict = await bench.download(server.url("/a.mp4"), expected=_AGREES)

    assert isinstance(page_came, TryAgain)
    assert page_came.is_intercepted
    assert isinstance(verdict, FileVerified)
    assert (_SIZE - 2_000_000, _BODY) == (verdict.fetched, bench.file.read_bytes())


async def test_f30_one_copy_is_kept_while_the_second_is_fetched_and_no_two_of_the_same(
    server: OriginServer, bench: Bench
) -> None:
    """F30: the link may die meanwhile."""
    first = await bench.download(server.url("/a.mp4"), expected=_OTHER_MD5)
    kept = bench.quarantined
    second = await bench.download(server.url("/a.mp4"), expected=_OTHER_MD5, differed=_SHA256)

    assert isinstance(first, TryAgain)
    assert ([_BODY], _SHA256) == (kept, first.differed)
    assert isinstance(second, GivenUp)
    assert (Reason.MISMATCH, [_BODY], 2) == (second.reason, bench.quarantined, len(server.requests))
    assert f"its MD5 is {_MD5}, Polyv says {'0' * 32}; the same came twice" in second.detail


async def test_f30_what_is_kept_after_all_leaves_no_copy(tmp_path: Path, server: OriginServer) -> None:
    """F30: and the row says how it differs."""
    with bench_in(tmp_path, mismatch=Mismatch.KEEP) as bench:
        await bench.download(server.url("/a.mp4"), expected=_OTHER_MD5)
        verdict = await bench.download(server.url("/a.mp4"), expected=_OTHER_MD5, differed=_SHA256)

        assert isinstance(verdict, FileVerified)
        assert (_BODY, []) == (bench.file.read_bytes(), bench.quarantined)
    assert f"its MD5 is {_MD5}, Polyv says {'0' * 32}" == verdict.difference
    assert (Evidence.SIZE, ("size:origin",)) == (verdict.evidence, verdict.agreed)


@pytest.mark.parametrize("mismatch", Mismatch)
async def test_polyvs_md5_outweighs_its_size(tmp_path: Path, server: OriginServer, mismatch: Mismatch) -> None:
    """The bytes are the ones that were uploaded, so it is the number that is wrong."""
    with bench_in(tmp_path, mismatch=mismatch) as bench:
        verdict = await bench.download(server.url("/a.mp4"), expected=Expected(size=7, md5=_MD5))

    assert isinstance(verdict, FileVerified)
    assert (Evidence.MD5, ("md5:polyv", "size:origin")) == (verdict.evidence, verdict.agreed)


async def test_a_part_that_was_begun_without_polyvs_md5_is_compared_with_it(
    server: OriginServer, bench: Bench
) -> None:
    """It came while the part waited."""
    server.script("/a.mp4", [cut(2_000_000)])
    await bench.download(server.url("/a.mp4"))

    verdict = await bench.download(server.url("/a.mp4"), expected=Expected(md5=_MD5))

    assert isinstance(verdict, FileVerified)
    assert (Evidence.MD5, _SIZE - 2_000_000) == (verdict.evidence, verdict.fetched)
