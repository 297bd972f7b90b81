"""A download that was stopped or killed goes on, and nothing that is in place is fetched again."""

import asyncio
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from downloader_cases import Bench, bench_in
from origin import OriginServer, Reply
from origin_faults import cut, drip_head, mute, stall
from transfer_cases import serving, video

from fetcher.archive.memos import Memo
from fetcher.domain.errors import TransferStoppedError
from fetcher.domain.events import FileVerified, GivenUp
from fetcher.domain.status import Evidence, Reason
from fetcher.domain.vendor import Expected
from fetcher.downloader.orders import TryAgain

_BODY = video(5_000_000)
_SIZE = len(_BODY)

_STALL_S = 20.0
"""Seconds after which a line that stands is given up, and long before which a stop has to end."""

server = serving(_BODY)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Yield a bench on which no line is given up by itself while a test runs."""
    with bench_in(tmp_path, stall_s=_STALL_S) as ready:
        yield ready


async def test_f08_a_stop_keeps_the_part_and_the_next_run_goes_on(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [stall(3_000_000)])
    stopping = asyncio.create_task(bench.download(server.url("/a.mp4")))
    await bench.part_of(2 << 20)
    began = time.monotonic()

    bench.downloader.stop()
    with pytest.raises(TransferStoppedError):
        await stopping
    assert time.monotonic() - began < _STALL_S / 2
    bench.begin_anew()
    await bench.parts.scan()
    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    kept = _SIZE - verdict.fetched
    assert 2 << 20 <= kept <= 3_000_000
    assert [None, f"bytes={kept}-"] == server.ranges
    assert _BODY == bench.file.read_bytes()


@pytest.mark.parametrize("reply", [mute, drip_head])
async def test_f08_a_stop_does_not_wait_for_an_origin_that_has_not_answered(
    server: OriginServer, bench: Bench, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])
    stopping = asyncio.create_task(bench.download(server.url("/a.mp4")))
    await asyncio.sleep(0.3)
    began = time.monotonic()

    bench.downloader.stop()

    with pytest.raises(TransferStoppedError):
        await stopping
    assert time.monotonic() - began < _STALL_S / 2


async def test_after_a_stop_nothing_is_begun(server: OriginServer, bench: Bench) -> None:
    bench.downloader.stop()

    with pytest.raises(TransferStoppedError):
        await bench.download(server.url("/a.mp4"))

    assert [] == server.requests


async def test_a_cancelled_download_has_let_go_of_everything_when_it_ends(
    server: OriginServer, bench: Bench
) -> None:
    """A thread that wrote on, into a buffer that the next transfer uses, would mix up two files."""
    server.script("/a.mp4", [stall(3_000_000)])
    download = asyncio.create_task(bench.download(server.url("/a.mp4")))
    await bench.part_of(2 << 20)

    download.cancel()
    with pytest.raises(asyncio.CancelledError):
        await download

    assert (1, {}) == (len(bench.workshop.buffers), bench.downloader.running)
    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


@pytest.mark.parametrize("sent", [0, 1, 1 << 20, 3_000_000, _SIZE - 1])
async def test_f01_what_a_dead_run_left_is_gone_on_with(server: OriginServer, bench: Bench, sent: int) -> None:
    server.script("/a.mp4", [cut(sent)])
    assert isinstance(await bench.download(server.url("/a.mp4")), TryAgain)
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert (_SIZE - sent, _BODY) == (verdict.fetched, bench.file.read_bytes())
    bench.parts.drop(7)
    assert [] == bench.left


async def test_f02_a_whole_part_is_verified_and_placed_without_the_network(
    server: OriginServer, bench: Bench
) -> None:
    await bench.download(server.url("/a.mp4"))
    os.unlink(bench.file)
    _forget_digest(bench)
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert (1, 0, _BODY) == (len(server.requests), verdict.fetched, bench.file.read_bytes())


def _forget_digest(bench: Bench) -> None:
    (path,) = bench.home.parts.glob("*.memo")
    memo = msgspec.json.decode(path.read_bytes(), type=Memo)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(memo, sha256=None)))


@pytest.mark.parametrize("size", [1000, _SIZE])
async def test_f03_a_file_that_was_placed_but_not_recorded_is_adopted(
    server: OriginServer, bench: Bench, size: int
) -> None:
    body = _BODY[:size]
    await bench.download(server.add("/a.mp4", body))
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert (True, hashlib.sha256(body).hexdigest()) == (verdict.adopted, verdict.sha256)
    assert 1 == len(server.requests)
    bench.parts.drop(7)
    assert ([], body) == (bench.left, bench.file.read_bytes())


async def test_f03_without_hard_links_a_placed_file_is_known_by_its_digest(
    server: OriginServer, bench: Bench
) -> None:
    """There the part itself has become the file; the memo beside it stayed."""
    await bench.download(server.url("/a.mp4"))
    (part,) = bench.home.parts.glob("*.part")
    part.unlink()
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert (True, Evidence.SIZE, 1) == (verdict.adopted, verdict.evidence, len(server.requests))


async def test_f03_a_placed_file_that_has_rotted_since_is_not_adopted_nor_changed(
    server: OriginServer, bench: Bench
) -> None:
    await bench.download(server.url("/a.mp4"))
    with bench.file.open("r+b") as file:
        file.write(b"rot")
    rotten = bench.file.read_bytes()
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(server.url("/a.mp4"))

    assert not isinstance(verdict, FileVerified)
    assert (rotten, [_BODY]) == (bench.file.read_bytes(), bench.quarantined)


@pytest.mark.parametrize("harm", [b"", b"cut", b"rot"])
async def test_f03_a_little_file_without_memo_is_adopted_only_where_nothing_polyv_says_speaks_against_it(
    server: OriginServer, bench: Bench, harm: bytes
) -> None:
    """Cut, or of another MD5, since it was placed: it is fetched once more, compared, and left to a person."""
    body = _BODY[:1000]
    said = Expected(size=1000, md5=hashlib.md5(body).hexdigest() if harm == b"rot" else None)
    url = server.add("/a.mp4", body)
    await bench.download(url, expected=said)
    if harm:
        bench.file.write_bytes(body[:900] if harm == b"cut" else harm + body[3:])
    there = bench.file.read_bytes()
    bench.begin_anew()
    await bench.parts.scan()

    verdict = await bench.download(url, expected=said)

    assert there == bench.file.read_bytes()
    if harm:
        assert isinstance(verdict, GivenUp)
        assert (Reason.CONFLICT, [body]) == (verdict.reason, bench.quarantined)
    else:
        assert isinstance(verdict, FileVerified)
        assert (True, Evidence.SIZE, 1) == (verdict.adopted, verdict.evidence, len(server.requests))


@pytest.mark.parametrize("size", [1000, _SIZE])
async def test_f106_a_placed_file_that_was_moved_before_it_was_recorded_is_not_written_into(
    server: OriginServer, bench: Bench, size: int
) -> None:
    body = _BODY[:size]
    await bench.download(server.add("/a.mp4", body))
    moved = bench.file.rename(bench.home.root / "moved-by-a-person.mp4")
    bench.begin_anew()
    await bench.parts.scan()
    server.files["/a.mp4"].body = video(size, seed=9)

    await bench.download(server.url("/a.mp4"))

    assert body == moved.read_bytes()
