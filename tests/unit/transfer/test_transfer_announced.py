"""Digests that an origin names, and pauses it asks for."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.transfer.announced import announced_digests
from fetcher.transfer.pause import retry_after

_MD5 = hashlib.md5(b"x")
_SHA256 = hashlib.sha256(b"x")
_MD5_TEXT = base64.b64encode(_MD5.digest()).decode()
_SHA256_TEXT = f"sha-256=:{base64.b64encode(_SHA256.digest()).decode()}:"


def test_every_digest_that_is_named_is_found() -> None:
    headers = {
        "x-oss-hash-crc64ecma": "007",
        "repr-digest": f"md5=:AA==:, {_SHA256_TEXT}",
        "content-md5": _MD5_TEXT,
    }

    found = announced_digests(headers, whole=True)

    assert {"crc64": "7", "repr-digest": _SHA256.hexdigest(), "content-md5": _MD5.hexdigest()} == found


def test_content_md5_of_a_part_says_nothing_of_the_whole() -> None:
    assert {} == announced_digests({"content-md5": _MD5_TEXT}, whole=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-md5": "not base64"},
        {"content-md5": "QUJD"},
        {"content-md5": "中文"},
        {"x-oss-hash-crc64ecma": "-1"},
        {"x-oss-hash-crc64ecma": "18446744073709551616"},
        {"x-oss-hash-crc64ecma": "1, 2"},
        {"repr-digest": "sha-256=:QUJD:"},
        {"repr-digest": "sha-512=:QUJD:"},
        {"content-digest": _SHA256_TEXT},
        {"etag": f'"{_MD5.hexdigest()}"'},
    ],
)
def test_what_cannot_be_read_as_a_digest_of_the_whole_proves_nothing(headers: dict[str, str]) -> None:
    assert {} == announced_digests(headers, whole=True)


@given(
    st.dictionaries(st.sampled_from(["content-md5", "repr-digest", "x-oss-hash-crc64ecma"]), st.text(max_size=60))
)
def test_no_header_makes_reading_it_fail(headers: dict[str, str]) -> None:
    for digest in announced_digests(headers, whole=True).values():
        assert digest == digest.strip().lower()


_DATE = "Mon, 01 Jan 2024 00:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        (None, _DATE, None),
        ("0", None, 0.0),
        (" 120 ", None, 120.0),
        ("315360000", None, 315_360_000.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", _DATE, 90.0),
        ("Mon, 01 Jan 2024 01:01:30 +0100", _DATE, 90.0),
        ("Sun, 31 Dec 2023 00:00:00 GMT", _DATE, 0.0),
        ("Mon, 01 Jan 2024 00:01:30 GMT", None, None),
        ("Mon, 01 Jan 2024 00:01:30 GMT", "yesterday", None),
        ("soon", _DATE, None),
        ("-5", _DATE, None),
        ("1.5", _DATE, None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", _DATE, None),
        ("9999999999999", _DATE, None),
    ],
)
def test_f52_a_pause_is_read_in_seconds_or_as_a_date(
    value: str | None, date: str | None, expected: float | None
) -> None:
    assert expected == retry_after(value, date=date)


@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_f52_no_pause_that_can_be_written_makes_reading_it_fail(value: str, date: str | None) -> None:
    pause = retry_after(value, date=date)

    assert pause is None or pause >= 0
