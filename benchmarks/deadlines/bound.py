"""As many videos as any order could save, whoever chooses it, whatever it knows beforehand: a bound from above.

Whatever is saved has to be begun by its moment. At any moment no more transfers are under way than there are
places, so that of those that had to be begun by then all but so many are through: their bytes have passed the
line. Left out of the sum are the largest ones, which suits the bound best. That is asked of each moment at which
one has to be begun.

The most videos for which it holds are found in one pass by moment: each is taken in, and where the sum is too large
for the line, the largest of those taken is left out. What is kept is, one for one in the order of sizes, no larger
than any other choice of so many that holds, so that no choice has more.

When each video becomes ready counts by parts: of a part of them no order saves more than it could if there were no
others, and the line carries none of their bytes before the first of the part is ready. Divided by the moments by
which to begin, no more can be saved in all than in each of the parts together. Of all ways to divide them at some
moments the one that gives least is taken.

Source: the exchange argument is that of J. M. Moore, Management Science 15 (1968), with places beside the line.
"""

import bisect
import heapq
import itertools
from collections.abc import Sequence
from typing import Final

from benchmarks.deadlines.library import Library
from benchmarks.deadlines.line import Line

_STEPS: Final = 5_000_000
"""So many videos are taken in altogether: how finely a large library is divided."""
_MOST_MOMENTS: Final = 100


def most_saved(
    library: Library, *, is_signed_anew: bool, line: Line, places: int, moments: int | None = None
) -> int:
    """Return how many videos can be begun in time at the most.

    Args:
        library: The videos.
        is_signed_anew: Whether it is the window's end by which to begin, and not the link's.
        line: What carries them.
        places: How many may be under way at a time.
        moments: At how many to divide them at the most; 1 leaves out of account when each becomes ready.
    """
    start_by = library.start_by(is_signed_anew=is_signed_anew)
    order = sorted(range(len(start_by)), key=start_by.__getitem__)
    ready_from = _first_of_the_rest([library.ready_at[video] for video in order])
    carried = [line.carried(start_by[video]) for video in order]
    sizes = [library.sizes[video] for video in order]
    step = -(-len(order) // (moments or min(_MOST_MOMENTS, 1 + _STEPS // len(order))))
    least = {0: 0}
    for start in range(0, len(order), step):
        passed, before = _Passed(places), line.carried(ready_from[start])
        for number in range(start, len(order)):
            passed.take(sizes[number])
            while passed.total > carried[number] - before:
                passed.leave_out_largest()
            end = number + 1
            if end % step == 0 or end == len(order):
                least[end] = min(least.get(end, end), least[start] + passed.count)
    return least[len(order)]


def _first_of_the_rest(ready_at: Sequence[float]) -> list[float]:
    """Return for each video when the first of it and all behind it is ready."""
    return list(itertools.accumulate(reversed(ready_at), min))[::-1]


class _Passed:
    """Videos that are kept; *total* are the bytes of all but the *places* largest."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._under_way: list[int] = []
        """The largest ones, the smallest of them first."""
        self._through: list[int] = []
        """A heap of the others, negative."""
        self.total = 0

    @property
    def count(self) -> int:
        return len(self._under_way) + len(self._through)

    def take(self, size: int) -> None:
        bisect.insort(self._under_way, size)
        if len(self._under_way) > self._places:
            through = self._under_way.pop(0)
            heapq.heappush(self._through, -through)
            self.total += through

    def leave_out_largest(self) -> None:
        self._under_way.pop()
        if self._through:
            again = -heapq.heappop(self._through)
            self._under_way.insert(0, again)
            self.total -= again
