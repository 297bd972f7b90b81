"""Play one scenario with every order, and hold what each saved against the most that any could."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.deadlines.bound import most_saved
from benchmarks.deadlines.library import Library, Scenario, library_of
from benchmarks.deadlines.line import Line
from benchmarks.deadlines.orders import Sorted, orders
from benchmarks.deadlines.planned import Planned
from benchmarks.deadlines.run import Outcome, Run

OURS: Final = "fetcher"
_DAY_S: Final = 86_400.0
_EVENING_S: Final = 18 * 3600.0, 23 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What was named at half time, of what was known then."""

    named: int
    died: int
    """Of those known at half time, how many died later."""
    hits: int
    """How many of those that died were named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What came of a scenario."""

    scenario: Scenario
    load: float
    """All bytes as a share of what the line brings until the last moment."""
    most: int
    """No order saves more videos with the usual places."""
    saved: Mapping[str, int]
    """By order: videos."""
    bytes_saved: Mapping[str, int]
    renewals: int
    most_places: int
    forecast: Forecast


def line_of(scenario: Scenario, library: Library) -> Line:
    """Return what carries a scenario's bytes."""
    until = library.last_moment if scenario.is_signed_anew else max(library.link_until)
    days = range(int(until / _DAY_S) + 2)
    return Line(
        scenario.megabit_per_s * 1e6 / 8,
        outages=[(start * until, end * until) for start, end in scenario.outages],
        dips=[(day * _DAY_S + _EVENING_S[0], day * _DAY_S + _EVENING_S[1]) for day in days]
        if scenario.has_busy_evenings
        else (),
    )


def play(scenario: Scenario, *, with_others: bool = True) -> Played:
    """Play a scenario with our order, and with the others."""
    library = library_of(scenario)
    line = line_of(scenario, library)
    start_by = library.start_by(is_signed_anew=scenario.is_signed_anew)
    begins_at, until = min(library.ready_at), max(start_by)
    run = Run(scenario, library, line)
    ours = Planned(scenario, library, run, plan_every_s=scenario.plan_every_s, looked_at=(begins_at + until) / 2)
    outcomes = {OURS: run.play(ours)}
    if with_others:
        for name, key in orders(scenario, library).items():
            outcomes[name] = Run(scenario, library, line).play(Sorted(key, places=scenario.jobs))
    most = most_saved(library, is_signed_anew=scenario.is_signed_anew, line=line, places=scenario.jobs)
    return Played(
        scenario=scenario,
        load=sum(library.sizes) / (line.carried(until) - line.carried(begins_at)),
        most=most,
        saved={name: len(outcome.saved) for name, outcome in outcomes.items()},
        bytes_saved={
            name: sum(library.sizes[video] for video in outcome.saved) for name, outcome in outcomes.items()
        },
        renewals=outcomes[OURS].renewals,
        most_places=outcomes[OURS].most_places,
        forecast=_forecast(ours, outcomes[OURS]),
    )


def _forecast(ours: Planned, outcome: Outcome) -> Forecast:
    """Hold what was named at half time against what came of it."""
    died = ours.waited_then - outcome.saved
    return Forecast(named=len(ours.named_then), died=len(died), hits=len(ours.named_then & died))
