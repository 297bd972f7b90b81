"""kill -9 at every call that changes the archive."""

import random
import signal
from dataclasses import replace

import pytest
from crash.counts import fewest, points, seeds
from crash.lanes import Lane, Lanes
from crash.shim import Injection, Mode
from telling import Tell

_KILLED = -signal.SIGKILL


def _killed(lane: Lane, injection: Injection) -> bool:
    """Kill a run; False where it ended before."""
    ended = lane.sync(injection)
    if ended.code != _KILLED:
        assert (0, "", "") == (ended.code, ended.stdout, ended.stderr)
        lane.library.require_all_done(lane.root, lane.scratch)
        return False
    return True


@pytest.mark.parametrize(("mode", "usual"), [(Mode.BEFORE, 20), (Mode.AFTER, 8), (Mode.TORN, 12)])
def test_a_kill_at_any_call_is_healed_by_the_next_run(
    lanes: Lanes, total: int, tell: Tell, mode: Mode, usual: int
) -> None:
    """F01, F02, F03, F04: a whole file or none, no row ahead of its file; what is in place is not fetched again."""

    def attempt(lane: Lane, point: int) -> bool:
        lane.begin()
        if not _killed(lane, Injection(mode=mode, point=point)):
            return False
        lane.require_healing(lane.require_kept_promise().settled)
        return True

    chosen = points(total, usual=usual)
    tried = lanes.try_points(chosen, attempt)

    tell(f"{tried} kills, in a run of {total} calls")
    assert tried >= fewest(total, chosen)


def test_a_kill_where_there_are_no_hard_links_is_healed_too(lanes: Lanes, total: int, tell: Tell) -> None:
    """F03: a name is given by renaming then, and what a memo tells of is known by its digest."""
    world = Injection(links=False)

    def attempt(lane: Lane, point: int) -> bool:
        lane.begin()
        if not _killed(lane, replace(world, mode=Mode.BEFORE, point=point)):
            return False
        standing = lane.require_kept_promise()
        lane.require_healing(standing.done | (standing.placed & lane.library.with_memo), world)
        return True

    chosen = points(total, usual=8)
    tried = lanes.try_points(chosen, attempt)

    tell(f"{tried} kills, in a run of about {total} calls")
    assert tried >= fewest(total, chosen)


def test_a_kill_of_the_run_that_heals_is_healed_too(lanes: Lanes, total: int, tell: Tell) -> None:
    """F01, F02, F03, F04: up to four runs die at random calls, one after the other."""

    def attempt(lane: Lane, seed: int) -> bool:
        chance = random.Random(seed)
        lane.begin()
        settled: set[str] = set()
        for _ in range(4):
            mode = chance.choice([Mode.BEFORE, Mode.AFTER, Mode.TORN])
            if not _killed(lane, Injection(mode=mode, point=chance.randint(1, total))):
                return True
            now = lane.require_kept_promise().settled
            assert settled <= now
            settled = now
        lane.require_healing(settled)
        return True

    tried = lanes.try_points(seeds(usual=6), attempt)

    tell(f"{tried} rows of kills")
    assert tried == len(seeds(usual=6))
