"""Names, pauses, quantities, openings: the small pure rules."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.delay import rest_delay, retry_delay
from fetcher.domain.errors import NotAVideoError
from fetcher.domain.identifiers import is_task_id, is_vid, printable
from fetcher.domain.opening import require_video
from fetcher.domain.quantities import parse_duration, parse_size


@pytest.mark.parametrize("vid", ["1b448be32370f4822ac40fd926112a66_1", "Z" * 32 + "_z"])
def test_a_vid_is_32_letters_or_digits_a_line_and_one_more(vid: str) -> None:
    assert is_vid(vid)


@pytest.mark.parametrize("tail", ["", "_", "_12", "_1\n", "_é", "-1", "_1 "])
def test_anything_else_is_no_vid(tail: str) -> None:
    """F88."""
    assert not is_vid("a" * 32 + tail)
    assert not is_vid("../../etc/passwd")
    assert not is_vid("٣" * 32 + "_1")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a" * 8, True),
        ("a" * 64, True),
        ("a" * 7, False),
        ("a" * 65, False),
        ("a" * 8 + "\n", False),
        ("../" * 4, False),
        ("a-b_c-D9", True),
    ],
)
def test_a_task_id_is_8_to_64_letters_digits_and_lines(text: str, is_one: bool) -> None:  # noqa: FBT001
    """F62."""
    assert is_one == is_task_id(text)


def test_foreign_text_is_shown_without_what_drives_a_terminal() -> None:
    """F94."""
    assert "a\\u001b[31m\\u000ab\\u202e\\u009bc é 视频" == printable("a\x1b[31m\nb\u202e\x9bc é 视频")


@given(st.text(), st.integers(1, 50))
def test_what_is_shown_is_one_printable_line(text: str, limit: int) -> None:
    assert printable(text, limit=limit).isprintable()


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"])), st.integers(1, 50))
def test_what_is_cut_says_so(text: str, limit: int) -> None:
    assert (text if len(text) <= limit else text[:limit] + "…") == printable(text, limit=limit)


def test_pauses_double_up_to_a_minute() -> None:
    assert [1, 2, 4, 8, 16, 32, 60, 60] == [retry_delay(n, first_s=1, jitter=0) for n in range(1, 9)]


def test_the_jitter_takes_off_up_to_a_half() -> None:
    assert 1.5 == retry_delay(2, first_s=1.5, jitter=1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [(None, 2), (0, 2), (-5, 2), (30, 30), (3600, 3600), (315_360_000, 3600), (math.inf, 3600), (math.nan, 2)],
)
def test_what_the_origin_asks_for_is_obeyed_up_to_an_hour(asked: float | None, expected: float) -> None:
    """F52: seconds, none, absurd."""
    assert expected == retry_delay(2, first_s=1, jitter=0, asked_s=asked)


@given(st.integers(1, 10**9), st.floats(0, 600), st.floats(0, 1), st.one_of(st.none(), st.floats()))
def test_a_pause_is_a_number_between_half_the_first_and_an_hour(
    attempt: int, first_s: float, jitter: float, asked_s: float | None
) -> None:
    """F67: no negative or huge waits."""
    pause = retry_delay(attempt, first_s=first_s, jitter=jitter, asked_s=asked_s)
    assert first_s / 2 <= pause <= 3600


def test_tasks_asked_for_in_vain_are_asked_for_less_and_less_often() -> None:
    assert [60, 60, 90, 135, 200] == [rest_delay(n, first_s=60, longest_s=200) for n in range(5)]


@given(st.integers(0, 10**9), st.floats(0, 1e4), st.floats(0, 1e6))
def test_rests_stay_within_their_bounds(troubles: int, first_s: float, longest_s: float) -> None:
    assert first_s <= rest_delay(troubles, first_s=first_s, longest_s=longest_s) <= max(first_s, longest_s)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("500", 500),
        ("1k", 1024),
        ("20M", 20 << 20),
        ("1.5G", 3 << 29),
        ("2 TiB", 2 << 40),
        ("7KB", 7168),
        (" 1G ", 1 << 30),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes_are_powers_of_1024_to_the_byte(text: str, expected: int) -> None:
    assert expected == parse_size(text)


@pytest.mark.parametrize("text", ["", "G", "-1", "1e3", "1,5G", "20m", "5X", "1G2", "٣", "nan", "inf", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write 500M"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("90s", 90),
        ("50m", 3000),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("1d1h1m1s", 90061),
        ("0", 0),
    ],
)
def test_durations_add_up(text: str, expected: float) -> None:
    assert expected == parse_duration(text)


@pytest.mark.parametrize("text", ["", " ", "m", "-1h", "1m1h", "1 h", "1H", "soon", "1e3", "inf", "9" * 400])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write 90s"):
        parse_duration(text)


@pytest.mark.parametrize("text", [f"{size}{unit}" for size in ("1", "999999999999999999.5") for unit in "dhms"])
def test_every_duration_is_a_finite_number(text: str) -> None:
    assert math.isfinite(parse_duration(text))


@pytest.mark.parametrize(
    "opening",
    [
        b"<!DOCTYPE html><html>",
        b"  \r\n<HTML>",
        b"\xef\xbb\xbf<html lang=zh>",
        b"<head><title>login</title>",
        b'<?xml version="1.0"?><Error><Code>InvalidObjectState',
        b"<Error><Code>AccessDenied",
        b"<!-- proxy -->",
        b'{"code":403,"status":"error"}',
        b'{ "error" : null }',
        b"",
    ],
)
def test_a_page_or_an_error_document_is_no_video(opening: bytes) -> None:
    """F31, F32."""
    with pytest.raises(NotAVideoError):
        require_video(opening)


@pytest.mark.parametrize(
    "opening",
    [
        b"\0\0\0\x20ftypisom",
        b"FLV\x01\x05",
        b"\x1aE\xdf\xa3",
        b"G@\0\x10",
        b"ID3\x04",
        b"\x3c\x68\x74\x6dmdat",
        b"RIFF\0\0\0\0AVI ",
        b"\0" * 64,
        b"{not json",
        b"<",
    ],
)
def test_anything_else_may_be_a_video(opening: bytes) -> None:
    """Source files are whatever was uploaded: even a box whose length spells ``<htm``."""
    require_video(opening)
