"""The client and time: pauses, a wrong clock, the breaker, the rate."""

import asyncio
import sys
import time
from importlib.abc import MetaPathFinder

import pytest
from polyv_client_cases import BUSY, TASK, VID, answering, new_client
from polyv_server import PolyvServer, Reply, answer, envelope, refusal

from fetcher.domain.errors import (
    CredentialsRefusedError,
    PolyvBlockedError,
    PolyvError,
    PolyvUnavailableError,
)
from fetcher.polyv.account import MainAccount
from fetcher.polyv.breaker import CircuitBreaker
from fetcher.polyv.clock import PolyvClock
from fetcher.polyv.failures import NeverSentError

server = answering()


async def test_retry_after_is_obeyed(server: PolyvServer) -> None:
    """F52."""
    server.script.append(answer(b"busy", status=503, headers=("Retry-After: 1",)))

    async with new_client(server.url) as client:
        await client.get_task(TASK)

    first, second = server.requests
    assert 0.9 < second.at - first.at < 5


@pytest.mark.parametrize("asked", ["86400", "Fri, 01 Jan 2100 00:00:00 GMT"])
async def test_a_retry_after_beyond_patience_gives_the_slot_back(server: PolyvServer, asked: str) -> None:
    """F52."""
    server.script.append(answer(b"busy", status=503, headers=(f"Retry-After: {asked}",)))

    async with new_client(server.url) as client:
        with pytest.raises(PolyvUnavailableError):
            await client.get_task(TASK)

    assert 1 == client.calls


@pytest.mark.parametrize("ahead_s", [-86400.0, -200.0, 200.0, 3e8])
async def test_a_wrong_clock_is_healed_by_the_answers_date(
    server: PolyvServer, caplog: pytest.LogCaptureFixture, ahead_s: float
) -> None:
    """F66."""
    server.ahead_s = ahead_s
    clock = PolyvClock(time.time)

    async with new_client(server.url, clock=clock, retries=0) as client:
        await client.get_task(TASK)
        await client.get_task(TASK)

    assert ahead_s == pytest.approx(clock.offset_s, abs=2)
    assert 3 == client.calls
    assert 1 == sum("clock" in record.message for record in caplog.records)


@pytest.mark.parametrize(("ahead_s", "expected"), [(60.0, 60), (-170.0, -170), (0.2, 0)])
async def test_f67_a_clock_that_is_a_little_off_is_put_right_without_a_word(
    server: PolyvServer, caplog: pytest.LogCaptureFixture, ahead_s: float, expected: float
) -> None:
    """Polyv accepts it, but by it a link that was signed this moment would be one that dies in a minute."""
    server.ahead_s = ahead_s
    clock = PolyvClock(time.time)

    async with new_client(server.url, clock=clock) as client:
        await client.get_task(TASK)

    assert expected == pytest.approx(clock.offset_s, abs=1.5)
    assert (0.2 != ahead_s) is (clock.offset_s != 0)
    assert (1, []) == (client.calls, caplog.records)


async def test_the_answer_to_a_create_is_waited_for_longer_than_any_other(server: PolyvServer) -> None:
    """One that is given up may have made a task all the same, and nobody knows its id."""
    slow = answer(envelope({"taskId": TASK}))
    server.script.extend(Reply(raw=slow.raw, wait_s=1.0) for _ in range(2))

    async with new_client(server.url, timeout_s=0.2, retries=0) as client:
        assert TASK == await client.create_task([VID], expire_days=1)
        with pytest.raises(PolyvUnavailableError, match=r"within 0\.2 s"):
            await client.get_task(TASK)


async def test_a_create_is_signed_again_after_the_clock_was_refused(server: PolyvServer) -> None:
    server.ahead_s, server.data = 600.0, {"taskId": TASK}

    async with new_client(server.url, retries=0) as client:
        assert TASK == await client.create_task([VID], expire_days=1)


async def test_a_wrong_clock_without_a_date_stops_the_run_and_names_the_clock(server: PolyvServer) -> None:
    """F68."""
    server.ahead_s, server.sends_date = 600.0, False

    async with new_client(server.url) as client:
        with pytest.raises(CredentialsRefusedError, match="clock"):
            await client.get_task(TASK)

    assert 2 == client.calls


async def test_a_date_from_a_cache_does_not_move_the_clock(server: PolyvServer) -> None:
    """F68."""
    headers = ("Date: Thu, 14 Sep 2023 12:00:00 GMT", "Age: 5")
    server.script.append(answer(refusal(100, "invalid timestamp"), headers=headers))
    clock = PolyvClock(time.time)

    async with new_client(server.url, clock=clock) as client:
        await client.get_task(TASK)

    assert 0.0 == clock.offset_s


async def test_a_handshake_that_nobody_answers_ends_in_time_and_was_never_a_request(server: PolyvServer) -> None:
    """F48."""
    async with new_client(server.url.replace("http:", "https:"), retries=0, timeout_s=0.4) as client:
        with pytest.raises(NeverSentError, match="not in time"):
            await client.create_task([VID], expire_days=1)


async def test_a_server_that_refuses_every_time_is_asked_twice(server: PolyvServer) -> None:
    """F66."""
    headers = ("Date: Thu, 14 Sep 2023 12:00:00 GMT",)
    server.script.extend([answer(refusal(100, "invalid timestamp"), headers=headers)] * 9)

    async with new_client(server.url) as client:
        with pytest.raises(CredentialsRefusedError, match="clock"):
            await client.get_task(TASK)

    assert 2 == client.calls


async def test_five_silences_open_the_breaker_and_time_closes_it(server: PolyvServer) -> None:
    """F53."""
    server.script.extend([BUSY] * 5)
    now = [0.0]

    async with new_client(server.url, retries=3, monotonic=lambda: now[0]) as client:
        with pytest.raises(PolyvUnavailableError):
            await client.get_task(TASK)
        with pytest.raises(PolyvBlockedError, match="300 s"):
            await client.get_task(TASK)
        with pytest.raises(PolyvBlockedError):
            await client.create_task([VID], expire_days=1)
        assert 5 == client.calls
        assert 300.0 == client.breaker.retry_in_s()

        now[0] = 300.0
        await client.get_task(TASK)
        await client.get_task(TASK)

    assert 7 == client.calls == len(server.requests)


@pytest.mark.parametrize(
    "busy",
    [
        answer(refusal(10002, "qps exceeds number of calls")),
        answer(refusal(0, "slow down", code=429)),
        answer(refusal(7, "slow down"), status=429),
        answer(b"slow down", status=429),
    ],
)
async def test_f53_five_words_that_it_is_asked_too_often_open_the_breaker(server: PolyvServer, busy: Reply) -> None:
    """Whoever asks on is shut out: each question would be asked four times."""
    server.script.extend([busy] * 9)

    async with new_client(server.url, retries=3) as client:
        with pytest.raises(PolyvError):
            await client.get_task(TASK)
        with pytest.raises(PolyvBlockedError, match="300 s"):
            await client.get_task(TASK)

    assert 5 == client.calls == len(server.requests)


async def test_f53_the_silence_of_what_nobody_needs_holds_nothing_back(server: PolyvServer) -> None:
    """MD5s and sizes: where they alone are not answered, links and tasks are asked for all the same."""
    server.script.extend([BUSY] * 12)
    account = MainAccount(user_id="1b448be323", secret="another")

    async with new_client(server.url, main_account=account) as client:
        for _ in range(6):
            with pytest.raises(PolyvUnavailableError):
                await client.get_source(VID)
            with pytest.raises(PolyvUnavailableError):
                await client.get_sizes([VID])
        await client.get_task(TASK)

    assert 13 == client.calls == len(server.requests)


async def test_a_breaker_can_be_shared(server: PolyvServer) -> None:
    server.script.append(BUSY)
    breaker = CircuitBreaker(threshold=1)

    async with (
        new_client(server.url, retries=0, breaker=breaker) as one,
        new_client(server.url, breaker=breaker) as two,
    ):
        with pytest.raises(PolyvUnavailableError):
            await one.get_task(TASK)
        with pytest.raises(PolyvBlockedError):
            await two.get_task(TASK)


async def test_the_rate_is_held(server: PolyvServer) -> None:
    """At no moment have more requests come than the rate allows: a delay on the way only makes them fewer."""
    rate = 20
    began = time.monotonic()
    async with new_client(server.url, rate_per_s=rate) as client:
        await asyncio.gather(*(client.get_task(TASK) for _ in range(50)))

    arrivals = sorted(request.at - began for request in server.requests)
    assert 50 == len(arrivals)
    assert [] == [(count, at) for count, at in enumerate(arrivals, start=1) if count > rate + rate * at + 1]


class _Lookups(MetaPathFinder):
    """Takes down which modules are looked for on the disk, and finds none."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Leave it to the next finder."""
        del path, target
        self.names.append(fullname)


async def test_a_call_looks_for_no_module(server: PolyvServer) -> None:
    """One that is not there is looked for in every directory, each time: a quarter of what a question cost."""
    lookups = _Lookups()
    async with new_client(server.url) as client:
        await client.get_task(TASK)
        sys.meta_path.insert(0, lookups)
        try:
            await client.get_task(TASK)
        finally:
            sys.meta_path.remove(lookups)

    assert [] == lookups.names


async def test_a_timestamp_is_as_young_as_its_request_behind_the_limiter(server: PolyvServer) -> None:
    """F69."""
    async with new_client(server.url, rate_per_s=2) as client:
        await asyncio.gather(*(client.get_task(TASK) for _ in range(4)))

    stamps = sorted(int(request.params["timestamp"]) for request in server.requests)
    assert 800 < stamps[-1] - stamps[0]
