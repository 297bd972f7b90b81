"""How many downloads a run has under way: a usual number, which may change, and single ones beside it."""

from collections.abc import Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fetcher.sync.wires import Wires


class Places:
    """Keeps the number of threads what the number of places is.

    Args:
        wires: Of the run.
        usual: Downloads at a time to begin with.
    """

    def __init__(self, wires: "Wires", usual: int) -> None:
        self._wires = wires
        self.usual = self._fitted = usual
        self._extra = 0
        self._beyond: set[int] = set()
        """Those begun beside the usual number, by video."""

    @property
    def has_extra(self) -> bool:
        """Whether one more may begin although the usual places are taken."""
        return self._extra > 0

    def open(self, extra: int) -> None:
        """Let *extra* begin beside those under way."""
        self._extra = extra

    def take_extra(self, video_id: int) -> None:
        """Give one of the extra places to a video; the place is gone when that has ended."""
        self._extra -= 1
        self._beyond.add(video_id)

    def fit(self, begun: Collection[int]) -> None:
        """Have as many threads as places, *begun* being the videos under way."""
        self._beyond.intersection_update(begun)
        places = self.usual + len(self._beyond)
        if places != self._fitted:
            self._fitted = places
            self._wires.downloader.resize(places)
