"""How many wanted videos to ask Polyv for now, and how many waves and days all of them will take.

What was asked for is thawed, paid for, and goes cold again after ``expireDays``. So no more is asked for than the
measured line fetches in half of that time: the other half is for whatever comes between.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MOST_VIDS: Final = 100
"""In one task. Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_create"""
DAY_S: Final = 86_400
USUAL_SIZE: Final = 1 << 30
"""Bytes that a video is taken for as long as no size of any is known."""
_SHARE: Final = 0.5
"""Of what the line brings in a thaw window: the other half is for outages, and for evenings that are slower."""
_LEAST_SHARE: Final = 0.25
"""Of the capacity, by bytes: a task that is not full is worth asking for from then on. Each costs questions."""
_UNMEASURED: Final = 10 << 30
"""Bytes that are asked for as long as nothing is known of the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A video that is to be asked for."""

    video_id: int
    missing: int
    """Bytes to fetch: its size, or what is usual, without those that are here already."""
    expire_days: int | None = None
    """How long it is to stay readable once it is thawed; None: as the settings say."""


def held_to(measured: float | None, limit: int | None) -> float | None:
    """Return what can be counted on of a *measured* rate where the line is held to *limit*, bytes a second."""
    return measured if measured is None or limit is None else min(measured, limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What there is to fetch with."""

    rate: float | None
    """Measured, bytes a second; None as long as nothing has been fetched."""
    expire_days: int
    """How long what is thawed can be read, 1 to 7 days, where a video has no number of its own."""
    budget: int | None
    """``thaw_budget`` in bytes; None where it is what the line fetches."""
    outstanding: int
    """Bytes that are thawed or being thawed, and not fetched."""
    room: int
    """Bytes that the disk takes beside its reserve and all that is outstanding."""

    @property
    def capacity(self) -> int:
        """Bytes that may be outstanding at once."""
        return self._capacity(self.expire_days)

    def capacity_for(self, video: Wanted) -> int:
        """Return how many bytes may be outstanding with *video*: less where it goes cold sooner than others."""
        return self._capacity(min(video.expire_days or self.expire_days, self.expire_days))

    def _capacity(self, days: int) -> int:
        fetched = _UNMEASURED if self.rate is None else int(self.rate * days * DAY_S * _SHARE)
        return fetched if self.budget is None else min(fetched, self.budget)

    @property
    def is_used_up(self) -> bool:
        """Whether nothing more may be asked for, whatever it is."""
        return 0 < self.outstanding >= self.capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """What is outstanding at once."""

    videos: int
    bytes: int

    @property
    def tasks(self) -> int:
        """How many tasks it takes."""
        return -(-self.videos // MOST_VIDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """All that is wanted."""

    waves: Sequence[Wave]
    left_out: Wave
    """What does not fit on the disk."""

    @property
    def bytes(self) -> int:
        """Of all waves."""
        return sum(wave.bytes for wave in self.waves)

    def days(self, rate: float | None) -> float | None:
        """Return how long the line takes for all waves, thawing aside; None where it is not measured."""
        return self.bytes / rate / DAY_S if rate else None


def next_task(wanted: Iterable[Wanted], means: Means, *, is_busy: bool = False) -> list[Wanted]:
    """Return what to ask for in the next task, none where it has to wait.

    The order is kept, so that everything has its turn: what is too much now is waited for, not passed over. Only
    what does not fit on the disk is passed over, and what is to stay readable for another number of days than the
    first, as a task has one for all. One that is larger than the whole budget goes alone.

    Args:
        wanted: What may be asked for, in order.
        means: What there is to fetch with.
        is_busy: Whether files are being fetched. Room becomes free in small pieces then, each of which would be a
            task: one that would hold little waits for more room, unless it holds all that is wanted.
    """
    outstanding, room = means.outstanding, means.room
    chosen: list[Wanted] = []
    for video in wanted:
        if len(chosen) == MOST_VIDS:
            break
        if video.missing > room or (chosen and video.expire_days != chosen[0].expire_days):
            continue
        if outstanding + video.missing > means.capacity_for(video) and (chosen or outstanding > 0):
            is_little = outstanding - means.outstanding < _LEAST_SHARE * means.capacity_for(video)
            return [] if is_busy and is_little and means.outstanding > 0 else chosen
        chosen.append(video)
        outstanding += video.missing
        room -= video.missing
    return chosen


def forecast(wanted: Iterable[Wanted], means: Means) -> Forecast:
    """Return the waves that all of *wanted* takes, each begun when the one before has been fetched."""
    waves: list[Wave] = []
    videos = size = unfit = unfit_size = 0
    before, room = means.outstanding, means.room
    for video in wanted:
        if video.missing > room:
            unfit, unfit_size = unfit + 1, unfit_size + video.missing
            continue
        if before + size + video.missing > means.capacity_for(video) and (videos or before > 0):
            if videos:
                waves.append(Wave(videos=videos, bytes=size))
            videos, size, before = 0, 0, 0
        videos, size = videos + 1, size + video.missing
        room -= video.missing
    if videos:
        waves.append(Wave(videos=videos, bytes=size))
    return Forecast(waves=waves, left_out=Wave(videos=unfit, bytes=unfit_size))
