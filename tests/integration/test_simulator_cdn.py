"""The simulator's CDN in order: validators, ranges, the bytes themselves."""

import hashlib
import re
from email.utils import parsedate_to_datetime

import fastcrc
import pytest
from simulator_client import SIZE, Client, add, whole


def test_serves_the_file_with_its_validators(client: Client) -> None:
    video = add(client.simulator)
    got = client.download(video)
    assert (200, whole(video)) == (got.status_code, got.body)
    assert (str(SIZE), "bytes", "text/plain") == tuple(
        got.headers[name] for name in ("Content-Length", "Accept-Ranges", "Content-Type")
    )
    assert re.fullmatch('"[0-9A-F]{32}-1"', got.headers["ETag"])
    assert parsedate_to_datetime(got.headers["Last-Modified"])
    assert "Content-Encoding" not in got.headers
    assert video.sha256() == hashlib.sha256(got.body).hexdigest()


def test_head_answers_the_headers_alone(client: Client) -> None:
    got = client.fetch(client.link(add(client.simulator)), method="HEAD")
    assert (200, b"", str(SIZE)) == (got.status_code, got.body, got.headers["Content-Length"])
    assert 0 == client.simulator.requests[-1].bytes_sent


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=70000-", 70_000, SIZE),
        ("bytes=5-9", 5, 10),
        ("bytes=199999-400000", 199_999, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        ("bytes=-900000", 0, SIZE),
    ],
)
def test_answers_a_range_with_206(client: Client, text: str, start: int, stop: int) -> None:
    video = add(client.simulator)
    got = client.download(video, Range=text)
    assert (206, video.read(start, stop)) == (got.status_code, got.body)
    assert f"bytes {start}-{stop - 1}/{SIZE}" == got.headers["Content-Range"]


@pytest.mark.parametrize("text", ["bytes=9-5", "bytes=-", "lines=0-5", "bytes=0-1,5-6", "bytes=a-"])
def test_a_range_it_does_not_understand_is_ignored(client: Client, text: str) -> None:
    got = client.download(add(client.simulator), Range=text)
    assert (200, SIZE) == (got.status_code, len(got.body))


@pytest.mark.parametrize("text", [f"bytes={SIZE}-", "bytes=900000-900001", "bytes=-0"])
def test_a_range_behind_the_end_answers_416_with_the_total(client: Client, text: str) -> None:
    got = client.download(add(client.simulator), Range=text)
    assert (416, f"bytes */{SIZE}") == (got.status_code, got.headers["Content-Range"])


def test_if_range_decides_between_206_and_200(client: Client) -> None:
    video = add(client.simulator)
    seen = client.download(video).headers

    def status(condition: str) -> int:
        return client.download(video, Range="bytes=10-", If_Range=condition).status_code

    assert [206, 206] == [status(seen["ETag"]), status(seen["Last-Modified"])]
    assert [200, 200, 200] == [
        status('"other"'),
        status(f"W/{seen['ETag']}"),
        status("Mon, 01 Jan 2001 00:00:00 GMT"),
    ]


def test_tells_the_crc64_of_the_whole_object_on_a_range_too(client: Client) -> None:
    client.simulator.library.crc = True
    video = add(client.simulator)
    expected = str(fastcrc.crc64.xz(whole(video)))
    assert expected == client.download(video, Range="bytes=5-").headers["x-oss-hash-crc64ecma"]


def test_a_path_without_a_video_answers_404(client: Client) -> None:
    assert 404 == client.http.get(f"{client.simulator.url}/a/b/c.mp4").status_code


@pytest.mark.parametrize("size", [0, 1, 23, 24, 25])
def test_tiny_bodies_have_their_size(client: Client, size: int) -> None:
    video = client.simulator.library.add_video(size=size)
    got = client.download(video)
    assert (200, size, whole(video)) == (got.status_code, len(got.body), got.body)


def test_a_given_body_is_served_verbatim(client: Client) -> None:
    video = client.simulator.library.add_video(body=b"verbatim")
    assert (b"verbatim", 8) == (client.download(video).body, video.size)
