"""Bytes from Polyv become data or an error of the domain, whatever they are."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.domain.errors import (
    CredentialsRefusedError,
    FetcherError,
    PolyvRefusedError,
    PolyvUnavailableError,
    VideoRefusedError,
)
from fetcher.polyv.answers import parse_envelope
from fetcher.polyv.failures import TimestampRefusedError

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_ENVELOPES = st.fixed_dictionaries(
    {},
    optional={
        "code": st.sampled_from([200, 400, 403, "200"]) | _JSON,
        "error": st.fixed_dictionaries(
            {"code": st.sampled_from([100, 101, 105, 2000, "104"]) | _JSON, "desc": _JSON}
        )
        | _JSON,
        "requestId": _JSON,
        "data": _JSON,
    },
)


def _refused(error: Any, *, code: object = 400) -> bytes:
    return json.dumps({"requestId": "r-7", "code": code, "status": "error", "error": error, "data": None}).encode()


@pytest.mark.parametrize("http_status", [200, 302, 403, 500])
def test_code_200_is_success_whatever_the_http_status(http_status: int) -> None:
    """F56."""
    assert [1] == parse_envelope(b'{"code": 200, "data": [1], "news": {}}', http_status=http_status)


def test_success_without_data_has_none() -> None:
    assert parse_envelope(b'{"code": 200}', http_status=200) is None


@pytest.mark.parametrize("code", [101, 102, 103, 104, 105, "104"])
def test_refused_credentials_stop_everything(code: object) -> None:
    """F56."""
    with pytest.raises(CredentialsRefusedError):
        parse_envelope(_refused({"code": code, "desc": "no"}), http_status=200)


def test_missing_permission_names_the_role() -> None:
    with pytest.raises(CredentialsRefusedError, match="内容分发"):
        parse_envelope(_refused({"code": 105, "desc": "permission limited"}, code=403), http_status=403)


def test_a_refused_timestamp_is_told_apart() -> None:
    """F66."""
    with pytest.raises(TimestampRefusedError):
        parse_envelope(_refused({"code": 100, "desc": "invalid timestamp"}), http_status=400)


def test_a_refused_video_is_told_apart() -> None:
    with pytest.raises(VideoRefusedError) as caught:
        parse_envelope(_refused({"code": 2000, "desc": "vid"}), http_status=400)

    assert (400, 2000, "r-7", False) == (
        caught.value.code,
        caught.value.error_code,
        caught.value.request_id,
        caught.value.retryable,
    )


@pytest.mark.parametrize(
    ("error", "error_code"),
    [
        ({"code": 10002, "desc": "parameter error"}, 10002),
        ({"code": "x", "desc": ["?"]}, None),
        ({}, None),
        (None, None),
        ("just a text", None),
        ({"code": 10**4000}, None),
        ({"code": True}, None),
        ([], None),
    ],
)
def test_an_unknown_refusal_may_be_tried_again(error: Any, error_code: int | None) -> None:
    with pytest.raises(PolyvRefusedError) as caught:
        parse_envelope(_refused(error), http_status=200)

    assert (PolyvRefusedError, True, error_code) == (
        type(caught.value),
        caught.value.retryable,
        caught.value.error_code,
    )


def test_a_description_is_kept_and_cannot_write_to_the_terminal() -> None:
    with pytest.raises(PolyvRefusedError, match="qps exceeds") as caught:
        parse_envelope(_refused({"code": 10002, "desc": "qps exceeds\x1b[2J\n" + "x" * 9999}), http_status=200)

    assert str(caught.value).isprintable()
    assert 500 > len(str(caught.value))


def test_a_description_cannot_repeat_the_signature() -> None:
    with pytest.raises(PolyvRefusedError) as caught:
        parse_envelope(_refused({"code": 1, "desc": "sign=82601B646C8D01FA9E1D12631C9803E1"}), http_status=200)

    assert "82601B" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "nothing"),
        (b" \r\n", "nothing"),
        (b"<html>canary</html>", "a page"),
        (b"canary", "6 bytes that are no JSON"),
        (b'{"code": 200, "data": [{"canary', r"unfinished JSON \(31 bytes\)$"),
        (b'\xef\xbb\xbf{"code": 200}', "JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"\x1f\x8b\x08\x00canary", "no JSON"),
        (b"[" * 1_000_000, "JSON"),
        (b'{"code": 200, "data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "JSON"),
        (b'{"code": 200} {"code": 200}', "JSON"),
        (b'{"code": ' + b"2" * 5000 + b"}", "JSON"),
        (b"null", "no code"),
        (b"[]", "no code"),
        (b"{}", "no code"),
        (b'"canary"', "no code"),
        (b'{"code": "200", "data": "canary"}', "no code"),
        (b'{"code": true}', "no code"),
        (b'{"code": 200.0}', "no code"),
        (b'{"code": null}', "no code"),
        (b'{"code": ' + b"4" * 4000 + b"}", "no code"),
    ],
)
def test_what_is_no_envelope_is_named_and_not_shown(body: bytes, said: str) -> None:
    """F55, F95."""
    with pytest.raises(PolyvUnavailableError, match=f"HTTP 502.*{said}") as caught:
        parse_envelope(body, http_status=502)

    assert "canary" not in str(caught.value)


# No deadline: how long a strategy takes on a busy machine is not what is tested.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.binary() | _ENVELOPES.map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_gives_data_or_an_error_of_ours(body: bytes) -> None:
    try:
        parse_envelope(body, http_status=200)
    except FetcherError as error:
        assert str(error).isprintable()  # noqa: PT017 - the property is about whatever is raised
