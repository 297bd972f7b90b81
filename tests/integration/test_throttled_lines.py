"""Lines that are limited, stutter, break or lose packets: the file is right, and no byte is asked for twice."""

import asyncio
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from downloader_cases import Bench, bench_in
from lossy_wire import HERE, THERE, in_own_network, lossy_wire
from nginx_server import needs_nginx, nginx_in
from origin import Behaviour, OriginServer
from origin_faults import bursts, cut, drip, half_close, reset, stall
from transfer_cases import MIB, PlainPart, Try, certificate, origin_here, serving, video

from fetcher.domain.errors import TransferInterruptedError, TransferStalledError, TransferStoppedError
from fetcher.domain.events import Event, FileVerified
from fetcher.downloader.orders import TryAgain
from fetcher.downloader.worker import Downloader
from fetcher.transfer.pace import Pace

_BODY = video(700_000)
_SIZE = len(_BODY)

server = serving(_BODY)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """Return an authority that this process trusts; no proxy of the environment stands in the way."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


@pytest.fixture(params=["http", "https"])
def either(request: pytest.FixtureRequest, authority: trustme.CA) -> Iterator[OriginServer]:
    """Yield a server, without TLS and with it."""
    with OriginServer(tls=certificate(authority) if request.param == "https" else None) as running:
        running.add("/a.mp4", _BODY)
        yield running


async def _all_of(bench: Bench, urls: list[str]) -> list[Event | TryAgain]:
    """Download everything at once."""
    return await asyncio.gather(
        *(
            bench.download(url, path=f"{number}.mp4", video_id=number, vid=f"v{number}")
            for number, url in enumerate(urls)
        )
    )


@needs_nginx
@pytest.mark.parametrize("limits", ["limit_rate 400k;", "limit_rate 300k; limit_rate_after 100k;"])
async def test_lines_that_nginx_throttles_bring_every_file_by_one_request(tmp_path: Path, limits: str) -> None:
    bodies = [video(200_000 + 10_000 * number, seed=number) for number in range(4)]
    with nginx_in(tmp_path / "nginx", limits) as nginx, bench_in(tmp_path) as bench:
        urls = [nginx.add(f"{number}.mp4", body) for number, body in enumerate(bodies)]
        verdicts = await _all_of(bench, urls)

        assert [FileVerified] * 4 == [type(verdict) for verdict in verdicts]
        assert bodies == [(bench.home.root / f"{number}.mp4").read_bytes() for number in range(4)]

    assert sorted(f"200 {len(body)} -" for body in bodies) == sorted(nginx.answers)


@needs_nginx
async def test_a_rate_below_what_nginx_allows_breaks_nothing(tmp_path: Path) -> None:
    bodies = [video(150_000, seed=number) for number in range(4)]
    with nginx_in(tmp_path / "nginx", "limit_rate 1m;") as nginx, bench_in(tmp_path) as bench:
        bench.downloader = Downloader(bench.workshop, bench.parts, pace=Pace(400_000))
        urls = [nginx.add(f"{number}.mp4", body) for number, body in enumerate(bodies)]
        await _all_of(bench, urls)

        assert bodies == [(bench.home.root / f"{number}.mp4").read_bytes() for number in range(4)]

    assert ["200 150000 -"] * 4 == nginx.answers


@needs_nginx
async def test_more_lines_than_nginx_allows_are_left_for_later_and_come_then(tmp_path: Path) -> None:
    """It answers 503 while another line is open."""
    bodies = [video(300_000, seed=number) for number in range(3)]
    limits = "limit_conn lines 1; limit_rate 300k;"
    with nginx_in(tmp_path / "nginx", limits) as nginx, bench_in(tmp_path) as bench:
        urls = [nginx.add(f"{number}.mp4", body) for number, body in enumerate(bodies)]
        verdicts = await _all_of(bench, urls)
        late = [number for number, verdict in enumerate(verdicts) if isinstance(verdict, TryAgain)]
        assert late
        for number in late:
            again = await bench.download(urls[number], path=f"{number}.mp4", video_id=number, vid=f"v{number}")
            assert isinstance(again, FileVerified)

        assert bodies == [(bench.home.root / f"{number}.mp4").read_bytes() for number in range(3)]


@needs_nginx
async def test_f45_what_nginx_cut_because_it_was_read_too_slowly_goes_on_from_there(tmp_path: Path) -> None:
    """A debt of two seconds keeps the transfer from reading, and nginx waits for one."""
    body, rate = video(16 * MIB), 40 * MIB
    with nginx_in(tmp_path / "nginx", "send_timeout 1s;") as nginx, bench_in(tmp_path) as bench:
        url, pace = nginx.add("a.mp4", body), Pace(rate)
        bench.downloader = Downloader(bench.workshop, bench.parts, pace=pace)
        at_once = threading.Event()
        at_once.set()
        pace.wait(2 * rate, stopped=at_once)
        verdict = await bench.download(url)
        again = await bench.download(url)

        assert "timed out" in nginx.errors
        assert isinstance(verdict, TryAgain)
        assert isinstance(again, FileVerified)
        assert body == bench.file.read_bytes()

    asked_from = len(body) - again.fetched
    assert f"206 {again.fetched} bytes={asked_from}-" == nginx.answers[1]
    assert asked_from > 0


@pytest.mark.parametrize(
    "behaviour",
    [
        bursts([1, 60_000, 7], pause_s=0.02),
        bursts([262_144], pause_s=0.3),
        drip(_SIZE - 40, pause_s=0.01),
    ],
)
@pytest.mark.parametrize("rate", [None, 3_000_000])
def test_a_line_that_stutters_brings_the_file_by_one_request(
    either: OriginServer, tmp_path: Path, behaviour: Behaviour, rate: int | None
) -> None:
    either.script("/a.mp4", [behaviour])
    with origin_here() as origin:
        tries = Try(origin, PlainPart(tmp_path / "a.part"), bytes_per_s=rate)
        fetched = tries.fetch(either.url("/a.mp4"))

    assert _BODY == tries.part.bytes
    assert hashlib.sha256(_BODY).hexdigest() == fetched.digests["sha256"]
    assert [None] == either.ranges


@pytest.mark.parametrize("breaking", [cut, reset, half_close])
@pytest.mark.parametrize("after", [0, 1, 70_000, _SIZE - 1])
@pytest.mark.parametrize("rate", [None, 5_000_000])
def test_f12_a_line_that_breaks_in_mid_body_costs_the_missing_bytes_only(
    either: OriginServer, tmp_path: Path, breaking: Callable[[int], Behaviour], after: int, rate: int | None
) -> None:
    """However it breaks: an end, a reset, or an end of one direction only, with TLS and without."""
    either.script("/a.mp4", [breaking(after)])
    with origin_here() as origin:
        tries = Try(origin, PlainPart(tmp_path / "a.part"), bytes_per_s=rate)
        with pytest.raises(TransferInterruptedError):
            tries.fetch(either.url("/a.mp4"))
        have = len(tries.part.bytes)
        tries.go_on(either.url("/a.mp4"))

    assert _BODY == tries.part.bytes
    assert have <= after
    assert [None, f"bytes={have}-" if have else None] == either.ranges
    assert _SIZE == tries.meter.fetched


async def test_a_line_that_stands_leaves_its_share_of_the_rate_to_the_others(
    server: OriginServer, tmp_path: Path
) -> None:
    """They end while it is still waited for."""
    urls = [server.add(f"/{number}.mp4", video(300_000, seed=number)) for number in range(3)]
    server.script("/a.mp4", [stall(100_000)])
    with bench_in(tmp_path, stall_s=60.0, read_timeout_s=60) as bench:
        bench.downloader = Downloader(bench.workshop, bench.parts, pace=Pace(1_000_000))
        standing = asyncio.create_task(bench.download(server.url("/a.mp4"), video_id=9, vid="v9"))
        verdicts = await _all_of(bench, urls)
        is_waiting = not standing.done()
        bench.downloader.stop()
        with pytest.raises(TransferStoppedError):
            await standing

    assert [FileVerified] * 3 == [type(verdict) for verdict in verdicts]
    assert is_waiting


@pytest.mark.parametrize(("loss", "rate"), [(0.02, None), (0.02, 2_000_000), (0.1, None)])
def test_a_wire_that_loses_and_reorders_packets_brings_the_file_by_one_request(
    authority: trustme.CA, tmp_path: Path, loss: float, rate: int | None
) -> None:
    body = video(400_000)

    def over_the_wire() -> None:
        tls = certificate(authority, THERE)
        with (
            lossy_wire(loss=loss, delay_s=0.004) as wire,
            OriginServer(tls=tls, host=HERE) as far,
            origin_here(read_timeout_s=30) as origin,
        ):
            far.add("/a.mp4", body)
            tries = Try(origin, PlainPart(tmp_path / "a.part"), bytes_per_s=rate)
            tries.fetch(f"https://{THERE}:{far.port}/a.mp4")

            assert body == tries.part.bytes
            assert [None] == far.ranges
            assert wire.lost

    in_own_network(over_the_wire)


def test_a_wire_that_goes_dead_in_mid_body_is_gone_on_with_once_it_lives(
    authority: trustme.CA, tmp_path: Path
) -> None:
    """Not a packet comes for longer than is waited; what had come need not come again."""
    body = video(3 * MIB)

    def over_the_wire() -> None:
        with (
            lossy_wire(loss=0.0, delay_s=0.001) as wire,
            OriginServer(tls=certificate(authority, THERE), host=HERE) as far,
            origin_here(read_timeout_s=1) as origin,
        ):
            far.add("/a.mp4", body)
            url = f"https://{THERE}:{far.port}/a.mp4"
            tries = Try(origin, PlainPart(tmp_path / "a.part"), bytes_per_s=3 * MIB)
            wire.cut_after(1000)
            with pytest.raises(TransferStalledError):
                tries.fetch(url)
            have = len(tries.part.bytes)
            wire.mend()
            tries.go_on(url)

            assert body == tries.part.bytes
            assert 0 < have < len(body)
            assert [None, f"bytes={have}-"] == far.ranges

    in_own_network(over_the_wire)
