"""What Polyv says of the sizes of videos: ``data`` in, sizes out, each row judged alone."""

import re
from typing import Any, Final

from fetcher.domain.errors import PolyvUnavailableError

_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)
_LARGEST: Final = 1 << 44
"""Bytes; no common file system takes a larger file."""


def parse_sizes(data: Any) -> dict[str, int]:
    """Return sizes in bytes, by vid. Where Polyv names none, or two that differ, there is none.

    Args:
        data: The envelope's ``data``: a list of videos, or an object with such a list as ``contents``.

    Raises:
        PolyvUnavailableError: It is neither.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_video_info
    """
    rows = data.get("contents") if isinstance(data, dict) else data
    if rows is None:
        return {}
    if not isinstance(rows, list):
        raise PolyvUnavailableError("Polyv's answer about sizes holds no list of videos")
    found = {row["vid"]: _size(row) for row in rows if isinstance(row, dict) and isinstance(row.get("vid"), str)}
    return {vid: size for vid, size in found.items() if size is not None}


def bytes_or_none(value: object) -> int | None:
    """Return a number of bytes, told as a number or as digits; None where it cannot be one."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    is_size = type(value) is int and 0 <= value <= _LARGEST
    return int(str(value)) if is_size else None


def _size(row: dict[str, Any]) -> int | None:
    told = {bytes_or_none(_field(row.get(part), "size")) for part in ("basicInfo", "metaData")} - {None}
    return told.pop() if len(told) == 1 else None


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
