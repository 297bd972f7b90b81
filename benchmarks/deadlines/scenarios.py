"""What is played: a thousand videos to a million, quick lines and slow, links that last and links that do not."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from benchmarks.deadlines.library import Scenario

_HOUR_S: Final = 3600.0
_DAY_S: Final = 24 * _HOUR_S
_EARLY_AND_IN_THE_MIDDLE: Final = ((0.1, 0.12), (0.5, 0.53))


def _final(name: str, videos: int, megabit_per_s: float, life_s: float, thaw_s: float) -> Scenario:
    """Return one whose dead links nobody replaces."""
    return Scenario(
        name=name,
        videos=videos,
        megabit_per_s=megabit_per_s,
        lifetime_s=life_s,
        window_days=7,
        is_signed_anew=False,
        thaw_s=thaw_s,
    )


def _anew(name: str, videos: int, megabit_per_s: float, window_days: float, thaw_s: float) -> Scenario:
    """Return one whose links live half an hour and are replaced by a question."""
    final = _final(f"signed anew, {name}", videos, megabit_per_s, 0.5 * _HOUR_S, thaw_s)
    return replace(final, window_days=window_days, is_signed_anew=True)


SMALL: Final[Sequence[Scenario]] = (
    _final("30 min, 1 Gbit/s", 1_000, 1000, 0.5 * _HOUR_S, 60),
    _final("2 h, 100 Mbit/s", 1_000, 100, 2 * _HOUR_S, 600),
    _final("24 h, 100 Mbit/s", 1_000, 100, 24 * _HOUR_S, 6 * _HOUR_S),
    _final("30 min, thawed in 1 h, 1 Gbit/s", 3_000, 1000, 0.5 * _HOUR_S, _HOUR_S),
    _final("2 h, thawed in 6 h, 200 Mbit/s", 3_000, 200, 2 * _HOUR_S, 6 * _HOUR_S),
    replace(
        _anew("window 1 d, busy evenings, 100 Mbit/s", 3_000, 100, 1, 6 * _HOUR_S),
        has_busy_evenings=True,
    ),
)
"""Played in seconds."""

MIDDLE: Final[Sequence[Scenario]] = (
    _final("30 min, thawed in 12 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 12 * _HOUR_S),
    _final("30 min, thawed in 8 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 8 * _HOUR_S),
    _final("30 min, thawed in 6 h, 1 Gbit/s", 10_000, 1000, 0.5 * _HOUR_S, 6 * _HOUR_S),
    *(
        replace(
            _final(f"24 h, window 2 d, an outage, {megabit} Mbit/s", 10_000, megabit, _DAY_S, 12 * _HOUR_S),
            window_days=2,
            outages=((0.3, 0.35),),
        )
        for megabit in (300, 200)
    ),
    replace(
        _anew("window 3 d, busy evenings, 100 Mbit/s", 10_000, 100, 3, 24 * _HOUR_S),
        has_busy_evenings=True,
        plan_every_s=300,
    ),
    replace(
        _anew("window 1 d, two outages, 200 Mbit/s", 10_000, 200, 1, 12 * _HOUR_S),
        outages=((0.2, 0.25), (0.6, 0.62)),
        plan_every_s=300,
    ),
)
"""Played in minutes."""


def _outlasting(name: str, videos: int, megabit_per_s: float, window_days: float, thaw_s: float) -> Scenario:
    """Return one of days, with outages and evenings in it; links live two hours."""
    anew = _anew(
        f"window {window_days:.0f} d, outages, evenings, {name}", videos, megabit_per_s, window_days, thaw_s
    )
    return replace(
        anew,
        lifetime_s=2 * _HOUR_S,
        outages=_EARLY_AND_IN_THE_MIDDLE,
        has_busy_evenings=True,
        plan_every_s=7200,
    )


LARGE: Final[Sequence[Scenario]] = (
    *(
        replace(_final(f"24 h, thawed in 4 d, {name}", 100_000, megabit, _DAY_S, 4 * _DAY_S), plan_every_s=600)
        for name, megabit in (("1 Gbit/s", 1000), ("500 Mbit/s", 500))
    ),
    _outlasting("500 Mbit/s", 100_000, 500, 7, 3 * _DAY_S),
    _outlasting("300 Mbit/s", 100_000, 300, 7, 3 * _DAY_S),
    replace(_final("24 h, thawed in 3 d, 10 Gbit/s", 1_000_000, 10_000, _DAY_S, 3 * _DAY_S), plan_every_s=3600),
    replace(_outlasting("3 Gbit/s", 1_000_000, 3000, 5, 5 * _DAY_S), plan_every_s=14400),
)
"""Played in some twenty minutes."""
