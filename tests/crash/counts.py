"""How many points are tried: a few evenly spread ones, or all of them by ``FETCHER_CRASH_POINTS=all``."""

import os
from collections.abc import Sequence
from typing import Final

_ALL: Final = "all"
_ASKED: Final = os.environ.get("FETCHER_CRASH_POINTS", "")


def points(total: int, *, usual: int) -> Sequence[int]:
    """Return the numbers of the calls at which something is to happen.

    Args:
        total: How many calls a run makes that nothing happens to; a run to which something happens may make more.
        usual: How many are tried where ``FETCHER_CRASH_POINTS`` names no other number.
    """
    if _ASKED == _ALL:
        return range(1, 2 * total)
    wanted = min(int(_ASKED or usual), total)
    return [1 + number * (total - 1) // max(wanted - 1, 1) for number in range(wanted)]


def fewest(total: int, chosen: Sequence[int]) -> int:
    """Return how many of the *chosen* points have to be reached: runs differ a little, but not by more."""
    return min(total, len(chosen)) * 2 // 3


def seeds(*, usual: int) -> range:
    """Return the seeds of what is tried at random; ``FETCHER_CRASH_SEEDS`` names another number of them."""
    return range(int(os.environ.get("FETCHER_CRASH_SEEDS", "") or usual))
