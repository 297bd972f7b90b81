"""Every branch of the judgement on a response's head."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.errors import (
    FetcherError,
    LinkRefusedError,
    NotAVideoError,
    ObjectChangedError,
    OriginBusyError,
    RangeMismatchError,
    SourceGoneError,
    TransferInterruptedError,
)
from fetcher.transfer.judge import Asked, judge

_HALF = Asked(have=50, size=100, etag='"a"', last_modified="Mon, 01 Jan 2024 00:00:00 GMT")


def _partial(content_range: str, **others: str) -> dict[str, str]:
    return {"content-range": content_range, **{name.replace("_", "-"): value for name, value in others.items()}}


def test_a_first_request_asks_for_the_whole_file_as_it_is() -> None:
    assert {"Accept-Encoding": "identity", "Accept": "*/*"} == Asked().headers()


def test_a_resume_asks_for_the_rest_of_the_same_file() -> None:
    headers = _HALF.headers()

    assert ("bytes=50-", '"a"') == (headers["Range"], headers["If-Range"])


def test_f24_a_weak_validator_never_goes_into_if_range() -> None:
    assert "If-Range" not in Asked(have=50, etag='W/"a"').headers()


def test_the_whole_file_is_taken_from_its_start() -> None:
    head = judge(200, {"content-length": "100", "etag": '"a"', "last-modified": "x"}, Asked())

    assert (0, 100, 100, True) == (head.offset, head.size, head.length, head.is_framed)
    assert ('"a"', "x") == (head.etag, head.last_modified)


def test_f21_a_200_to_a_range_is_the_whole_file() -> None:
    assert 0 == judge(200, {"content-length": "100"}, _HALF).offset


def test_f13_a_body_without_length_or_chunks_has_no_end_that_can_be_told() -> None:
    assert not judge(200, {}, Asked()).is_framed


def test_a_chunked_body_has_an_end_but_no_length() -> None:
    head = judge(200, {"transfer-encoding": "Chunked"}, Asked())

    assert (True, None, None) == (head.is_framed, head.length, head.size)


def test_a_partial_answer_belongs_where_it_was_asked_for() -> None:
    head = judge(206, _partial("bytes 50-99/100", content_length="50", etag='"a"'), _HALF)

    assert (50, 100, 50, '"a"') == (head.offset, head.size, head.length, head.etag)


def test_f20_a_206_may_cover_less_than_asked() -> None:
    assert 10 == judge(206, _partial("bytes 50-59/100", etag='"a"'), _HALF).length


def test_a_206_of_unknown_total_keeps_the_size_known_before() -> None:
    assert 100 == judge(206, _partial("bytes 50-99/*", etag='"a"'), _HALF).size


def test_a_206_is_accepted_from_byte_0_where_a_range_was_asked_for_to_learn_the_size() -> None:
    assert 100 == judge(206, _partial("bytes 0-99/100"), Asked(as_range=True)).size


def test_f25_a_416_that_gives_the_parts_own_size_says_that_it_is_whole() -> None:
    head = judge(416, _partial("bytes */100"), Asked(have=100))

    assert (100, 100, 0) == (head.offset, head.size, head.length)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(_partial("bytes 40-99/100"), id="F16 overlap"),
        pytest.param(_partial("bytes 60-99/100"), id="F17 gap"),
        pytest.param({}, id="F19 no Content-Range"),
        pytest.param({"content-type": "multipart/byteranges; boundary=x"}, id="F19 multipart"),
        pytest.param(_partial("items 50-99/100"), id="F19 other unit"),
        pytest.param(_partial("bytes 50-/100"), id="F19 bad syntax"),
        pytest.param(_partial("bytes 50-99/100, bytes 50-99/100"), id="F19 twice"),
        pytest.param(_partial("bytes 50-49/100"), id="last before first"),
        pytest.param(_partial("bytes 50-100/100"), id="last behind the total"),
        pytest.param(_partial("bytes 50-99/100", content_length="49"), id="length differs"),
        pytest.param(_partial("bytes 50-99999999999999998/99999999999999999"), id="larger than any file"),
    ],
)
def test_a_206_that_does_not_fit_the_question_is_refused(headers: dict[str, str]) -> None:
    """F16, F17, F19."""
    with pytest.raises(RangeMismatchError):
        judge(206, headers, Asked(have=50))


def test_a_206_to_a_request_without_range_is_refused() -> None:
    with pytest.raises(RangeMismatchError):
        judge(206, _partial("bytes 0-99/100"), Asked())


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(_partial("bytes 50-100/101"), id="F18 other total"),
        pytest.param(_partial("bytes 50-99/100", etag='"b"'), id="F23 other ETag"),
        pytest.param(_partial("bytes 50-99/100", last_modified="Tue"), id="other Last-Modified"),
    ],
)
def test_a_206_of_another_file_is_refused(headers: dict[str, str]) -> None:
    """F18."""
    with pytest.raises(ObjectChangedError):
        judge(206, headers, _HALF)


@pytest.mark.parametrize(
    ("known", "headers", "is_taken"),
    [
        ({"etag": '"a"'}, {"etag": '"a"'}, True),
        ({"etag": '"a"'}, {"etag": 'W/"a"'}, False),
        ({"etag": 'W/"a"'}, {"etag": 'W/"a"'}, False),
        ({"etag": '"a"'}, {}, False),
        ({"etag": '"a"', "last_modified": "Mon"}, {"last_modified": "Mon"}, True),
        ({"last_modified": "Mon"}, {"etag": '"a"'}, False),
        ({}, {}, False),
        ({"is_digested": True}, {}, True),
        ({}, {"x_oss_hash_crc64ecma": "5"}, True),
    ],
)
def test_f24_a_rest_is_taken_where_it_is_proven_or_a_digest_decides(
    known: dict[str, Any], headers: dict[str, str], *, is_taken: bool
) -> None:
    asked = Asked(have=50, size=100, **known)
    if is_taken:
        assert 50 == judge(206, _partial("bytes 50-99/100", **headers), asked).offset
    else:
        with pytest.raises(RangeMismatchError, match="nothing proves"):
            judge(206, _partial("bytes 50-99/100", **headers), asked)


def test_f22_a_200_with_a_content_range_is_refused() -> None:
    with pytest.raises(RangeMismatchError):
        judge(200, _partial("bytes 50-99/100", content_length="50"), _HALF)


def test_f22_a_whole_file_of_another_size_under_the_same_validator_is_refused() -> None:
    with pytest.raises(ObjectChangedError):
        judge(200, {"content-length": "99", "etag": '"a"'}, _HALF)


def test_f23_a_whole_file_of_another_size_under_another_validator_is_a_new_file() -> None:
    assert 99 == judge(200, {"content-length": "99", "etag": '"b"'}, _HALF).size


@pytest.mark.parametrize(
    "text", ["-1", "+5", "1_0", "5, 5", "0x10", "", "9223372036854775807", "99999999999999999"]
)
def test_f28_a_content_length_that_is_no_plausible_number_is_refused(text: str) -> None:
    with pytest.raises(RangeMismatchError):
        judge(200, {"content-length": text}, Asked())


def test_f27_an_empty_body_is_no_video() -> None:
    with pytest.raises(NotAVideoError):
        judge(200, {"content-length": "0"}, Asked())


@pytest.mark.parametrize("status", [200, 206])
@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-encoding": "identity, br"},
        {"transfer-encoding": "gzip, chunked"},
        {"transfer-encoding": "chunked, chunked"},
        {"transfer-encoding": "gzip"},
    ],
)
def test_f26_an_encoded_body_is_refused(status: int, headers: dict[str, str]) -> None:
    with pytest.raises(NotAVideoError):
        judge(status, {"content-length": "50", "content-range": "bytes 50-99/100", **headers}, _HALF)


@pytest.mark.parametrize("text", ["bytes */99", "bytes */101", "bytes */*", "bytes 0-99/100", "", "garbage"])
def test_f25_a_416_that_does_not_prove_the_part_whole_is_refused(text: str) -> None:
    with pytest.raises(RangeMismatchError):
        judge(416, {"content-range": text}, Asked(have=100))


def test_f25_a_416_for_an_empty_part_is_refused() -> None:
    with pytest.raises(RangeMismatchError):
        judge(416, {"content-range": "bytes */0"}, Asked(as_range=True))


def test_a_416_of_another_file_is_refused() -> None:
    with pytest.raises(RangeMismatchError):
        judge(416, {"content-range": "bytes */100", "etag": '"b"'}, Asked(have=100, etag='"a"'))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, LinkRefusedError),
        *[(status, SourceGoneError) for status in (401, 404, 410)],
        *[(status, OriginBusyError) for status in (408, 425, 429, 500, 502, 503, 504, 599)],
        *[(status, TransferInterruptedError) for status in (101, 204, 300, 302, 304, 400, 402, 412, 451)],
    ],
)
def test_a_status_without_a_usable_body_has_one_meaning(status: int, kind: type[FetcherError]) -> None:
    with pytest.raises(kind):
        judge(status, {}, Asked())


def test_f33_what_the_origin_says_of_a_refused_link_is_told() -> None:
    with pytest.raises(LinkRefusedError, match="expired"):
        judge(403, {"x-tengine-error": "denied by req auth: expired timestamp"}, Asked())


def test_f52_the_pause_that_was_asked_for_is_told() -> None:
    with pytest.raises(OriginBusyError) as caught:
        judge(503, {"retry-after": "7"}, Asked())

    assert (503, 7.0) == (caught.value.status_code, caught.value.retry_after)


_TEXTS = st.sampled_from(
    ["0", "5", "50", "bytes 50-99/100", "bytes 0-4/5", "bytes */50", '"a"', 'W/"a"', "chunked"]
)


@given(
    status=st.integers(100, 599),
    headers=st.dictionaries(
        st.sampled_from(["content-length", "content-range", "etag", "transfer-encoding", "content-encoding"]),
        _TEXTS | st.text(max_size=12),
    ),
    have=st.sampled_from([0, 50]),
    size=st.sampled_from([None, 100]),
)
def test_whatever_comes_is_judged_or_refused_in_our_own_words(
    status: int, headers: dict[str, str], have: int, size: int | None
) -> None:
    """No foreign error, and never an offset that was not asked for."""
    try:
        head = judge(status, headers, Asked(have=have, size=size, etag='"a"'))
    except FetcherError:
        return
    assert head.offset in (0, have)
    assert head.size is None or head.length is None or head.offset + head.length <= head.size
