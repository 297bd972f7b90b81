"""What the origin may answer before a byte of the file: redirects, refusals, silence."""

import threading
from pathlib import Path

import pytest
from origin import OriginServer, Reply
from origin_faults import COLD, EXPIRED, drip_head, mute, redirect, stall, status, with_headers
from transfer_cases import PlainPart, Try, fetched, open_descriptors, serving, video

from fetcher.domain.errors import (
    LinkRefusedError,
    OriginBusyError,
    RangeMismatchError,
    TransferError,
    TransferInterruptedError,
    TransferStalledError,
    TransferStoppedError,
    UnsafeLinkError,
    WindowClosedError,
)
from fetcher.transfer.origin import Origin

_BODY = video(100_000)

server = serving(_BODY)


@pytest.fixture
def origin(direct_origin: Origin) -> Origin:
    return direct_origin


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_port_of_the_same_kind_is_followed(
    server: OriginServer, origin: Origin, tmp_path: Path, code: int
) -> None:
    with OriginServer() as front:
        front.script("/go", [redirect(server.url("/a.mp4"), code)])

        assert _BODY == fetched(origin, front.url("/go"), tmp_path)


def test_a_relative_redirect_is_taken_from_where_it_stands(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/deep/go", [redirect("../a.mp4")])

    assert _BODY == fetched(origin, server.url("/deep/go"), tmp_path)


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
        fetched(origin, server.url("/a.mp4"), tmp_path)


def test_f43_a_loop_of_redirects_ends(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect("/a.mp4")] * 11)

    with pytest.raises(UnsafeLinkError, match="more than 5"):
        fetched(origin, server.url("/a.mp4"), tmp_path)

    assert 6 == len(server.requests)


def test_five_redirects_are_followed(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect("/a.mp4")] * 5)

    assert _BODY == fetched(origin, server.url("/a.mp4"), tmp_path)


def test_a_redirect_to_nowhere_is_a_broken_answer(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [redirect(None)])

    with pytest.raises(TransferInterruptedError, match="302"):
        fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "nowhere.invalid"])
def test_f47_a_redirect_to_a_name_that_has_no_address_is_a_broken_line(
    server: OriginServer, origin: Origin, tmp_path: Path, host: str
) -> None:
    server.script("/a.mp4", [redirect(f"https://{host}/a.mp4")])

    with pytest.raises(TransferInterruptedError):
        fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("url", ["http://example.com/a.mp4", "https://", "file:///etc/passwd", "nonsense"])
def test_f59_a_link_that_must_not_be_followed_is_not_asked(origin: Origin, tmp_path: Path, url: str) -> None:
    with pytest.raises(UnsafeLinkError):
        fetched(origin, url, tmp_path)


@pytest.mark.parametrize("reply", [mute, stall(1000)])
def test_f46_silence_is_told_as_a_stall(server: OriginServer, origin: Origin, tmp_path: Path, reply: Reply) -> None:
    server.script("/a.mp4", [reply])

    with pytest.raises(TransferStalledError):
        fetched(origin, server.url("/a.mp4"), tmp_path)


@pytest.mark.parametrize("reply", [drip_head, mute, stall(1000)])
def test_f45_an_abort_is_told_as_what_it_was_meant_as(
    server: OriginServer, origin: Origin, tmp_path: Path, reply: Reply
) -> None:
    server.script("/a.mp4", [reply])
    tries = Try(origin, PlainPart(tmp_path / "a.part"))
    threading.Timer(0.3, lambda: tries.meter.abort(TransferStoppedError("enough"))).start()

    with pytest.raises(TransferStoppedError, match="enough"):
        tries.fetch(server.url("/a.mp4"))


@pytest.mark.parametrize(
    ("body", "kind"),
    [(COLD, WindowClosedError), (b"<Code>AccessDenied</Code>", LinkRefusedError), (b"", LinkRefusedError)],
)
def test_f33_a_403_means_what_its_body_says(
    server: OriginServer, origin: Origin, tmp_path: Path, body: bytes, kind: type[TransferError]
) -> None:
    server.script("/a.mp4", [status(403, body)])

    with pytest.raises(LinkRefusedError) as caught:
        fetched(origin, server.url("/a.mp4"), tmp_path)

    assert kind is type(caught.value)


def test_f33_an_expired_link_is_told_with_the_origins_reason(
    server: OriginServer, origin: Origin, tmp_path: Path
) -> None:
    server.script("/a.mp4", [EXPIRED])

    with pytest.raises(LinkRefusedError, match="expired"):
        fetched(origin, server.url("/a.mp4"), tmp_path)


def test_f52_a_busy_origin_is_told_with_its_pause(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    server.script("/a.mp4", [status(503, b"busy", Retry_After="17")])

    with pytest.raises(OriginBusyError) as caught:
        fetched(origin, server.url("/a.mp4"), tmp_path)

    assert 17.0 == caught.value.retry_after


@pytest.mark.parametrize("length", ["-5", "+5", "0x10", "5, 5", "", "100000\r\nContent-Length: 100000"])
def test_f28_a_length_that_is_no_plain_number_or_comes_twice_is_refused(
    server: OriginServer, origin: Origin, tmp_path: Path, length: str
) -> None:
    """Even where both say the same: who counts from the other one's start sees another file."""
    server.script("/a.mp4", [with_headers(content_length=length)])

    with pytest.raises(RangeMismatchError, match="Content-Length"):
        fetched(origin, server.url("/a.mp4"), tmp_path)


def test_f91_no_error_holds_the_links_secret(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    replies: list[Reply] = [
        EXPIRED,
        status(404),
        status(503),
        redirect("ftp://127.0.0.1/?auth_key=canary"),
        b"nonsense",
        b"",
    ]
    for reply in replies:
        server.script("/a.mp4", [reply])

        with pytest.raises(TransferError) as caught:
            fetched(origin, server.url("/a.mp4?auth_key=canary"), tmp_path)

        assert "canary" not in str(caught.value)


def test_a_failed_try_leaves_no_descriptor(server: OriginServer, origin: Origin, tmp_path: Path) -> None:
    fetched(origin, server.url("/a.mp4"), tmp_path)
    server.break_connections()
    threads_before, before = threading.active_count(), open_descriptors()
    replies: list[Reply] = [EXPIRED, status(404), redirect("ftp://x/"), b"nonsense", b""]
    for reply in replies * 4:
        server.script("/a.mp4", [reply])
        with pytest.raises(TransferError):
            fetched(origin, server.url("/a.mp4"), tmp_path)
    origin.close()
    server.break_connections()

    assert open_descriptors() <= before + 4
    assert threading.active_count() <= threads_before + 40
