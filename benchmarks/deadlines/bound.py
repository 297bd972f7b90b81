"""As many videos as any order could save, whoever chooses it, whatever it knows beforehand: a bound from above.

Whatever is saved has to be begun by its moment. At any moment no more transfers are under way than there are
places, so that of those that had to be begun by then all but so many are through: their bytes have passed the
line. Left out of the sum are the largest ones, which suits the bound best. That is asked of each moment at which
one has to be begun.

The most videos for which it holds are found in one pass by moment: each is taken in, and where the sum is too large
for the line, the largest of those taken is left out. What is kept is, one for one in the order of sizes, no larger
than any other choice of so many that holds, so that no choice has more. When a video becomes ready is left out of
account, which makes the bound larger and never smaller.

Source: the exchange argument is that of J. M. Moore, Management Science 15 (1968), with places beside the line.
"""

import bisect
import heapq
from collections.abc import Sequence

from benchmarks.deadlines.line import Line


def most_saved(
    sizes: Sequence[int], start_by: Sequence[float], *, line: Line, places: int, begins_at: float
) -> int:
    """Return how many videos can be begun in time at the most.

    Args:
        sizes: Bytes, by video.
        start_by: Seconds, by video.
        line: What carries them.
        places: How many may be under way at a time.
        begins_at: When the first is ready, seconds.
    """
    passed = _Passed(places)
    before = line.carried(begins_at)
    for video in sorted(range(len(sizes)), key=start_by.__getitem__):
        passed.take(sizes[video])
        while passed.total > line.carried(start_by[video]) - before:
            passed.leave_out_largest()
    return passed.count


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
