"""Order of the programs in each repetition."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def rotated(items: Sequence[T], turn: int) -> list[T]:
    """Return *items* beginning with another one each *turn* (from 0), so that none is always first."""
    start = turn % len(items) if items else 0
    return [*items[start:], *items[:start]]
