"""Digests of the whole file that an origin names in its headers.

Source: RFC 9530 (Repr-Digest: of the whole representation, on a 206 too); RFC 1864 (Content-MD5: of what was
sent, so of the whole on a 200 alone); Alibaba Cloud OSS (``x-oss-hash-crc64ecma``: CRC-64/XZ of the whole
object, decimal, on every answer).
"""

import base64
import re
from collections.abc import Mapping
from typing import Final

_CRC64: Final = re.compile(r"\d{1,20}", re.ASCII)
_REPR_SHA256: Final = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):", re.ASCII)
_CRC64_END: Final = 1 << 64
_MD5_BYTES: Final = 16
_SHA256_BYTES: Final = 32


def announced_digests(headers: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Return what can be compared with, by evidence: hex digests, the CRC-64 in decimal.

    Args:
        headers: By lower-case name.
        whole: Whether the body is the whole file (a 200).
    """
    found: dict[str, str] = {}
    if _CRC64.fullmatch(crc64 := headers.get("x-oss-hash-crc64ecma", "").strip()) and int(crc64) < _CRC64_END:
        found["crc64"] = str(int(crc64))
    if piece := _REPR_SHA256.search(headers.get("repr-digest", "")):
        _add(found, "repr-digest", piece[1], _SHA256_BYTES)
    if whole:
        _add(found, "content-md5", headers.get("content-md5", ""), _MD5_BYTES)
    return found


def _add(found: dict[str, str], evidence: str, text: str, size: int) -> None:
    """Note a base64 digest unless it is malformed: a header that cannot be read proves nothing either way."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return
    if len(raw) == size:
        found[evidence] = raw.hex()
