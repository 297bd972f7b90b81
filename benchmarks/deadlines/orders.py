"""Orders to compare with: each puts the videos that are ready by one thing that is known of them."""

import heapq
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from benchmarks.deadlines.library import Library, Scenario
from benchmarks.deadlines.run import Sight

_NEVER: Final = 1e12
_OFTEN_S: Final = 3600.0

Order = Callable[[int], float]


class Sorted:
    """Begins what has the least key.

    Args:
        key: By video.
        places: How many may be under way.
    """

    def __init__(self, key: Order, *, places: int) -> None:
        self._key = key
        self._places = places
        self._waiting: list[tuple[float, int]] = []

    def add(self, videos: Iterable[int]) -> None:
        """Take in more."""
        for video in videos:
            heapq.heappush(self._waiting, (self._key(video), video))

    def broke(self, videos: Iterable[int], now: float) -> None:
        """Begin them again as they stand in line."""
        del now
        self.add(videos)

    def next(self, now: float) -> int | None:
        """Return the one with the least key."""
        del now
        return heapq.heappop(self._waiting)[1] if self._waiting else None

    def look(self, sight: Sight) -> float:
        """Ask for nothing but to be asked when something happens."""
        return sight.now + _OFTEN_S if self._waiting else _NEVER

    def places(self, sight: Sight) -> int:
        """Return the usual number."""
        del sight
        return self._places


def orders(scenario: Scenario, library: Library) -> Mapping[str, Order]:
    """Return the other orders by name."""
    chance = random.Random(scenario.seed)
    start_by = library.start_by(is_signed_anew=scenario.is_signed_anew)
    return {
        "deadline first": start_by.__getitem__,
        "first in, first out": library.ready_at.__getitem__,
        "smallest first": library.sizes.__getitem__,
        "largest first": lambda video: -library.sizes[video],
        "random": lambda _: chance.random(),
    }
