"""Which videos to ask for next where Polyv has refused a task for one of its ids: halves, until it stands alone."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    videos: Sequence[int]
    is_second_half: bool = False
    """Whether its first half is asked for before it, and says whom to blame."""
    is_guilty: bool = False
    """Whether one of them is known to be refused."""


class Suspects:
    """Groups of videos, each one half of a task that was refused.

    Whatever is asked for was taken from here or is new; its end is told by ``accept``, ``refuse`` or ``set_aside``
    before the next is taken.
    """

    def __init__(self) -> None:
        self._groups: list[_Group] = []

    def take(self) -> Sequence[int]:
        """Return the ids to ask for together, none where there are no suspects."""
        while self._groups:
            group = self._groups.pop()
            if not group.is_guilty or len(group.videos) == 1:
                return group.videos
            # Its other half was taken, so asking for all of it would only be refused again.
            self._halve(group.videos)
        return ()

    def accept(self) -> None:
        """Say that Polyv took what was asked for: where it was a first half, the second one is to blame."""
        if self._groups and self._groups[-1].is_second_half:
            self._groups.append(_Group(videos=self._groups.pop().videos, is_guilty=True))

    def refuse(self, videos: Sequence[int]) -> bool:
        """Say that Polyv refused *videos*; tell whether it is a single one, which is to blame then."""
        self.set_aside()
        if len(videos) > 1:
            self._halve(videos)
        return len(videos) == 1

    def set_aside(self) -> None:
        """Say that of what was asked for nothing is known that would tell of the other half."""
        if self._groups and self._groups[-1].is_second_half:
            self._groups.append(_Group(videos=self._groups.pop().videos))

    def _halve(self, videos: Sequence[int]) -> None:
        middle = (len(videos) + 1) // 2
        self._groups.append(_Group(videos=videos[middle:], is_second_half=True))
        self._groups.append(_Group(videos=videos[:middle]))
