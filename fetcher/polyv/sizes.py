"""How large a source is, by what Polyv says of it."""

import re
from typing import Any, Final

_DIGITS: Final = re.compile(r"\d{1,15}", re.ASCII)
_LARGEST: Final = 1 << 44
"""Bytes; no common file system takes a larger file."""


def bytes_or_none(value: object) -> int | None:
    """Return a number of bytes, told as a number or as digits; None where it cannot be one."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    is_size = type(value) is int and 0 <= value <= _LARGEST
    return int(str(value)) if is_size else None


def told_size(row: dict[str, Any]) -> int | None:
    """Return the size that a video's row names, in bytes; None where it names none, or two that differ."""
    told = {bytes_or_none(_field(row.get(part), "size")) for part in ("basicInfo", "metaData")} - {None}
    return told.pop() if len(told) == 1 else None


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None
