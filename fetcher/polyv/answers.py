"""The envelope of Polyv's answers: bytes in, ``data`` or an error of the domain out."""

import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import msgspec

from fetcher.domain.errors import (
    CredentialsRefusedError,
    PolyvRefusedError,
    PolyvUnavailableError,
    VideoRefusedError,
)
from fetcher.domain.identifiers import printable
from fetcher.domain.masking import masked
from fetcher.polyv.failures import TimestampRefusedError, TooOftenError

_SUCCESS: Final = 200
_LARGEST_CODE: Final = 999_999_999
_BAD_TIMESTAMP: Final = 100
_BAD_VIDEO: Final = 2000
_TOO_MANY: Final = 429
_QPS: Final = "qps exceeds"
"""What other products of the vendor say where they are asked too often, under changing codes."""
_CREDENTIALS: Final[Mapping[int | None, str]] = {
    101: "Polyv does not know this appId: check POLYV_APP_ID or app_id",
    102: "Polyv does not know the sub-account: check POLYV_APP_ID or app_id, and in the console that it exists",
    103: "the sub-account has expired: renew it in Polyv's console",
    104: "Polyv refuses the signature: check the app secret",
    105: "the sub-account may not do this: give it the role 内容分发 in Polyv's console",
}
_LONGEST_TEXT: Final = 10_000
"""Letters of a foreign text that are looked at."""
_SIGN: Final = re.compile(r"\b(?:[0-9A-F]{32}|[0-9A-F]{40})\b")


def parse_envelope(body: bytes, *, http_status: int, secrets: tuple[str, ...] = ()) -> Any:
    """Return what Polyv's answer carries in ``data``, unchecked.

    Args:
        body: The whole body. It is never shown: a proxy's error page repeats the address, signature included.
        http_status: Only for the error's text; whether it agrees with ``code`` is undocumented.
        secrets: What may stand in no error's text. Whoever refuses a signature likes to tell what was to be signed.

    Raises:
        TimestampRefusedError: Error 100.
        CredentialsRefusedError: Errors 101 to 105.
        VideoRefusedError: Error 2000.
        TooOftenError: HTTP 429, code 429, or a text that says so.
        PolyvRefusedError: Any other envelope that is no success.
        PolyvUnavailableError: What came is no envelope.

    Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
    """
    envelope = _decoded(body, http_status)
    code = envelope.get("code") if isinstance(envelope, dict) else None
    if type(code) is not int or abs(code) > _LARGEST_CODE:
        raise PolyvUnavailableError(f"Polyv answered HTTP {http_status} with JSON that has no code in it")
    if code != _SUCCESS:
        _refuse(envelope, code, secrets, is_too_often=_TOO_MANY in (code, http_status))
    return envelope.get("data")


def _decoded(body: bytes, http_status: int) -> Any:
    # RecursionError is the decoder's own answer to a tower of brackets.
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass
    raise PolyvUnavailableError(f"Polyv answered HTTP {http_status} with {_kind(body)}")


def _kind(body: bytes) -> str:
    text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not text:
        return "nothing instead of JSON"
    if text.startswith(b"<"):
        return f"a page ({len(body)} bytes) instead of JSON"
    if text.startswith((b"{", b"[")):
        return f"broken or unfinished JSON ({len(body)} bytes)"
    return f"{len(body)} bytes that are no JSON"


def _refuse(envelope: Mapping[str, Any], code: int, secrets: tuple[str, ...], *, is_too_often: bool) -> NoReturn:
    error = envelope.get("error")
    fields = error if isinstance(error, dict) else {}
    error_code = _int_or_none(fields.get("code"))
    request_id = _text(envelope.get("requestId"), secrets, limit=64) or None
    texts = (_text(some, secrets) for some in (fields.get("desc"), error, envelope.get("message")))
    said = next(filter(None, texts), "no reason given")
    where = f"code {code}, error {error_code}, {said!r}, request {request_id}"
    if error_code in _CREDENTIALS:
        raise CredentialsRefusedError(f"{_CREDENTIALS[error_code]} ({where})")
    usual = _TOO_OFTEN if is_too_often or _QPS in said else _REFUSED
    kind, text = _REFUSALS.get(error_code, usual)
    raise kind(f"{text} ({where})", code=code, error_code=error_code, request_id=request_id)


_Refusal = tuple[type[PolyvRefusedError], str]
_REFUSED: Final[_Refusal] = (PolyvRefusedError, "Polyv refused the request")
_TOO_OFTEN: Final[_Refusal] = (TooOftenError, "Polyv is asked too often")
_REFUSALS: Final[Mapping[int | None, _Refusal]] = {
    _BAD_TIMESTAMP: (TimestampRefusedError, "Polyv refuses the timestamp"),
    _BAD_VIDEO: (VideoRefusedError, "a video id is wrong or belongs to another account"),
}


def _text(value: object, secrets: tuple[str, ...], *, limit: int = 200) -> str:
    """Return foreign text fit for a log; what is no text gives none, and what may be a secret is cut out."""
    if not isinstance(value, str):
        return ""
    return printable(_SIGN.sub("(removed)", masked(value[:_LONGEST_TEXT], secrets)), limit=limit)


def _int_or_none(value: object) -> int | None:
    if type(value) is int and abs(value) <= _LARGEST_CODE:
        return value
    is_number = isinstance(value, str) and re.fullmatch(r"\d{1,9}", value, re.ASCII)
    return int(str(value)) if is_number else None
