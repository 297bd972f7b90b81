"""Dates and pauses as HTTP writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.http_time import http_date_s, retry_after_s

_NOON = "Thu, 14 Sep 2023 12:00:00 GMT"
_NOON_S = 1_694_692_800.0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (_NOON, _NOON_S),
        ("Thu, 14 Sep 2023 12:00:00 -0000", _NOON_S),
        ("Thu, 14 Sep 2023 13:00:00 +0100", _NOON_S),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("yesterday", None),
        ("Thu, 99 Sep 2023 12:00:00 GMT", None),
        ("Thu, 14 Sep 99999999999999999999 12:00:00 GMT", None),
    ],
)
def test_a_date_is_a_moment_whatever_its_zone(header: str | None, expected: float | None) -> None:
    assert expected == http_date_s(header)


@pytest.mark.parametrize(
    ("header", "now_s", "expected"),
    [
        (None, _NOON_S, None),
        ("", _NOON_S, None),
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("315360000", None, 315_360_000.0),
        ("9999999999999", _NOON_S, None),
        ("9" * 400, _NOON_S, None),
        ("soon", _NOON_S, None),
        ("-5", _NOON_S, None),
        ("1.5", _NOON_S, None),
        (_NOON, _NOON_S - 90, 90.0),
        (_NOON, _NOON_S + 90, 0.0),
        (_NOON, None, None),
    ],
)
def test_f52_a_pause_is_read_in_seconds_or_as_a_date(
    header: str | None, now_s: float | None, expected: float | None
) -> None:
    assert expected == retry_after_s(header, now_s=now_s)


@given(st.text(max_size=40), st.none() | st.floats(0, 1e11))
def test_f52_no_pause_that_can_be_written_makes_reading_it_fail(header: str, now_s: float | None) -> None:
    pause = retry_after_s(header, now_s=now_s)

    assert pause is None or pause >= 0
