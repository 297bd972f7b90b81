"""When a video gets a place beyond the usual ones: it would be lost before one of those becomes free."""

from collections.abc import Sequence
from typing import Final

_SOON_MS: Final = 60_000
"""What has longer may wait: until then much can change."""
_MARGIN: Final = 0.25
"""Places become free so much later than expected, as a share of the wait, or sooner."""
_LEAST_MARGIN_MS: Final = 2_000
"""What opening a connection and asking takes, and a clock that is a little off."""


def places_wanted(deadlines: Sequence[int | None], ends_at: Sequence[int | None], *, now: int) -> int:
    """Return for how many videos a place is to be opened now.

    Args:
        deadlines: By when those that wait for a place have to begin, in the order in which they get one, ms UTC;
            None where nobody knows, and it need not be hurried on that ground.
        ends_at: When each of the places becomes free that are taken, ms UTC; None where there is no telling.
        now: ms UTC. What should have begun by now is not hurried either: it takes a fresh link, which lives.
    """
    free_at = sorted((at for at in ends_at if at is not None), reverse=True)
    wanted = 0
    for deadline in deadlines:
        wait = free_at[-1] - now if free_at else None
        if deadline is None or not now < deadline <= now + _SOON_MS or _is_in_time(wait, deadline - now):
            if free_at:
                free_at.pop()
        else:
            wanted += 1
    return wanted


def _is_in_time(wait: int | None, left: int) -> bool:
    """Tell whether a place that becomes free after *wait* ms is free in time for a link that lives *left* ms more.

    Where nobody knows when, there is time as long as more than a few seconds are left: something may be learned.
    """
    margin = _LEAST_MARGIN_MS if wait is None else max(_LEAST_MARGIN_MS, wait * _MARGIN)
    return (wait or _LEAST_MARGIN_MS) + margin < left
