"""The line between CDN and client: one rate for all bodies together, in equal shares."""

import time
from collections.abc import Iterable, Iterator
from typing import Final

_PIECE_S: Final = 0.02
"""How long the line takes for one piece."""


class Line:
    """Lets *rate* bytes a second through, whoever they are for.

    Attributes:
        rate: None means as fast as the clients read.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._free_at = 0.0

    def cut(self, pieces: Iterable[tuple[bytes, float]]) -> Iterator[tuple[bytes, float]]:
        """Yield *pieces* in such as the line takes at once; the pause after each piece, in seconds, stays."""
        for piece, pause in pieces:
            step = len(piece) if self.rate is None else max(1, int(self.rate * _PIECE_S))
            for at in range(0, len(piece), step or 1):
                yield piece[at : at + step], pause if at + step >= len(piece) else 0.0

    def pause_s(self, count: int) -> float:
        """Take *count* bytes, return after how many seconds they are through."""
        if self.rate is None:
            return 0.0
        now = time.monotonic()
        self._free_at = max(self._free_at, now) + count / self.rate
        return self._free_at - now
