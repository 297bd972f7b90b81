"""Who may bring the bytes: certificates and proxies."""

import socket
import threading
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from origin import OriginServer
from origin_faults import redirect
from transfer_cases import PlainPart, Try, certificate, fetched, origin_here, serving, video

from fetcher.domain.errors import (
    CertificateError,
    TransferInterruptedError,
    UnsafeLinkError,
)
from fetcher.transfer.fetch import Known
from fetcher.transfer.origin import Origin

_BODY = video(100_000)

server = serving(_BODY)


@pytest.fixture
def origin(direct_origin: Origin) -> Origin:
    return direct_origin


def test_f43_a_redirect_to_this_machine_is_followed_only_where_the_api_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority)) as server, origin_here(loopback_too=False) as origin:
        server.script("/a.mp4", [redirect("/b.mp4")])

        with pytest.raises(UnsafeLinkError, match="private"):
            fetched(origin, server.url("/a.mp4"), tmp_path)

        assert 1 == len(server.requests)


def test_a_file_comes_over_tls_from_an_origin_whose_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority)) as server, origin_here() as origin:
        assert _BODY == fetched(origin, server.add("/a.mp4", _BODY), tmp_path)


@pytest.mark.parametrize(("names", "is_known"), [(("127.0.0.1",), False), (("other.example",), True)])
def test_f49_an_origin_that_cannot_prove_itself_is_asked_once_and_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, names: tuple[str, ...], is_known: bool
) -> None:
    authority = trustme.CA()
    (authority if is_known else trustme.CA()).cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority, *names)) as server, origin_here() as origin:
        with pytest.raises(CertificateError):
            fetched(origin, server.url("/a.mp4"), tmp_path)

        assert (1, 0) == (server.connections, len(server.requests))


def test_plain_http_where_tls_is_spoken_is_a_broken_line(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    with pytest.raises(TransferInterruptedError):
        fetched(origin, server.url("/a.mp4").replace("http://", "https://"), tmp_path)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_f50_a_proxy_of_the_environment_is_asked_and_one_that_refuses_is_named(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """F50: a proxy of the environment that refuses: the message names it, without its password."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        monkeypatch.setenv(variable, f"http://user:canary@127.0.0.1:{listening.getsockname()[1]}")
        asked: list[bytes] = []

        def refuse() -> None:
            client, _ = listening.accept()
            with client:
                asked.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        proxy = threading.Thread(target=refuse)
        proxy.start()
        named = f"407.*{variable.upper()} is 127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(TransferInterruptedError, match=named) as caught:
            fetched(origin, "https://cdn.example/a.mp4", tmp_path)
        proxy.join()

    assert asked[0].startswith(b"CONNECT cdn.example:443 ")
    assert "canary" not in str(caught.value)


def test_this_machine_is_never_asked_through_a_proxy(
    server: OriginServer, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert _BODY == fetched(origin, server.url("/a.mp4"), tmp_path)


def test_the_ordinary_path_through_a_proxy_brings_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS through a CONNECT tunnel, resumed after a cut."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with (
        OriginServer(tls=certificate(authority, "cdn.example")) as far,
        socket.create_server(("127.0.0.1", 0)) as listening,
    ):
        far.add("/a.mp4", _BODY)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listening.getsockname()[1]}")
        threading.Thread(target=_tunnel, args=(listening, far), daemon=True).start()
        with closing(Origin(loopback_too=False, read_timeout_s=5)) as asked:
            part = PlainPart(tmp_path / "a.part", _BODY[:40_000])
            known = Known(have=40_000, size=len(_BODY), etag=far.files["/a.mp4"].etag)
            Try(asked, part, known=known).fetch("https://cdn.example/a.mp4")

        assert (_BODY, ["bytes=40000-"]) == (part.bytes, far.ranges)


def _tunnel(listening: socket.socket, far: OriginServer) -> None:
    client, _ = listening.accept()
    with client, socket.create_connection(("127.0.0.1", far.port)) as onward:
        client.recv(65536)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        threading.Thread(target=_pump, args=(client, onward), daemon=True).start()
        _pump(onward, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        return
