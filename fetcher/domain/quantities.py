"""Sizes and durations as people write them: ``20M``, ``1.5G``, ``50m``, ``2h``."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"(\d{1,18}(?:\.\d{1,18})?)"
_SIZE: Final = re.compile(rf"{_NUMBER}\s*([kKMGT]?)(?:i?B)?", re.ASCII)
_DURATION: Final = re.compile(rf"(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s?)?", re.ASCII)
_POWER: Final[Mapping[str, int]] = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SECONDS: Final = (86_400, 3_600, 60, 1)


def parse_size(text: str) -> int:
    """Return bytes; K, M, G and T are powers of 1024.

    Raises:
        ValueError: *text* is no size.
    """
    piece = _SIZE.fullmatch(text.strip())
    if piece is None:
        raise ValueError(f"{text!r} is no size; write 500M, 20G or a number of bytes")
    return int(Decimal(piece[1]) * 1024 ** _POWER[piece[2].upper()])


def parse_duration(text: str) -> float:
    """Return seconds.

    Raises:
        ValueError: *text* is no duration.
    """
    piece = _DURATION.fullmatch(text.strip())
    if piece is None or not any(piece.groups()):
        raise ValueError(f"{text!r} is no duration; write 90s, 50m, 2h or 1h30m")
    return sum(float(number) * unit for number, unit in zip(piece.groups(), _SECONDS, strict=True) if number)
