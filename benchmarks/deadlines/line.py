"""A line whose rate is known from moment to moment: what it has carried by when. Seconds and bytes."""

import bisect
import itertools
from collections.abc import Sequence
from typing import Final

_FOREVER: Final = 1e12


class Line:
    """A rate with outages in it.

    Args:
        bytes_per_s: What it brings, all transfers together.
        outages: When it brings nothing, from and until, in order, none of them meeting another.
        dips: When it brings half, from and until, in order; an outage within one is as any other.
    """

    def __init__(
        self,
        bytes_per_s: float,
        *,
        outages: Sequence[tuple[float, float]] = (),
        dips: Sequence[tuple[float, float]] = (),
    ) -> None:
        self.bytes_per_s = bytes_per_s
        self.outages = tuple(outages)
        edges = {0.0, _FOREVER, *itertools.chain.from_iterable([*outages, *dips])}
        self._from = sorted(edges)
        self._rates = [0.0 if _is_in(at, outages) else bytes_per_s / (1 + _is_in(at, dips)) for at in self._from]
        spans = (
            (until - at) * rate
            for (at, until), rate in zip(itertools.pairwise(self._from), self._rates, strict=False)
        )
        self._carried = [0.0, *itertools.accumulate(spans)]

    def carried(self, at: float) -> float:
        """Return how many bytes it could have brought by *at*."""
        piece = max(bisect.bisect_right(self._from, at) - 1, 0)
        return self._carried[piece] + (at - self._from[piece]) * self._rates[piece]

    def when(self, carried: float) -> float:
        """Return the first moment by which it could have brought so many bytes."""
        piece = max(bisect.bisect_left(self._carried, carried) - 1, 0)
        left = carried - self._carried[piece]
        return self._from[piece] + (left / self._rates[piece] if left > 0 else 0.0)


def _is_in(at: float, spans: Sequence[tuple[float, float]]) -> bool:
    return any(start <= at < end for start, end in spans)
