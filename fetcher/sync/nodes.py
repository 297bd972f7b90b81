"""Which videos had better come from another node of the CDN: their link leads to one that gives nothing."""

from collections import Counter
from typing import Final

from fetcher.downloader.orders import TryAgain

_IN_VAIN: Final = 2
"""Tries in a row without a byte after which another link is asked for: one may be bad luck."""
_MOST_QUESTIONS: Final = 100
"""In one run: where the whole CDN is down, no link leads anywhere, and every question to Polyv is one too many."""


class Nodes:
    """Counts tries in vain, by video. Each has another link asked for once in a run at the most."""

    def __init__(self) -> None:
        self._in_vain: Counter[int] = Counter()
        self._asked: set[int] = set()

    def count(self, video_id: int, failed: TryAgain) -> None:
        """Take in how a try failed."""
        self._in_vain[video_id] = self._in_vain[video_id] + 1 if failed.is_node_down else 0

    def is_another_due(self, video_id: int) -> bool:
        """Tell whether to ask for a link to another node before the next try; it counts as asked for then."""
        is_due = self._in_vain[video_id] >= _IN_VAIN and len(self._asked) < _MOST_QUESTIONS
        if not is_due or video_id in self._asked:
            return False
        self._asked.add(video_id)
        return True
