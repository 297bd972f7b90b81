"""Links: whose text can be one, and what their clocks tell (F38, F39, F59)."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.link import Link, auth_timestamp, is_loopback, is_usable, start_by, without_secret

BORN: Final = 1_694_663_401_000
"""When the link of the vendor's sample was made: createTime, successTime and auth_key alike."""
LIFETIME_S: Final = 1800
KEY: Final = "3iwFnV2uJx-ac59aff03d-c71c8c4e01284d892c2dc9ad1ee57272"
BASE: Final = "https://video-dl-2.videocc.net/1b448be323/6/1b448be32370f4822ac40fd926112a66.mp4"


def deadline(stamp: object, *, obtained_at: int = BORN, success_at: int | None = BORN) -> int | None:
    """Return the deadline of a link whose auth_key begins with *stamp*."""
    link = Link(url=f"{BASE}?auth_key={stamp}-{KEY}", obtained_at=obtained_at, success_at=success_at)
    return link.deadline(lifetime_s=LIFETIME_S)


def test_the_vendors_sample_stamped_with_its_own_birth_is_not_dead_at_birth() -> None:
    """F39: read as an expiry its timestamp would be over at once."""
    assert BORN + 1_800_000 == deadline(1694663401)


def test_a_timestamp_after_the_preparation_is_the_moment_of_expiry() -> None:
    assert BORN + 7_200_000 == deadline(1694663401 + 7200)


def test_a_link_signed_anew_long_after_the_preparation_lives_from_then() -> None:
    later = BORN + 86_400_000
    assert later + 1_800_000 == deadline(later // 1000, obtained_at=later)


@pytest.mark.parametrize("ahead_s", [1, 4, 5])
def test_a_clock_that_is_seconds_ahead_of_ours_does_not_make_the_birth_an_expiry(ahead_s: int) -> None:
    """F67: two clocks are never the same."""
    assert BORN + ahead_s * 1000 + 1_800_000 == deadline(1694663401 + ahead_s)


def test_without_a_time_of_success_the_moment_of_obtaining_counts() -> None:
    assert BORN + 1_800_000 == deadline(1694663401, success_at=None)
    assert BORN + 60_000 == deadline(1694663401 + 60, success_at=None)


@pytest.mark.parametrize(
    ("success_s", "stamped_s", "dies_s"), [(180, 180, 180 + LIFETIME_S), (180, 600, 600), (8 * 3600, 600, 600)]
)
def test_f64_a_success_hours_ahead_makes_no_expiry_a_birth(success_s: int, stamped_s: int, dies_s: int) -> None:
    """China's time told as UTC: the link dies when it says so all the same."""
    found = deadline(1694663401 + stamped_s, success_at=BORN + success_s * 1000)
    assert BORN + dies_s * 1000 == found


@pytest.mark.parametrize(
    "stamp",
    [
        "1694663401000",
        "0",
        "1",
        "000000001",
        "4070908800",
        "99999999999",
        "",
        "soon",
        "-1",
        "1e9",
        "\uff11" * 10,
    ],
)
def test_a_timestamp_that_no_clock_can_mean_tells_nothing(stamp: str) -> None:
    """F38: milliseconds, 1970, 2099, no number: unknown, so the most urgent, never a crash."""
    assert deadline(stamp) is None


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?",
        "?auth_key",
        "?auth_key=",
        "?Expires=1694663401&Signature=abc",
        "?X-Amz-Expires=3600&X-Amz-Date=20230914T034001Z",
        "?sign=abc&t=65028269",
        "?AUTH_KEY=1694663401-a-b-c",
        "?auth_key=1694663401",
        "?auth_key=1694663401-a-b-c-d",
        "?auth_key=1694663401-a-b-xyz",
        "#auth_key=1694663401-a-b-c",
    ],
)
def test_other_forms_of_a_signature_tell_nothing(query: str) -> None:
    """F38: absent, other names, other shapes."""
    assert auth_timestamp(BASE + query) is None


def test_the_auth_key_is_found_among_other_parameters() -> None:
    assert BORN == auth_timestamp(f"{BASE}?a=1&auth_key=1694663401-{KEY}&b=2")


@given(st.text(max_size=40), st.integers(0, 2**45), st.one_of(st.none(), st.integers(0, 2**45)))
def test_no_stamp_makes_the_deadline_crash_or_lie_a_month_ahead(
    stamp: str, obtained_at: int, success_at: int | None
) -> None:
    link = Link(url=f"{BASE}?auth_key={stamp}-a-b-c", obtained_at=obtained_at, success_at=success_at)
    found = link.deadline(lifetime_s=LIFETIME_S)
    assert found is None or found <= obtained_at + 31 * 86_400_000


def test_the_window_ends_its_days_after_the_preparation() -> None:
    given = Link(url=BASE, obtained_at=BORN + 1, success_at=BORN)
    assert BORN + 7 * 86_400_000 == given.window_ends_at(expire_days=7)
    too_late = Link(url=BASE, obtained_at=BORN, success_at=BORN + 1)
    assert BORN + 7 * 86_400_000 == too_late.window_ends_at(expire_days=7), "F64: it was ready when it was given"
    assert Link(url=BASE, obtained_at=0).window_ends_at(expire_days=7) is None


def test_a_links_repr_does_not_show_it() -> None:
    """F91."""
    assert "auth_key" not in repr(Link(url=f"{BASE}?auth_key=1", obtained_at=0))


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}?auth_key=1694663401-{KEY}",
        "HTTPS://H/a.mp4",
        "https://h:8443/a.mp4?x=%0d%0a",
        "https://[2001:db8::1]/a.mp4",
        "https://xn--fiq228c/a.mp4",
        "https://h/视频.mp4",
        "https://h/" + "a" * 8182,
    ],
)
def test_https_to_a_host_is_usable(url: str) -> None:
    assert is_usable(url, loopback_too=False)


@pytest.mark.parametrize(
    "url",
    [
        None,
        7,
        b"https://h/a",
        ["https://h/a"],
        "",
        "/a.mp4",
        "a.mp4",
        "//h/a.mp4",
        "http://h/a.mp4",
        "ftp://h/a.mp4",
        "file:///etc/passwd",
        "file://h/etc/passwd",
        "javascript:alert(1)",
        "https:/h/a",
        "https://",
        "https:///a.mp4",
        "https://:443/a",
        " https://h/a",
        "https://h/a b",
        "https://h/a\r\nHost: x",
        "https://h/a\n",
        "https://h/a\t",
        "https://h/a\x00",
        "https://h/a\x7f",
        "https://h/a\x9b31m",
        "https://h/a\u2028b",
        "https://h/a\u202eb",
        "https://h\\@evil/a",
        "https://user@h/a",
        "https://user:word@h/a",
        "https://:word@h/a",
        "https://@h/a",
        "https://[::1/a",
        "https://[zz]/a",
        "https://h:99999/a",
        "https://h:x/a",
        "https://h/" + "a" * 8183,
    ],
)
def test_anything_else_is_no_link(url: object) -> None:
    """F59, F94."""
    assert not is_usable(url, loopback_too=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "LOCALHOST", "[::1]"])
def test_plain_http_counts_to_this_machine_alone_and_only_where_allowed(host: str) -> None:
    assert is_usable(f"http://{host}:8000/a", loopback_too=True)
    assert not is_usable(f"http://{host}:8000/a", loopback_too=False)


@pytest.mark.parametrize(
    "host", ["127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "::2", "1270.0.0.1"]
)
def test_names_that_resemble_this_machine_are_not_it(host: str) -> None:
    assert not is_loopback(host)


def test_host_and_path_are_what_is_shown_of_a_link() -> None:
    assert "h/a/b.mp4" == without_secret("https://user:word@h:8443/a/b.mp4?auth_key=1#f")
    assert "(a link that is none)" == without_secret("https://[::1/a?auth_key=1")


@given(st.text(max_size=30).filter(lambda before: "secret" not in before), st.text(max_size=30))
def test_what_is_shown_never_holds_a_query_or_a_control_character(before: str, after: str) -> None:
    """F91, F94."""
    shown = without_secret(f"https://h/{before}?auth_key={after}secret{after}")
    assert "secret" not in shown
    assert shown.isprintable()


@given(st.text())
def test_judging_any_text_never_raises(text: str) -> None:
    is_usable(f"https://{text}", loopback_too=True)
    is_usable(text, loopback_too=True)
    without_secret(text)


@pytest.mark.parametrize(
    ("deadline", "window_ends_at", "signs_anew", "expected"),
    [
        (5, 9, False, 5),
        (9, 5, False, 5),
        (5, None, False, 5),
        (None, 9, False, None),
        (None, None, False, None),
        (5, 9, True, 9),
        (9, 5, True, 5),
        (5, None, True, 5),
        (None, 9, True, 9),
        (None, None, True, None),
    ],
)
def test_a_link_that_is_signed_anew_loses_its_video_with_the_window_alone_any_other_with_what_ends_first(
    deadline: int | None,
    window_ends_at: int | None,
    signs_anew: bool,  # noqa: FBT001
    expected: int | None,
) -> None:
    found = start_by(deadline=deadline, window_ends_at=window_ends_at, signs_anew=signs_anew)
    assert expected == found
