"""Digests that an origin names."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.transfer.announced import announced_digests

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
