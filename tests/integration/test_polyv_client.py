"""The client against a real server: what Polyv's answers, silences and nonsense lead to."""

import time

import pytest
from polyv_client_cases import BUSY, TASK, VID, answering, new_client
from polyv_server import PolyvServer, Reply, answer, envelope, refusal
from threaded_server import closed_port

from fetcher.domain.errors import (
    CredentialsRefusedError,
    PolyvRefusedError,
    PolyvUnavailableError,
    UsageError,
    VideoRefusedError,
)
from fetcher.domain.status import Preparation
from fetcher.polyv.failures import NeverSentError

_FINE = answer(envelope([]))
server = answering()


async def test_asks_about_a_task_with_a_signature_that_the_server_accepts(server: PolyvServer) -> None:
    server.data = [{"vid": VID, "status": "SUCCESS", "url": "https://a/b.mp4"}]

    async with new_client(server.url) as client:
        task = await client.get_task(TASK)

    assert [(VID, Preparation.SUCCESS, "https://a/b.mp4")] == [(i.vid, i.status, i.url) for i in task.items]
    (request,) = server.requests
    assert ("GET", "/v3/video/source-file-task/get") == (request.method, request.path)
    assert {"appId", "timestamp", "sign", "taskId"} == set(request.params)
    assert "identity" == request.headers["accept-encoding"]
    assert 1 == client.calls


async def test_creates_a_task_by_a_form(server: PolyvServer) -> None:
    server.data = {"taskId": TASK}

    async with new_client(server.url) as client:
        assert TASK == await client.create_task([VID, VID[:-1] + "2"], expire_days=7)

    (request,) = server.requests
    assert ("POST", "/v3/video/source-file-task/create") == (request.method, request.raw_target)
    assert "application/x-www-form-urlencoded" == request.headers["content-type"]
    assert (f"{VID},{VID[:-1]}2", "7") == (request.params["vids"], request.params["expireDays"])


@pytest.mark.parametrize("text", ["测试 视频&a=1", "a+b%20c", "é=?#/"])
async def test_text_beyond_ascii_is_signed_and_sent_as_the_same(server: PolyvServer, text: str) -> None:
    server.data = {"taskId": TASK}

    async with new_client(server.url, retries=0, app_id=text) as client:
        await client.create_task([text], expire_days=1)
        server.data = []
        await client.get_task(text)

    posted, got = server.requests
    assert (text, text, text) == (posted.params["vids"], got.params["taskId"], got.params["appId"])


async def test_a_wrong_secret_stops_at_the_first_answer(server: PolyvServer) -> None:
    """F56."""
    async with new_client(server.url, app_secret="wrong") as client:
        with pytest.raises(CredentialsRefusedError, match="check the app secret"):
            await client.get_task(TASK)

    assert 1 == client.calls


@pytest.mark.parametrize("code", [101, 102, 103, 104, 105])
async def test_refused_credentials_are_not_tried_again(server: PolyvServer, code: int) -> None:
    """F56."""
    server.script.append(answer(refusal(code, "no", code=403), status=403))

    async with new_client(server.url) as client:
        with pytest.raises(CredentialsRefusedError):
            await client.get_task(TASK)

    assert 1 == len(server.requests)


async def test_a_refused_video_is_not_tried_again(server: PolyvServer) -> None:
    server.script.append(answer(refusal(2000, "video not yours"), status=400))

    async with new_client(server.url) as client:
        with pytest.raises(VideoRefusedError):
            await client.create_task([VID], expire_days=1)

    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    "reply",
    [
        BUSY,
        answer(b"", status=200),
        answer(b"not json"),
        answer(b'{"code": 200, "data": ['),
        answer(envelope([]), cut=5),
        answer(envelope([]), headers=("Content-Encoding: gzip",)),
        answer(refusal(10002, "qps exceeds number of calls")),
        answer(b"", status=302, headers=("Location: http://127.0.0.1:1/stolen",)),
        Reply(raw=b""),
        Reply(raw=b"HTTP/1.1 2"),
        Reply(raw=b"\x15\x03\x01\x00\x02\x02\x46 not http\r\n\r\n"),
        Reply(raw=b"", reset=True),
        Reply(raw=_FINE.raw[:60], reset=True),
    ],
)
async def test_nonsense_is_survived_by_asking_again(server: PolyvServer, reply: Reply) -> None:
    """F48, F55."""
    server.script.append(reply)

    async with new_client(server.url) as client:
        assert () == (await client.get_task(TASK)).items

    assert 2 == client.calls == len(server.requests)


async def test_gives_up_after_the_tries_it_was_given(server: PolyvServer) -> None:
    server.script.extend([BUSY] * 9)

    async with new_client(server.url, retries=2) as client:
        with pytest.raises(PolyvUnavailableError, match="HTTP 503 with a page"):
            await client.get_task(TASK)

    assert 3 == len(server.requests)


async def test_each_try_is_signed_anew(server: PolyvServer) -> None:
    server.script.append(BUSY)

    async with new_client(server.url, retry_first_s=0.02) as client:
        await client.get_task(TASK)

    first, second = (request.params for request in server.requests)
    assert int(first["timestamp"]) < int(second["timestamp"])
    assert first["sign"] != second["sign"]


async def test_a_giant_body_is_not_read_to_its_end(server: PolyvServer) -> None:
    """F55, F95."""
    server.script.append(answer(b" " * (20 * 1024 * 1024) + envelope([])))

    async with new_client(server.url, retries=0) as client:
        with pytest.raises(PolyvUnavailableError, match="longer than 16777216 bytes"):
            await client.get_task(TASK)


async def test_a_slow_answer_ends_by_the_clock(server: PolyvServer) -> None:
    """F46."""
    server.script.append(Reply(raw=_FINE.raw, wait_s=30))

    started_at = time.monotonic()
    async with new_client(server.url, retries=0, timeout_s=0.3) as client:
        with pytest.raises(PolyvUnavailableError, match=r"within 0\.3 s"):
            await client.get_task(TASK)

    assert time.monotonic() - started_at < 20


async def test_a_refused_connection_is_named() -> None:
    """F48."""
    async with new_client(f"http://127.0.0.1:{closed_port()}", retries=1) as client:
        with pytest.raises(NeverSentError, match=r"no connection to 127\.0\.0\.1"):
            await client.get_task(TASK)

    assert 2 == client.calls


@pytest.mark.parametrize(
    "reply",
    [BUSY, answer(envelope({})), answer(refusal(10002, "qps")), Reply(reset=True), Reply(raw=b"", wait_s=30)],
)
async def test_a_create_that_may_have_arrived_is_not_sent_again(server: PolyvServer, reply: Reply) -> None:
    server.script.append(reply)
    patience_s = 1.0 if reply.wait_s else 20.0

    async with new_client(server.url, timeout_s=patience_s, create_timeout_s=patience_s) as client:
        with pytest.raises((PolyvUnavailableError, PolyvRefusedError)) as caught:
            await client.create_task([VID], expire_days=1)

    assert 1 == len(server.requests)
    assert not isinstance(caught.value, NeverSentError)


async def test_a_create_that_cannot_have_arrived_is_sent_again() -> None:
    async with new_client(f"http://127.0.0.1:{closed_port()}", retries=2) as client:
        with pytest.raises(NeverSentError):
            await client.create_task([VID], expire_days=1)

    assert 3 == client.calls


@pytest.mark.parametrize(
    ("vids", "days"), [([], 1), ([VID] * 101, 1), ([""], 1), (["a,b"], 1), ([VID], 0), ([VID], 8)]
)
async def test_a_create_that_polyv_does_not_offer_is_not_sent(
    server: PolyvServer, vids: list[str], days: int
) -> None:
    async with new_client(server.url) as client:
        with pytest.raises(UsageError):
            await client.create_task(vids, expire_days=days)

    assert 0 == client.calls
