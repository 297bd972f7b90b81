"""What Polyv is expected to get ready while today's links are used, so that a plan leaves room for it. Pure."""

from collections.abc import Sequence
from typing import Final

from fetcher.domain.groups import Group

_LIVES: Final = 4
"""So many times as long as a fresh link lives is looked ahead: what comes later competes with nothing of today."""
_MOST: Final = 10_000
"""Where there are more, several that follow each other are taken together."""


def coming(sizes: Sequence[int], *, waiting: int, per_s: float, life_ms: float, now: int) -> list[Group]:
    """Return what is to come, and by when it will have to be begun.

    They come one after the other as fast as links have come so far, which is all that anybody knows: Polyv gives no
    date.

    Args:
        sizes: Of some of them, or of videos like them, bytes; none where nobody knows.
        waiting: How many Polyv prepares.
        per_s: Links that became known in a second, lately.
        life_ms: From the moment at which a link is known to that by which its video has to be begun.
        now: ms UTC.
    """
    if not sizes or per_s <= 0 or life_ms <= 0:
        return []
    count = min(waiting, int(per_s * _LIVES * life_ms / 1000))
    together = max(-(-count // _MOST), 1)
    return [
        Group(
            now + round((number * together + (together + 1) / 2) * 1000 / per_s + life_ms),
            sizes[number % len(sizes)],
            together,
        )
        for number in range(count // together)
    ]
