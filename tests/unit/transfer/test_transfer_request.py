"""The text of a request: what a link or a header says never becomes a second line."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.transfer.connection import Address
from fetcher.transfer.request import wanted

_REST = st.text("aZ09-._~!$&'()*+,;=:@/?%é視 \"<>[]{}|^`\\#", max_size=40)


def test_a_request_is_its_link_and_its_headers_to_the_letter() -> None:
    request = wanted("https://CDN.example/a/b.mp4?auth_key=1-2-3-f&x=%E8", {"Range": "bytes=5-", "X": ""})

    assert Address(secure=True, host="cdn.example", port=443) == request.address
    assert request.text == (
        b"GET /a/b.mp4?auth_key=1-2-3-f&x=%E8 HTTP/1.1\r\nHost: cdn.example\r\nRange: bytes=5-\r\nX: \r\n\r\n"
    )


@pytest.mark.parametrize(
    ("url", "host", "port", "named", "target"),
    [
        ("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1", "/"),
        ("http://localhost?a", "localhost", 80, "localhost", "/?a"),
        ("http://localhost:80/a", "localhost", 80, "localhost", "/a"),
        ("http://localhost:8080/a", "localhost", 8080, "localhost:8080", "/a"),
        ("http://[::1]:8080/a", "::1", 8080, "[::1]:8080", "/a"),
        ("http://[::1]/é", "::1", 80, "[::1]", "/%C3%A9"),
        (
            "https://视频.example/视频.mp4",
            "xn--cy2a840a.example",
            443,
            "xn--cy2a840a.example",
            "/%E8%A7%86%E9%A2%91.mp4",
        ),
        ("https://cdn_1.example/a b#c", "cdn_1.example", 443, "cdn_1.example", "/a%20b"),
        ("https://cdn.example/x/../a%", "cdn.example", 443, "cdn.example", "/a%"),
        ("https://cdn.example/x/../a", "cdn.example", 443, "cdn.example", "/a"),
    ],
)
def test_a_link_that_is_not_plain_is_put_in_order(url: str, host: str, port: int, named: str, target: str) -> None:
    request = wanted(url, {})

    assert (host, port) == (request.address.host, request.address.port)
    assert f"GET {target} HTTP/1.1\r\nHost: {named}\r\n\r\n".encode() == request.text


@given(scheme=st.sampled_from(["http", "https"]), host=st.sampled_from(["a", "B.c", "[::1]"]), rest=_REST)
def test_what_is_asked_for_is_what_httpx_asks_for(scheme: str, host: str, rest: str) -> None:
    """The two paths must not differ in what they ask."""
    url = f"{scheme}://{host}/{rest}"
    request, asked = wanted(url, {}), httpx.Request("GET", url)

    line, named, *_ = request.text.split(b"\r\n")
    assert b"GET %b HTTP/1.1" % asked.url.raw_path == line
    assert b"Host: " + asked.headers["host"].encode() == named


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.example/a\r\nX: y",
        "https://cdn.example/\na",
        "https://cdn.example\r\nX: y/a",
        "https://cdn.example/\x00",
        "https://cdn.example/\x7f",
        "https://",
        "https:///a",
        "ftp://cdn.example/a",
        "cdn.example/a",
        "/a",
        "",
        "https://a b/c",
        "https://[::1/c",
        "https://cdn.example:port/c",
    ],
)
def test_a_link_that_is_none_is_not_asked(url: str) -> None:
    with pytest.raises(httpx.InvalidURL):
        wanted(url, {})


@pytest.mark.parametrize(
    "headers",
    [
        {"X": "a\r\nY: b"},
        {"X": "a\nb"},
        {"X": "a\r"},
        {"X": "a\x00"},
        {"X": "视频"},
        {"X": " a"},
        {"X": "a "},
        {"X\r\nY": "b"},
        {"X Y": "b"},
        {"X:": "b"},
        {"": "b"},
        {"é": "b"},
    ],
)
def test_a_header_that_would_not_be_one_header_is_not_sent(headers: dict[str, str]) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        wanted("https://cdn.example/a", headers)


@given(url=st.text(max_size=60), name=st.text(max_size=10), value=st.text(max_size=20))
def test_nothing_makes_more_lines_of_a_request_than_it_has(url: str, name: str, value: str) -> None:
    for link in (url, f"https://cdn.example/{url}"):
        try:
            text = wanted(link, {name: value}).text
        except (httpx.InvalidURL, httpx.LocalProtocolError):
            continue
        assert (5, 4) == (len(text.split(b"\r\n")), text.count(b"\n"))
        assert all(32 <= byte < 127 for byte in text.replace(b"\r\n", b""))
