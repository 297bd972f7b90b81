"""What a download says in the end, for every way in which an origin can answer."""

import asyncio
import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from downloader_cases import AT, NOW, VID, Bench, bench_in, link
from origin import Exchange, OriginServer, Reply
from origin_faults import COLD, EXPIRED, LOGIN, cut, redirect, short_range, status, until_close, with_headers
from transfer_cases import certificate, serving, video

from fetcher.archive.memos import Memo
from fetcher.domain.errors import DiskFullError, StorageError, TransferStoppedError
from fetcher.domain.events import FileVerified, GivenUp, LinkRefused, WindowClosed
from fetcher.domain.status import Evidence, Reason
from fetcher.downloader.crew import Crew
from fetcher.downloader.orders import TryAgain

_BODY = video(3_000_000)
_SIZE = len(_BODY)
_WRONG_CRC = {"X_Oss_Hash_Crc64ecma": "1"}

server = serving(_BODY)


@pytest.mark.parametrize("size", [1, 100_000, _SIZE])
async def test_a_file_is_verified_and_in_place(server: OriginServer, bench: Bench, size: int) -> None:
    body = _BODY[:size] if size > 1 else b"\x01"
    verdict = await bench.download(server.add("/a.mp4", body))

    expected = FileVerified(
        at=NOW,
        path=AT,
        size=size,
        sha256=hashlib.sha256(body).hexdigest(),
        etag=server.files["/a.mp4"].etag,
        evidence=Evidence.SIZE,
        agreed=("size:origin",),
        container="mp4" if size > 1 else "unknown",
        fetched=size,
    )
    assert (expected, body) == (verdict, bench.file.read_bytes())
    bench.parts.drop(7)
    assert ([], {}) == (bench.left, bench.downloader.running)


async def test_only_large_files_have_a_memo(server: OriginServer, bench: Bench) -> None:
    await bench.download(server.add("/small.mp4", _BODY[:1000]), path="small.mp4")
    assert [".part"] == bench.left

    await bench.download(server.url("/a.mp4"), video_id=8)
    assert [".memo", ".part", ".part"] == bench.left


async def test_f83_the_same_bytes_in_place_are_adopted(server: OriginServer, bench: Bench) -> None:
    bench.file.write_bytes(_BODY)

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert verdict.adopted


async def test_f83_other_bytes_in_place_stay_and_so_do_those_that_came(server: OriginServer, bench: Bench) -> None:
    bench.file.write_bytes(b"somebody's")

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, GivenUp)
    assert (Reason.CONFLICT, b"somebody's", [_BODY]) == (
        verdict.reason,
        bench.file.read_bytes(),
        bench.quarantined,
    )
    assert ".fetcher/quarantine/" in verdict.detail


async def test_f34_a_link_refused_in_the_middle_is_renewed_and_the_part_goes_on(
    server: OriginServer, bench: Bench
) -> None:
    """Every byte comes once."""
    server.script("/a.mp4", [cut(2_000_000), EXPIRED])
    first = await bench.download(server.url("/a.mp4?auth_key=old"))
    bench.renewals = [link(server.url("/a.mp4?auth_key=new"))]

    second = await bench.download(server.url("/a.mp4?auth_key=old"))

    assert isinstance(first, TryAgain)
    assert isinstance(second, FileVerified)
    assert (_SIZE - 2_000_000, _BODY) == (second.fetched, bench.file.read_bytes())
    assert [None, "bytes=2000000-", "bytes=2000000-"] == server.ranges
    assert ["auth_key=old", "auth_key=old", "auth_key=new"] == [asked.query for asked in server.requests]


async def test_f36_a_renewed_link_may_lead_elsewhere_if_the_file_is_the_same(
    server: OriginServer, bench: Bench
) -> None:
    server.script("/a.mp4", [cut(2_000_000), EXPIRED])
    await bench.download(server.url("/a.mp4"))
    bench.renewals = [link(server.add("/elsewhere/b.mp4", _BODY))]

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, FileVerified)
    assert _SIZE - 2_000_000 == verdict.fetched


async def test_f36_a_renewed_link_to_another_file_brings_that_one_whole(server: OriginServer, bench: Bench) -> None:
    other = video(_SIZE, seed=2)
    server.script("/a.mp4", [cut(2_000_000), EXPIRED])
    await bench.download(server.url("/a.mp4"))
    bench.renewals = [link(server.add("/b.mp4", other))]

    await bench.download(server.url("/a.mp4"))

    assert other == bench.file.read_bytes()


@pytest.mark.parametrize("is_identical", [True, False])
async def test_f35_a_link_that_cannot_be_renewed_is_told_as_refused_at_once(
    *, server: OriginServer, bench: Bench, is_identical: bool
) -> None:
    server.script("/a.mp4", [EXPIRED] * 3)
    bench.renewals = [link(server.url("/a.mp4"))] if is_identical else []

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, LinkRefused)
    assert "expired" in verdict.detail
    assert (1, 1) == (bench.renewed, len(server.requests))


async def test_f35_a_fresh_link_that_is_refused_at_once_is_not_renewed_again(
    server: OriginServer, bench: Bench
) -> None:
    """It has not expired: the origin does not want us, and asking for more links would not end."""
    server.script("/a.mp4", [EXPIRED] * 30)
    bench.renewals = [link(server.url(f"/a.mp4?auth_key={number}")) for number in range(30)]

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (True, 1, 2) == (verdict.is_denied, bench.renewed, len(server.requests))


async def test_f35_a_fresh_link_that_is_refused_after_a_few_bytes_is_not_renewed_again_either(
    server: OriginServer, bench: Bench
) -> None:
    """A link for each handful of bytes would be thousands of questions to Polyv."""
    server.script("/a.mp4", [cut(2_000_000), EXPIRED, *[short_range(10), EXPIRED] * 30])
    await bench.download(server.url("/a.mp4"))
    bench.renewals = [link(server.url(f"/a.mp4?auth_key={number}")) for number in range(30)]

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (False, 1, 4) == (verdict.is_denied, bench.renewed, len(server.requests))
    server.forget("/a.mp4")
    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


async def test_f35_a_closed_window_needs_a_new_task_and_no_new_link(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [status(403, COLD)])

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, WindowClosed)
    assert 0 == bench.renewed


@pytest.mark.parametrize("code", [401, 404, 410])
async def test_f37_a_file_gone_twice_is_gone(server: OriginServer, bench: Bench, code: int) -> None:
    server.script("/a.mp4", [status(code)] * 2)

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, GivenUp)
    assert (Reason.GONE, 1, 2) == (verdict.reason, bench.renewed, len(server.requests))


async def test_f37_a_file_gone_once_is_fetched_over_a_fresh_link(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [status(404)])
    bench.renewals = [link(server.add("/b.mp4", _BODY))]

    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


async def test_f29_wrong_bytes_twice_are_kept_for_a_person(server: OriginServer, bench: Bench) -> None:
    url = server.add("/a.mp4", _BODY, **_WRONG_CRC)

    verdict = await bench.download(url)

    assert isinstance(verdict, GivenUp)
    assert (Reason.MISMATCH, [_BODY, _BODY]) == (verdict.reason, bench.quarantined)
    assert not bench.file.exists()


class _Recalled(Crew):
    """Does one thing; all that is wanted later is given back for something more urgent."""

    is_used = False

    def do(self, work: Callable[[], Any]) -> asyncio.Future[Any]:
        doing, is_first = super().do(work), not self.is_used
        self.is_used = True
        if not is_first:
            self.recall(TransferStoppedError("something more urgent has come"))
        return doing


async def test_f29_what_came_and_was_wrong_is_kept_whatever_more_urgent_has_come(
    server: OriginServer, bench: Bench
) -> None:
    """Else it was fetched again and again: each time it would be the first that came wrong."""
    (crew := _Recalled(0)).resize(1)
    bench.workshop = dataclasses.replace(bench.workshop, crew=crew)
    bench.begin_anew()

    with pytest.raises(TransferStoppedError):
        await bench.download(server.add("/a.mp4", _BODY, **_WRONG_CRC))
    await asyncio.to_thread(crew.close)

    assert [_BODY] == bench.quarantined


async def test_f29_wrong_bytes_once_are_bad_luck(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [with_headers(**_WRONG_CRC)])

    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)
    assert _BODY == bench.file.read_bytes()


async def test_f23_a_file_that_changes_every_time_is_unstable(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [cut(2_000_000)])
    await bench.download(server.url("/a.mp4"))
    changed = with_headers(content_range=f"bytes 2000000-{_SIZE - 1}/{_SIZE + 1}")
    server.script("/a.mp4", [changed, until_close(), short_range(2_000_000), changed])

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, GivenUp)
    assert (Reason.UNSTABLE, [], False) == (verdict.reason, bench.left, bench.file.exists())


@pytest.mark.parametrize(
    ("reply", "pause"),
    [
        (status(503, Retry_After="7"), 7.0),
        (status(429), None),
        (status(500), None),
        (cut(1000), None),
        (b"", None),
        (status(400), None),
    ],
)
async def test_f52_f54_what_another_try_may_heal_is_left_for_later(
    server: OriginServer, bench: Bench, reply: Reply, pause: float | None
) -> None:
    server.script("/a.mp4", [reply])

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (pause, False) == (verdict.retry_after, verdict.is_suspicious)
    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)


@pytest.mark.parametrize("reply", [status(200, LOGIN), with_headers(content_encoding="gzip"), status(200)])
async def test_f31_what_is_no_video_is_suspicious_and_nothing_of_it_stays(
    server: OriginServer, bench: Bench, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (True, False) == (verdict.is_suspicious, verdict.is_intercepted)
    assert [] == bench.left


@pytest.mark.parametrize("reply", [status(200, LOGIN), with_headers(content_encoding="gzip"), status(200)])
async def test_f31_what_is_no_video_is_suspicious_and_costs_no_part(
    server: OriginServer, bench: Bench, reply: Reply
) -> None:
    """Each byte comes once."""
    server.script("/a.mp4", [cut(2_000_000), reply])
    await bench.download(server.url("/a.mp4"))

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (True, True) == (verdict.is_suspicious, verdict.is_intercepted)
    last = await bench.download(server.url("/a.mp4"))
    assert isinstance(last, FileVerified)
    assert (_SIZE - 2_000_000, _BODY) == (last.fetched, bench.file.read_bytes())


async def test_f49_an_origin_without_a_proof_is_suspicious(bench: Bench) -> None:
    with OriginServer(tls=certificate(trustme.CA())) as false:
        verdict = await bench.download(false.url("/a.mp4"))

    assert isinstance(verdict, TryAgain)
    assert (True, 1) == (verdict.is_suspicious, false.connections)


async def test_f43_an_unsafe_redirect_needs_a_person(server: OriginServer, bench: Bench) -> None:
    server.script("/a.mp4", [redirect("http://10.0.0.1/a.mp4")])

    verdict = await bench.download(server.url("/a.mp4"))

    assert isinstance(verdict, GivenUp)
    assert Reason.UNSAFE_LINK is verdict.reason


async def test_f79_a_disk_that_is_too_full_ends_it_before_the_first_byte(
    server: OriginServer, tmp_path: Path
) -> None:
    with bench_in(tmp_path, reserve=1 << 60) as bench:
        with pytest.raises(DiskFullError):
            await bench.download(server.url("/a.mp4"))

        assert not bench.file.exists()


async def test_f81_a_directory_of_parts_that_is_gone_is_the_disks_fault(server: OriginServer, bench: Bench) -> None:
    bench.home.parts.rmdir()

    with pytest.raises(StorageError):
        await bench.download(server.url("/a.mp4"))


async def test_f90_a_link_on_the_way_is_a_conflict_and_nothing_lands_behind_it(
    server: OriginServer, bench: Bench, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (bench.home.root / "Art").symlink_to(tmp_path / "outside")

    verdict = await bench.download(server.url("/a.mp4"), path="Art/a.mp4")

    assert isinstance(verdict, GivenUp)
    assert (Reason.CONFLICT, []) == (verdict.reason, os.listdir(tmp_path / "outside"))


async def test_f15_a_part_with_a_broken_chunk_is_begun_anew(server: OriginServer, bench: Bench) -> None:
    """One byte of the frame is in it, behind those of the file."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.script("/a.mp4", [head + b"11\r\n%b\r\n0\r\n\r\n" % _BODY[:16]])

    assert isinstance(await bench.download(server.url("/a.mp4")), TryAgain)
    assert [] == bench.left
    assert isinstance(await bench.download(server.url("/a.mp4")), FileVerified)
    assert _BODY == bench.file.read_bytes()


async def test_f83_a_part_that_was_whole_and_finds_a_conflict_needs_a_person(
    server: OriginServer, bench: Bench, tmp_path: Path
) -> None:
    """A run died between the memo and the name, and the directory was moved to another disk."""
    part = bench.parts.take(7, "v")
    descriptor = part.open()
    os.write(descriptor, _BODY)
    os.close(descriptor)
    sha256 = hashlib.sha256(_BODY).hexdigest()
    memo = Memo(vid=VID, size=_SIZE, etag=server.files["/a.mp4"].etag, synced=_SIZE, sha256=sha256)
    await part.remember(memo, incarnation=part.incarnation, durably=True)
    bench.parts.keep(7, part)
    (tmp_path / "outside").mkdir()
    (bench.home.root / "Art").symlink_to(tmp_path / "outside")

    verdict = await bench.download(server.url("/a.mp4"), path="Art/a.mp4")

    assert isinstance(verdict, GivenUp)
    assert (Reason.CONFLICT, [_BODY], []) == (verdict.reason, bench.quarantined, server.requests)


async def test_f08_a_stop_while_a_refusal_comes_asks_for_no_other_link(server: OriginServer, bench: Bench) -> None:
    """The body of the 403 stands; that it was broken off is no refusal."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()

    def standing(exchange: Exchange) -> None:
        exchange.conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4000\r\n\r\n<x>")
        exchange.keeps = False
        loop.call_soon_threadsafe(asked.set)
        exchange.stopping.wait(20)

    server.script("/a.mp4", [standing])
    download = asyncio.create_task(bench.download(server.url("/a.mp4")))
    await asked.wait()
    await asyncio.sleep(0.1)
    bench.downloader.stop()

    with pytest.raises(TransferStoppedError):
        await asyncio.wait_for(download, 5)
    assert 0 == bench.renewed
