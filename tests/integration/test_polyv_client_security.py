"""What the client does not give away, and whom it does not trust."""

import asyncio
import logging
import ssl
import traceback
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from polyv_client_cases import BUSY, SECRET, TASK, answering, new_client
from polyv_server import PolyvServer, Reply, answer, envelope, refusal
from threaded_server import closed_port

from fetcher.domain.errors import (
    CredentialsRefusedError,
    PolyvRefusedError,
    PolyvUnavailableError,
    UsageError,
)
from fetcher.polyv.failures import NeverSentError, TlsRefusedError

server = answering()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.polyv.net",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "ftp://127.0.0.1",
        "api.polyv.net",
        "https://",
        "https://user:pw@api.polyv.net",
        "https://api.polyv.net/?a=b",
        "https://api.polyv.net:99999",
        "https://[::1",
    ],
)
def test_an_address_that_would_give_the_signature_away_is_refused(url: str) -> None:
    """F93."""
    with pytest.raises(UsageError, match="https://") as caught:
        new_client(url)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://api.polyv.net", "https://api.polyv.net/", "http://localhost:8080", "http://[::1]"]
)
def test_a_good_address_is_taken(url: str) -> None:
    new_client(url)


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_nothing_is_refused(rate: float) -> None:
    with pytest.raises(UsageError):
        new_client("https://api.polyv.net", rate_per_s=rate)


async def test_a_proxy_never_sees_calls_to_this_machine(
    server: PolyvServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")

    async with new_client(server.url, retries=0) as client:
        await client.get_task(TASK)


async def test_a_proxy_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """F50."""
    port = closed_port()
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass-canary@127.0.0.1:{port}")
    monkeypatch.delenv("NO_PROXY", raising=False)

    async with new_client("https://api.polyv.invalid", retries=0) as client:
        with pytest.raises(NeverSentError, match=f"HTTPS_PROXY is 127.0.0.1:{port}") as caught:
            await client.get_task(TASK)

    assert "pass-canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("host", ["..", "x" * 70])
async def test_a_proxy_that_no_resolver_takes_is_named(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """F50: by the setting that it comes from."""
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setenv("ALL_PROXY", f"http://user:pass-canary@{host}:9")

    async with new_client("https://api.polyv.invalid", retries=0) as client:
        with pytest.raises(NeverSentError, match=f"ALL_PROXY is {host}:9") as caught:
            await client.get_task(TASK)

    assert "pass-canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_proxy_that_wants_a_password_is_understood(
    server: PolyvServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F50."""
    server.script.append(Reply(raw=b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"))
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)

    async with new_client("https://api.polyv.invalid", retries=0) as client:
        with pytest.raises(NeverSentError, match="the proxy says 407"):
            await client.get_task(TASK)


@pytest.mark.parametrize(
    ("name", "value"), [("HTTPS_PROXY", "gopher://u:pass-canary@h"), ("SSL_CERT_FILE", "/nowhere")]
)
async def test_an_environment_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """F50."""
    monkeypatch.setenv(name, value)

    with pytest.raises(UsageError, match=name) as caught:
        await new_client("https://api.polyv.net").__aenter__()

    assert "pass-canary" not in "".join(traceback.format_exception(caught.value))


def _server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def test_a_certificate_that_nobody_vouches_for_is_named_and_not_tried_again() -> None:
    """F49."""
    with PolyvServer(secret=SECRET, tls=_server_tls(trustme.CA())) as server:
        async with new_client(server.url) as client:
            with pytest.raises(TlsRefusedError, match="certificate"):
                await client.get_task(TASK)

    assert (1, []) == (client.calls, server.requests)


async def test_a_certificate_of_an_authority_from_the_environment_is_accepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as pem, PolyvServer(secret=SECRET, tls=_server_tls(authority)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", pem)
        async with new_client(server.url) as client:
            await client.get_task(TASK)


async def test_an_answer_in_plain_text_where_tls_was_expected_is_not_tried_again() -> None:
    """F49."""

    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    plain = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = plain.sockets[0].getsockname()[1]
    async with plain, new_client(f"https://127.0.0.1:{port}") as client:
        with pytest.raises(TlsRefusedError):
            await client.get_task(TASK)

    assert 1 == client.calls


_BROKEN: list[Callable[[str], Reply]] = [
    lambda _: BUSY,
    lambda sign: answer(f"<html>{sign}</html>".encode()),
    lambda sign: answer(refusal(10002, f"bad sign={sign}")),
    lambda sign: answer(refusal(104, f"bad sign={sign}")),
    lambda _: answer(refusal(100, "invalid timestamp")),
    lambda _: Reply(reset=True),
    lambda _: Reply(raw=b"nonsense\r\n\r\n"),
    lambda _: answer(envelope([]), cut=3),
    lambda _: Reply(wait_s=30),
]


class _EchoingServer(PolyvServer):
    """Answers with a reply that is made of the request's own signature."""

    make: Callable[[str], Reply]

    def _judge(self, request: Any) -> Reply:
        return self.make(request.params["sign"])


@pytest.mark.parametrize("make", _BROKEN)
async def test_no_secret_shows_in_errors_or_logs(
    make: Callable[[str], Reply], caplog: pytest.LogCaptureFixture
) -> None:
    """F91."""
    caplog.set_level(logging.DEBUG)
    with _EchoingServer() as server:
        server.make = make
        async with new_client(server.url, retries=1, timeout_s=0.5) as client:
            with pytest.raises((PolyvUnavailableError, PolyvRefusedError, CredentialsRefusedError)) as caught:
                await client.get_task(TASK)
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(client)
    shown += "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)

    assert caplog.records
    assert SECRET not in shown
    for request in server.requests:
        assert request.params["sign"] not in shown


async def test_no_error_carries_the_request_along(server: PolyvServer) -> None:
    server.script.append(Reply(reset=True))

    async with new_client(server.url, retries=0) as client:
        with pytest.raises(PolyvUnavailableError) as caught:
            await client.get_task(TASK)

    error: BaseException | None = caught.value
    while error is not None:
        assert type(error).__module__.split(".")[0] not in {"httpx", "httpcore"}
        error = error.__cause__ or error.__context__


async def test_httpx_still_logs_where_it_went(server: PolyvServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async with new_client(server.url) as client:
        await client.get_task(TASK)

    assert any("/v3/video/source-file-task/get" in record.message for record in caplog.records)


async def test_a_cancelled_call_ends_at_once_and_leaves_the_client_usable(server: PolyvServer) -> None:
    server.script.append(Reply(wait_s=30))

    async with new_client(server.url) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.get_task(TASK), 0.2)
        assert () == (await client.get_task(TASK)).items
