"""Behind a proxy: what stands or drips before the head is here can be broken off, and the proxy is named."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from downloader_cases import bench_in
from transfer_cases import PlainPart, Try, fetched, open_descriptors, origin_here

from fetcher.domain.errors import TransferInterruptedError, TransferStoppedError, UsageError
from fetcher.downloader.orders import TryAgain

_URL = "https://cdn.example/a.mp4?auth_key=canary"
_CONNECTED = b"HTTP/1.1 200 Connection established\r\n\r\n"
_PHASES = ("silent", "dripping", "before the handshake")


class SlowProxy:
    """Takes one tunnel after another and brings none of them to its end."""

    def __init__(self, phase: str) -> None:
        self._phase = phase
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://user:canary@127.0.0.1:{self._socket.getsockname()[1]}"
        self.asked = threading.Event()
        self.ended = threading.Event()
        """Set when the other side has hung up."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Hang up on everybody."""
        self._stopping.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                with contextlib.suppress(OSError), client:
                    self._hold(client)
                self.ended.set()

    def _hold(self, client: socket.socket) -> None:
        client.recv(65536)
        if self._phase == "before the handshake":
            client.sendall(_CONNECTED)
            client.recv(65536)  # What a handshake begins with.
        self.asked.set()
        client.settimeout(0.05)
        client.sendall(b"HTTP/1.1 200 OK\r\nX: " if self._phase == "dripping" else b"")
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                if not client.recv(65536):
                    return
            if self._phase == "dripping":
                client.sendall(b"x")


@pytest.fixture(params=_PHASES)
def proxy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowProxy]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with closing(SlowProxy(request.param)) as slow:
        monkeypatch.setenv("https_proxy", slow.url)
        yield slow


def test_an_abort_breaks_off_what_a_proxy_does_not_bring_to_its_end(proxy: SlowProxy, tmp_path: Path) -> None:
    """F45: the proxy drips; F48: the TLS handshake behind it stands."""
    before = open_descriptors()
    with origin_here(loopback_too=False, read_timeout_s=30) as origin:
        tries = Try(origin, PlainPart(tmp_path / "a.part"))

        def abort() -> None:
            proxy.asked.wait(10)
            tries.meter.abort(TransferStoppedError("enough"))

        aborting = threading.Thread(target=abort)
        aborting.start()
        since = time.monotonic()

        with pytest.raises(TransferStoppedError, match="enough"):
            tries.fetch(_URL)

        aborting.join()
        assert time.monotonic() - since < 5
        assert proxy.ended.wait(5)
    assert open_descriptors() <= before


async def test_what_stands_behind_a_proxy_ends_as_a_stall(proxy: SlowProxy, tmp_path: Path) -> None:
    """F46: stall_seconds counts from the moment in which the proxy is connected."""
    with bench_in(tmp_path, stall_s=0.4, read_timeout_s=30) as bench:
        since = time.monotonic()

        verdict = await bench.download(_URL)

        assert isinstance(verdict, TryAgain)
        assert "less than 128 bytes a second" in verdict.detail
        assert time.monotonic() - since < 5
    assert proxy.ended.wait(5)


@pytest.mark.parametrize("host", ["127.0.0.1:9", "..:9", "x" * 70 + ":9", "nowhere.invalid:3128"])
def test_a_proxy_that_cannot_be_reached_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: str
) -> None:
    """F50: without its password, and whatever is wrong with its name."""
    monkeypatch.setenv("https_proxy", f"http://user:canary@{host}")
    with (
        origin_here(loopback_too=False) as origin,
        pytest.raises(TransferInterruptedError, match="no connection to the proxy") as caught,
    ):
        fetched(origin, _URL, tmp_path)

    assert f"HTTPS_PROXY is {host}" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "proxy", ["gopher://user:canary@h", "http://user:ca\tnary@h:9", "http://user:canary@-ü..x"]
)
def test_a_proxy_setting_that_cannot_be_used_is_a_matter_of_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with origin_here(loopback_too=False) as origin, pytest.raises(UsageError, match="HTTPS_PROXY") as caught:
        fetched(origin, _URL, tmp_path)

    assert "canary" not in str(caught.value)


def test_certificates_that_cannot_be_loaded_are_a_matter_of_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    torn = tmp_path / "torn.pem"
    torn.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(torn))

    with pytest.raises(UsageError, match="SSL_CERT_FILE"), origin_here():
        pass
