"""What is played: a thousand videos to a million, quick lines and slow, links that last and links that do not."""

from collections.abc import Sequence
from typing import Final

from benchmarks.deadlines.library import Scenario

_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S


def _final(
    name: str, videos: int, megabit_per_s: float, life_s: float, thaw_s: float, **changed: float
) -> Scenario:
    """Return one whose dead links nobody replaces."""
    return Scenario(
        name=name,
        videos=videos,
        megabit_per_s=megabit_per_s,
        lifetime_s=life_s,
        window_days=changed.get("window_days", 7),
        is_signed_anew=False,
        thaw_s=thaw_s,
        plan_every_s=changed.get("plan_every_s", 60.0),
    )


SMALL: Final[Sequence[Scenario]] = (
    _final("30 min, 1 Gbit/s", 1_000, 1000, 0.5 * _HOUR_S, 60),
    _final("2 h, 100 Mbit/s", 1_000, 100, 2 * _HOUR_S, 600),
    _final("24 h, 100 Mbit/s", 1_000, 100, 24 * _HOUR_S, 6 * _HOUR_S),
    _final("30 min, thawed in 1 h, 1 Gbit/s", 3_000, 1000, 0.5 * _HOUR_S, _HOUR_S),
    _final("2 h, thawed in 6 h, 200 Mbit/s", 3_000, 200, 2 * _HOUR_S, 6 * _HOUR_S),
    Scenario(
        name="signed anew, window 1 d, busy evenings, 100 Mbit/s",
        videos=3_000,
        megabit_per_s=100,
        lifetime_s=0.5 * _HOUR_S,
        window_days=1,
        is_signed_anew=True,
        thaw_s=6 * _HOUR_S,
        has_busy_evenings=True,
    ),
)
"""Played in seconds."""

MIDDLE: Final[Sequence[Scenario]] = (
    _final("30 min, thawed in 12 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 12 * _HOUR_S),
    _final("30 min, thawed in 8 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 8 * _HOUR_S),
    _final("30 min, thawed in 6 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 6 * _HOUR_S),
    Scenario(
        name="24 h, window 2 d, an outage, 300 Mbit/s",
        videos=10_000,
        megabit_per_s=300,
        lifetime_s=_DAY_S,
        window_days=2,
        is_signed_anew=False,
        thaw_s=12 * _HOUR_S,
        outages=((0.3, 0.35),),
    ),
    Scenario(
        name="24 h, window 2 d, an outage, 200 Mbit/s",
        videos=10_000,
        megabit_per_s=200,
        lifetime_s=_DAY_S,
        window_days=2,
        is_signed_anew=False,
        thaw_s=12 * _HOUR_S,
        outages=((0.3, 0.35),),
    ),
    Scenario(
        name="signed anew, window 3 d, busy evenings, 100 Mbit/s",
        videos=10_000,
        megabit_per_s=100,
        lifetime_s=0.5 * _HOUR_S,
        window_days=3,
        is_signed_anew=True,
        thaw_s=24 * _HOUR_S,
        has_busy_evenings=True,
        plan_every_s=300,
    ),
    Scenario(
        name="signed anew, window 1 d, two outages, 200 Mbit/s",
        videos=10_000,
        megabit_per_s=200,
        lifetime_s=0.5 * _HOUR_S,
        window_days=1,
        is_signed_anew=True,
        thaw_s=12 * _HOUR_S,
        outages=((0.2, 0.25), (0.6, 0.62)),
        plan_every_s=300,
    ),
)
"""Played in minutes."""

LARGE: Final[Sequence[Scenario]] = (
    _final("24 h, thawed in 4 d, 1 Gbit/s", 100_000, 1000, _DAY_S, 4 * _DAY_S, plan_every_s=600),
    _final("24 h, thawed in 4 d, 500 Mbit/s", 100_000, 500, _DAY_S, 4 * _DAY_S, plan_every_s=600),
    Scenario(
        name="signed anew, window 7 d, outages, evenings, 500 Mbit/s",
        videos=100_000,
        megabit_per_s=500,
        lifetime_s=2 * _HOUR_S,
        window_days=7,
        is_signed_anew=True,
        thaw_s=3 * _DAY_S,
        outages=((0.1, 0.12), (0.5, 0.53)),
        has_busy_evenings=True,
        plan_every_s=1800,
    ),
    Scenario(
        name="signed anew, window 7 d, outages, evenings, 300 Mbit/s",
        videos=100_000,
        megabit_per_s=300,
        lifetime_s=2 * _HOUR_S,
        window_days=7,
        is_signed_anew=True,
        thaw_s=3 * _DAY_S,
        outages=((0.1, 0.12), (0.5, 0.53)),
        has_busy_evenings=True,
        plan_every_s=1800,
    ),
    _final("24 h, thawed in 3 d, 10 Gbit/s", 1_000_000, 10_000, _DAY_S, 3 * _DAY_S, plan_every_s=1800),
    Scenario(
        name="signed anew, window 5 d, outages, evenings, 3 Gbit/s",
        videos=1_000_000,
        megabit_per_s=3000,
        lifetime_s=2 * _HOUR_S,
        window_days=5,
        is_signed_anew=True,
        thaw_s=5 * _DAY_S,
        outages=((0.1, 0.12), (0.5, 0.53)),
        has_busy_evenings=True,
        plan_every_s=3600,
    ),
)
"""Played in the better part of an hour."""
