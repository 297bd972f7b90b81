"""How often each file was tried in this run, and when it is tried again."""

from collections import Counter
from dataclasses import dataclass

_Pauses = dict[int, tuple[float, int | None]]
"""By video: when its pause is over, by the monotonic clock, and by when to begin with it, ms UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How tries at one file follow each other."""

    first_s: float
    """Pause after the first."""
    tries: int
    """In one run; after that the file is left to a later one."""
    asked_again_s: float
    """Pause before Polyv is asked for a link in place of one that was refused."""
    longest_s: float = 60
    """Pause that is waited out within a run; nobody holds the archive for a longer one."""
    resubmit_expired: bool = False
    """Whether what has gone cold before it was fetched is asked for again by itself."""
    rest_s: float = 600
    """Pause after which a run that still goes on tries once more what had used up its tries."""


class Tries:
    """Counts tries, and keeps pauses. The clock is passed in, in monotonic seconds.

    Args:
        patience: How many, how far apart.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._counts: Counter[int] = Counter()
        self._due: _Pauses = {}
        self._resting: _Pauses = {}

    def are_left(self, video_id: int) -> bool:
        """Tell whether a file may be tried in this run as things are."""
        return self._counts[video_id] < self._patience.tries

    def begin(self, video_id: int) -> None:
        """Say that a file is being tried: no pause of it matters any more."""
        self._due.pop(video_id, None)

    def count(self, video_id: int) -> int:
        """Count one that failed, and return the number of those."""
        self._counts[video_id] += 1
        return self._counts[video_id]

    def use_up(self, video_id: int) -> None:
        """Leave a file to a later run: another try in this one would end as the first has."""
        self._counts[video_id] = self._patience.tries

    def pause(self, video_id: int, *, start_by: int | None, delay_s: float, now: float) -> None:
        """Have a file tried again when *delay_s* have passed, where it has tries left and that is soon enough.

        Args:
            video_id: Whose file.
            start_by: By when to begin with it, ms UTC; None is the most urgent.
            delay_s: The pause.
            now: Monotonic seconds.
        """
        if self.are_left(video_id) and delay_s <= self._patience.longest_s:
            self._due[video_id] = now + delay_s, start_by

    def rest(self, video_id: int, *, start_by: int | None, now: float) -> None:
        """Put a file aside that is of no use to try now; in a run that goes on for long it has its tries again.

        Args:
            video_id: Whose file.
            start_by: By when to begin with it, ms UTC; None is the most urgent.
            now: Monotonic seconds.
        """
        self._resting[video_id] = now + self._patience.rest_s, start_by

    @property
    def resting(self) -> int:
        """Return how many are put aside."""
        return len(self._resting)

    def next_in_s(self, *, now: float) -> float | None:
        """Return in how many seconds the next pause is over; None where there is none. Rests keep no run alive."""
        due = min((at for at, _ in self._due.values()), default=None)
        return None if due is None else due - now

    def take_due(self, *, now: float) -> dict[int, int | None]:
        """Take out the pauses that are over, return by when to begin, by video."""
        return _taken(self._due, now)

    def take_rested(self, *, now: float) -> dict[int, int | None]:
        """Take out those that have rested and have their tries again, return by when to begin, by video."""
        rested = _taken(self._resting, now)
        for video_id in rested:
            del self._counts[video_id]
        return rested


def _taken(pauses: _Pauses, now: float) -> dict[int, int | None]:
    taken = {video_id: start_by for video_id, (until, start_by) in pauses.items() if until <= now}
    for video_id in taken:
        del pauses[video_id]
    return taken
