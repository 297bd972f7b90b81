"""What is ready, as a plan sees it: the first of it one by one, the rest in groups, however much there is."""

from fetcher.domain.groups import MOST_NEAR, Group, Groups, Nearest
from fetcher.ledger.prospects import Past, Prospect


class Ahead:
    """Takes in what is ready in the order in which it has to be begun.

    Args:
        before: Says how large a video is of which nobody knows.
        most_near: So many are looked at one by one, and as many of those that the last plan has postponed.
    """

    def __init__(self, before: Past, *, most_near: int = MOST_NEAR) -> None:
        self._mean_size = before.mean_size
        self._nearest = Nearest(most_near)
        self._far = Groups(most_near)
        self.near: list[Prospect] = []
        self.ends_at: int | None = None
        """By when the last one has to be begun, ms UTC; None where nobody knows."""

    def take(self, one: Prospect) -> None:
        """Take in the next one; what is far and of a size that nobody knows is left out of account."""
        self.ends_at = one.start_by
        size = self._mean_size if one.size is None else one.size
        if self._nearest.takes(is_postponed=one.postponed > 0) or one.start_by is None:
            self.near.append(one)
        elif size is not None:
            self._far.take(start_by=one.start_by, size=size)

    @property
    def far(self) -> list[Group]:
        """What is not near; its ranks stay as they are."""
        return self._far.all()
