"""How the downloads of a run have ended, for whoever decides how many of them there are at a time."""

from fetcher.domain.events import Event, FileVerified
from fetcher.domain.windows import short_by
from fetcher.downloader.orders import TryAgain


class Ends:
    """Counts.

    Attributes:
        count: Downloads that have come to an end, good or bad.
        refused: Those of them that fewer at a time might have spared: turned away, or broken.
        files: Those that brought a file; one that was in place already was not brought.
        short: Bytes by which these files were short of what each is worth at the least.
        unreached: The videos for which nobody could be reached, as long as nothing else comes of any download.
    """

    def __init__(self) -> None:
        self.count = self.refused = self.files = self.short = 0
        self.unreached: set[int] = set()

    def take(self, video_id: int, verdict: Event | TryAgain) -> None:
        """Take in how one has ended."""
        self.count += 1
        self.refused += isinstance(verdict, TryAgain) and verdict.is_crowded
        if isinstance(verdict, TryAgain) and verdict.is_node_down:
            self.unreached.add(video_id)
        else:
            self.unreached.clear()
        if isinstance(verdict, FileVerified) and verdict.fetched:
            self.files += 1
            self.short += short_by(verdict.size)
