"""A library that Polyv has thawed: how large its videos are, when each is ready, and by when it has to be begun.

Sizes are those of a school: most are recorded lessons, a sixth are short clips, a few are recordings of whole days.
All moments are seconds from the beginning.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

_DAY_S: Final = 86_400.0
_A_TASK: Final = 100
_CLIPS: Final = 1 / 6
_LEAST: Final = 200_000
_MOST: Final = 20_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a run meets."""

    name: str
    videos: int
    megabit_per_s: float
    lifetime_s: float
    """Seconds from a link's signing to its death."""
    window_days: float
    """Days from a video's being ready until it is cold."""
    is_signed_anew: bool
    """Whether a dead link is replaced by a question; else its death loses the video."""
    thaw_s: float
    """Seconds in which all tasks become ready, one after the other and none of them at once."""
    outages: Sequence[tuple[float, float]] = ()
    """From and until, as shares of the time until the last moment."""
    has_busy_evenings: bool = False
    """Whether the line brings half between six and eleven in the evening."""
    jobs: int = 8
    plan_every_s: float = 60.0
    """As a run does it; more seldom where days of a million videos are played through."""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Its videos, each by its number."""

    sizes: list[int] = field(repr=False)
    ready_at: list[float] = field(repr=False)
    link_until: list[float] = field(repr=False)
    """When the link dies that came when the video was ready."""
    window_ends_at: list[float] = field(repr=False)

    @property
    def last_moment(self) -> float:
        """After it nothing can be begun any more."""
        return max(self.window_ends_at)

    def start_by(self, *, is_signed_anew: bool) -> list[float]:
        """Return by when each has to be begun."""
        if is_signed_anew:
            return self.window_ends_at
        return [min(pair) for pair in zip(self.link_until, self.window_ends_at, strict=True)]


def library_of(scenario: Scenario) -> Library:
    """Make the videos of a scenario; the same ones each time."""
    chance = random.Random(f"{scenario.name} {scenario.seed}")
    sizes = [_size(chance) for _ in range(scenario.videos)]
    ready_at = _ready_at(scenario, chance)
    return Library(
        sizes=sizes,
        ready_at=ready_at,
        link_until=[at + scenario.lifetime_s for at in ready_at],
        window_ends_at=[at + scenario.window_days * _DAY_S for at in ready_at],
    )


def task_of(video: int) -> int:
    """Return the number of the task that has a video."""
    return video // _A_TASK


def _size(chance: random.Random) -> int:
    median, spread = (12e6, 0.9) if chance.random() < _CLIPS else (280e6, 0.95)
    return round(min(max(chance.lognormvariate(0, spread) * median, _LEAST), _MOST))


def _ready_at(scenario: Scenario, chance: random.Random) -> list[float]:
    """Return when each video is ready: tasks come in any order, the videos of one within some minutes."""
    tasks = -(-scenario.videos // _A_TASK)
    begins = [chance.random() * scenario.thaw_s for _ in range(tasks)]
    within = min(600.0, scenario.thaw_s / 2)
    return [begins[task_of(video)] + chance.random() * within for video in range(scenario.videos)]
