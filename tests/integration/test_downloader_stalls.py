"""A line that stands or drips, a power cut, a full house: what a download does beside moving bytes."""

import asyncio
import itertools
import os
import threading
import time
from pathlib import Path

import msgspec
import pytest
from downloader_cases import AT, Bench, bench_in
from origin import OriginServer, Reply
from origin_faults import cut, drip, drip_head, mute, stall
from transfer_cases import open_descriptors, serving, video

from fetcher.archive.memos import Memo
from fetcher.archive.part import Part
from fetcher.domain.errors import StorageError, TransferStoppedError
from fetcher.domain.events import FileVerified
from fetcher.downloader.orders import TryAgain
from fetcher.transfer.pace import Pace

_BODY = video(5_000_000)
_SIZE = len(_BODY)

server = serving(_BODY)


async def test_f46_a_line_that_stands_is_given_up_and_the_part_kept(server: OriginServer, tmp_path: Path) -> None:
    server.script("/a.mp4", [stall(3_000_000)])
    with bench_in(tmp_path, stall_s=1.5) as bench:
        verdict = await bench.download(server.url("/a.mp4"))
        again = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert "bytes a second" in verdict.detail
    assert isinstance(again, FileVerified)
    kept = _SIZE - again.fetched
    assert 2 << 20 <= kept <= 3_000_000, "all but what was in the buffer, on a machine that was busy"
    assert [None, f"bytes={kept}-"] == server.ranges


@pytest.mark.parametrize("reply", [drip(3_000_000), drip_head, mute])
async def test_f45_a_drip_is_given_up_although_it_never_runs_into_a_time_out(
    server: OriginServer, tmp_path: Path, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])
    with bench_in(tmp_path, stall_s=0.6) as bench:
        began = time.monotonic()
        verdict = await bench.download(server.url("/a.mp4"))

        assert isinstance(verdict, TryAgain)
        assert time.monotonic() - began < 20
        assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


async def test_a_limited_rate_is_no_stall(server: OriginServer, tmp_path: Path) -> None:
    server.files["/a.mp4"].body = _BODY[:200]
    with bench_in(tmp_path, stall_s=0.3) as bench:
        bench.downloader._pace = Pace(100)

        assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


async def test_f05_what_has_come_is_made_durable_now_and_then(server: OriginServer, tmp_path: Path) -> None:
    server.script("/a.mp4", [stall(3_000_000)])
    with bench_in(tmp_path, stall_s=2.0, checkpoint=1 << 20) as bench:
        await bench.download(server.url("/a.mp4"))

        (memo,) = bench.home.parts.glob("*.memo")
        noted = msgspec.json.decode(memo.read_bytes(), type=Memo)
        assert 2 << 20 <= noted.synced <= 3_000_000
        after_power_cut = msgspec.structs.replace(noted, boot_id="another boot", synced=1_000_000)
        memo.write_bytes(msgspec.json.encode(after_power_cut))
        bench.begin_anew()
        await bench.parts.scan()
        verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert (_SIZE - 1_000_000, "bytes=1000000-") == (verdict.fetched, server.ranges[-1])


async def test_f05_a_second_power_cut_costs_no_more_than_the_first(server: OriginServer, bench: Bench) -> None:
    """What was durable stays so when the part goes on."""
    server.script("/a.mp4", [cut(3_000_000), cut(500_000)])
    await bench.download(server.url("/a.mp4"))
    (memo,) = bench.home.parts.glob("*.memo")
    noted = msgspec.json.decode(memo.read_bytes(), type=Memo)
    memo.write_bytes(msgspec.json.encode(msgspec.structs.replace(noted, boot_id="another", synced=1_000_000)))
    bench.begin_anew()
    await bench.parts.scan()

    await bench.download(server.url("/a.mp4"))

    assert 1_000_000 == msgspec.json.decode(memo.read_bytes(), type=Memo).synced


async def test_f79_a_memo_that_cannot_be_written_ends_the_transfer(server: OriginServer, bench: Bench) -> None:
    """Unwatched it could hang for ever."""
    server.script("/a.mp4", [drip(3_000_000)])
    part = Part(bench.home.parts, 7, "0123abcd", None)
    os.mkdir(bench.home.parts / "7-0123abcd.memo~")
    bench.parts.keep(7, part)

    with pytest.raises(StorageError):
        await asyncio.wait_for(bench.download(server.url("/a.mp4")), 30)


async def test_many_downloads_at_once_mix_up_nothing_and_leave_no_descriptor(
    server: OriginServer, bench: Bench
) -> None:
    bodies = {number: video(1_200_000 + number, seed=number) for number in range(12)}
    urls = {number: server.add(f"/{number}.mp4", body) for number, body in bodies.items()}
    for number in (1, 5, 7):
        server.script(f"/{number}.mp4", [cut(700_000)])
    await bench.download(server.url("/a.mp4"))
    before = open_descriptors()

    async def until_done(number: int) -> None:
        verdict = None
        while not isinstance(verdict, FileVerified):
            verdict = await bench.download(urls[number], path=f"n/{number}.mp4", video_id=number, vid=f"v{number}")

    await asyncio.gather(*(until_done(number) for number in bodies))

    for number, body in bodies.items():
        assert body == (bench.home.root / "n" / f"{number}.mp4").read_bytes()
    assert len(bench.workshop.buffers) <= 4
    bench.workshop.origin.close()
    server.break_connections()
    until = time.monotonic() + 5
    while open_descriptors() > before:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


async def test_the_event_loop_stays_awake_while_bytes_move(server: OriginServer, bench: Bench) -> None:
    beats, ending = [time.monotonic()], threading.Event()

    async def beat() -> None:
        while not ending.is_set():
            beats.append(time.monotonic())
            await asyncio.sleep(0.01)

    beating = asyncio.create_task(beat())
    await bench.download(server.url("/a.mp4"), path=AT)
    ending.set()
    await beating

    assert max(later - sooner for sooner, later in itertools.pairwise(beats)) < 0.5


async def test_a_stop_opens_no_connection(server: OriginServer, bench: Bench) -> None:
    """A kept connection that an abort has closed is not taken for one that the origin let go of."""
    small = server.add("/small.mp4", _BODY[:20_000])
    await bench.download(small, path="1.mp4", video_id=1, vid="v1")
    server.script("/small.mp4", [mute])
    waiting = asyncio.create_task(bench.download(small, path="2.mp4", video_id=2, vid="v2"))
    while len(server.requests) < 2:
        assert not waiting.done()
        await asyncio.sleep(0.01)
    bench.downloader.stop()
    with pytest.raises(TransferStoppedError):
        await asyncio.wait_for(waiting, 5)

    assert (2, 1) == (len(server.requests), server.connections)


async def test_a_stop_breaks_off_the_reading_of_a_placed_file(server: OriginServer, bench: Bench) -> None:
    """It is adopted by the next run."""
    for number in range(8):
        part = bench.home.parts / f"{number}-0123abcd.part"
        with part.open("wb") as file:
            file.truncate(1 << 30)
        os.link(part, bench.home.root / f"{number}.mp4")
    await bench.parts.scan()
    waiting = [
        asyncio.create_task(
            bench.download(server.url("/a.mp4"), path=f"{number}.mp4", video_id=number, vid=f"v{number}")
        )
        for number in range(8)
    ]
    await asyncio.sleep(0.1)
    bench.downloader.stop()
    results = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 30)

    assert all(isinstance(result, TransferStoppedError) for result in results)
    assert [] == server.requests
