"""Whom the bytes may come from: redirects, certificates, proxies."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme
from origin import OriginServer
from origin_faults import COLD, EXPIRED, drip_head, mute, redirect, stall, status
from transfer_cases import PlainPart, Try, certificate, open_descriptors, origin_here, video

from fetcher.domain.errors import (
    CertificateError,
    LinkRefusedError,
    OriginBusyError,
    TransferError,
    TransferInterruptedError,
    TransferStalledError,
    TransferStoppedError,
    UnsafeLinkError,
    WindowClosedError,
)
from fetcher.transfer.origin import Origin

_BODY = video(100_000)


@pytest.fixture
def server() -> Iterator[OriginServer]:
    with OriginServer() as running:
        running.add("/a.mp4", _BODY)
        yield running


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Origin]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with origin_here(read_timeout_s=1) as asked:
        yield asked


def _fetched(origin: Origin, url: str, tmp_path: Path) -> bytes:
    part = PlainPart(tmp_path / "a.part")
    Try(origin, part).fetch(url)
    return part.bytes


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_port_of_the_same_kind_is_followed(
    server: OriginServer, origin: Origin, tmp_path: Path, code: int
) -> None:
    with OriginServer() as front:
        front.script("/go", [redirect(server.url("/a.mp4"), code)])

        assert _BODY == _fetched(origin, front.url("/go"), tmp_path)


def test_a_relative_redirect_is_taken_from_where_it_stands(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/deep/go", [redirect("../a.mp4")])

    assert _BODY == _fetched(origin, server.url("/deep/go"), tmp_path)


@pytest.mark.parametrize(
    "location",
    [
        "https://10.0.0.1/a.mp4",
        "https://192.168.1.1/a.mp4",
        "https://169.254.169.254/latest/meta-data",
        "https://[fd00::1]/a.mp4",
        "https://[::ffff:10.0.0.1]/a.mp4",
        "https://0.0.0.0/a.mp4",
        "http://198.51.100.7/a.mp4",
        "http://example.com/a.mp4",
        "ftp://127.0.0.1/a.mp4",
        "file:///etc/passwd",
        "https://user:pw@127.0.0.1/a.mp4",
        "https://[bad/a.mp4",
        "https://",
        "javascript:1",
    ],
)
def test_f43_a_redirect_to_where_it_must_not_lead_is_not_followed(
    server: OriginServer, origin: Origin, tmp_path: Path, location: str
) -> None:
    server.script("/a.mp4", [redirect(location)])

    with pytest.raises(UnsafeLinkError):
        _fetched(origin, server.url("/a.mp4"), tmp_path)


def test_f43_a_redirect_to_this_machine_is_followed_only_where_the_api_is_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority)) as server, origin_here(loopback_too=False) as origin:
        server.script("/a.mp4", [redirect("/b.mp4")])

        with pytest.raises(UnsafeLinkError, match="private"):
            _fetched(origin, server.url("/a.mp4"), tmp_path)

        assert 1 == len(server.requests)


def test_f43_a_loop_of_redirects_ends(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect("/a.mp4")] * 11)

    with pytest.raises(UnsafeLinkError, match="more than 5"):
        _fetched(origin, server.url("/a.mp4"), tmp_path)

    assert 6 == len(server.requests)


def test_five_redirects_are_followed(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect("/a.mp4")] * 5)

    assert _BODY == _fetched(origin, server.url("/a.mp4"), tmp_path)


def test_a_redirect_to_nowhere_is_a_broken_answer(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect(None)])

    with pytest.raises(TransferInterruptedError, match="302"):
        _fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "nowhere.invalid"])
def test_f47_a_redirect_to_a_name_that_has_no_address_is_a_broken_line(
    server: OriginServer, origin: Origin, tmp_path: Path, host: str
) -> None:
    server.script("/a.mp4", [redirect(f"https://{host}/a.mp4")])

    with pytest.raises(TransferInterruptedError):
        _fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("url", ["http://example.com/a.mp4", "https://", "file:///etc/passwd", "nonsense"])
def test_f59_a_link_that_must_not_be_followed_is_not_asked(origin: Origin, tmp_path: Path, url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        _fetched(origin, url, tmp_path)


def test_a_file_comes_over_tls_from_an_origin_whose_certificate_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority)) as server, origin_here() as origin:
        assert _BODY == _fetched(origin, server.add("/a.mp4", _BODY), tmp_path)


@pytest.mark.parametrize(("names", "is_known"), [(("127.0.0.1",), False), (("other.example",), True)])
def test_f49_an_origin_that_cannot_prove_itself_is_asked_once_and_for_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, names: tuple[str, ...], is_known: bool
) -> None:
    authority = trustme.CA()
    (authority if is_known else trustme.CA()).cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority, *names)) as server, origin_here() as origin:
        with pytest.raises(CertificateError):
            _fetched(origin, server.url("/a.mp4"), tmp_path)

        assert (1, 0) == (server.connections, len(server.requests))


def test_plain_http_where_tls_is_spoken_is_a_broken_line(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    with pytest.raises(TransferInterruptedError):
        _fetched(origin, server.url("/a.mp4").replace("http://", "https://"), tmp_path)


@pytest.mark.parametrize("reply", [mute, stall(1000)])
def test_f46_silence_is_told_as_a_stall(
    server: OriginServer, origin: Origin, tmp_path: Path, reply: object
) -> None:
    server.script("/a.mp4", [reply])  # type: ignore[list-item]

    with pytest.raises(TransferStalledError):
        _fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("reply", [drip_head, mute, stall(1000)])
def test_f45_an_abort_is_told_as_what_it_was_meant_as(
    server: OriginServer, origin: Origin, tmp_path: Path, reply: object
) -> None:
    server.script("/a.mp4", [reply])  # type: ignore[list-item]
    tries = Try(origin, PlainPart(tmp_path / "a.part"))
    threading.Timer(0.3, lambda: tries.meter.abort(TransferStoppedError("enough"))).start()

    with pytest.raises(TransferStoppedError, match="enough"):
        tries.fetch(server.url("/a.mp4"))


@pytest.mark.parametrize(
    ("body", "kind"), [(COLD, WindowClosedError), (b"<Code>AccessDenied</Code>", LinkRefusedError), (b"", LinkRefusedError)]
)
def test_f33_a_403_means_what_its_body_says(
    server: OriginServer, origin: Origin, tmp_path: Path, body: bytes, kind: type[TransferError]
) -> None:
    server.script("/a.mp4", [status(403, body)])

    with pytest.raises(LinkRefusedError) as caught:
        _fetched(origin, server.url("/a.mp4"), tmp_path)

    assert kind is type(caught.value)


def test_f33_an_expired_link_is_told_with_the_origins_reason(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/a.mp4", [EXPIRED])

    with pytest.raises(LinkRefusedError, match="expired timestamp"):
        _fetched(origin, server.url("/a.mp4"), tmp_path)


def test_f52_a_busy_origin_is_told_with_its_pause(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [status(503, b"busy", Retry_After="17")])

    with pytest.raises(OriginBusyError) as caught:
        _fetched(origin, server.url("/a.mp4"), tmp_path)

    assert 17.0 == caught.value.retry_after


def test_f91_no_error_holds_the_links_secret(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    replies = [EXPIRED, status(404), status(503), redirect("ftp://127.0.0.1/?auth_key=canary"), b"nonsense", b""]
    for reply in replies:
        server.script("/a.mp4", [reply])

        with pytest.raises(TransferError) as caught:
            _fetched(origin, server.url("/a.mp4?auth_key=canary"), tmp_path)

        assert "canary" not in str(caught.value)


def test_a_failed_try_leaves_no_descriptor(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    _fetched(origin, server.url("/a.mp4"), tmp_path)
    server.break_connections()
    threads_before, before = threading.active_count(), open_descriptors()
    for reply in [EXPIRED, status(404), redirect("ftp://x/"), b"nonsense", b""] * 4:
        server.script("/a.mp4", [reply])
        with pytest.raises(TransferError):
            _fetched(origin, server.url("/a.mp4"), tmp_path)
    origin.close()
    server.break_connections()

    assert open_descriptors() <= before + 4
    assert threading.active_count() <= threads_before + 40


def _proxy(listening: socket.socket, server: OriginServer, seen: list[bytes]) -> None:
    """Pass one plain request on to *server*, whatever host it is for."""
    client, _ = listening.accept()
    with client, socket.create_connection(("127.0.0.1", server.port)) as onward:
        head = client.recv(65536)
        seen.append(head)
        target = head.split(b" ")[1]
        path = b"/" + target.split(b"/", 3)[3]
        onward.sendall(head.replace(target, path, 1).replace(b"Connection: keep-alive", b"Connection: close"))
        onward.shutdown(socket.SHUT_WR)
        while piece := onward.recv(65536):
            client.sendall(piece)


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
def test_f50_a_proxy_of_the_environment_is_asked_and_one_that_refuses_is_named(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
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
        with pytest.raises(TransferInterruptedError, match="HTTPS_PROXY") as caught:
            _fetched(origin, "https://cdn.example/a.mp4", tmp_path)
        proxy.join()

    assert asked[0].startswith(b"CONNECT cdn.example:443 ")
    assert "canary" not in str(caught.value)


def test_this_machine_is_never_asked_through_a_proxy(
    server: OriginServer, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert _BODY == _fetched(origin, server.url("/a.mp4"), tmp_path)


def test_the_ordinary_path_through_a_proxy_brings_the_same_bytes(
    server: OriginServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS through a CONNECT tunnel, resumed after a cut."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with OriginServer(tls=certificate(authority, "cdn.example")) as far, socket.create_server(
        ("127.0.0.1", 0)
    ) as listening:
        far.add("/a.mp4", _BODY)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{listening.getsockname()[1]}")
        threading.Thread(target=_tunnel, args=(listening, far), daemon=True).start()
        with closing(Origin(loopback_too=False, read_timeout_s=5)) as asked:
            part = PlainPart(tmp_path / "a.part", _BODY[:40_000])
            from fetcher.transfer.fetch import Known

            Try(asked, part, known=Known(have=40_000, size=len(_BODY))).fetch("https://cdn.example/a.mp4")

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
