"""Two tasks whose links live shortly: where they are signed anew, the end of the thaw window orders the work."""

import itertools
import time
from typing import Final

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw

from fetcher.simulator.faults import Fault
from fetcher.simulator.library import Video

_SIZE: Final = 200_000
_RATE: Final = 1_000_000.0
"""Bytes a second of the line: each file takes a fifth of a second."""
_DAY_S: Final = 86_400
_NEVER: Final = 1_000_000


def _task(case: ArchiveCase, count: int, *, lives_s: float, days_ago: int = 0) -> list[Video]:
    """Have a task of *count* videos that were thawed so long ago, and of one that Polyv goes on preparing."""
    library = case.simulator.library
    videos = [library.add_video(size=_SIZE, link_lifetime=lives_s) for _ in range(count)]
    case.add(*videos, library.add_video(ready_after_polls=_NEVER), created_at=time.time() - days_ago * _DAY_S)
    return videos


def _tasks(case: ArchiveCase, first: int, second: int) -> tuple[list[Video], list[Video]]:
    """Have two tasks: the window of the first ends two days sooner, the links of the second die sooner."""
    case.simulator.line.rate = _RATE
    case.simulator.auth_timestamp = "expiry"
    return _task(case, first, lives_s=90, days_ago=2), _task(case, second, lives_s=60)


def _begun(case: ArchiveCase, first: list[Video], second: list[Video]) -> list[str]:
    """Return in which order videos of both were begun, in runs of one task: ``B``, ``A``, ``B``."""
    names = {one.vid: "A" for one in first} | {one.vid: "B" for one in second}
    asked = dict.fromkeys(request.vid for request in case.simulator.requests if request.vid in names)
    return [name for name, _ in itertools.groupby(names[str(vid)] for vid in asked)]


def test_f40_once_links_are_seen_to_be_signed_anew_all_of_the_window_that_ends_first_is_begun_first(
    case: ArchiveCase,
) -> None:
    """At first nobody knows, and what dies first comes first; what is known is looked at every ten seconds."""
    first, second = _tasks(case, 6, 100)

    ended = case.sync("--jobs", "1", "--max-duration", "16s")

    assert (8, "") == (ended.returncode, ended.stderr), "links that die within ten minutes are no risk here"
    assert ["B", "A", "B"] == _begun(case, first, second)
    case.require_right(first)


@pytest.mark.parametrize(("links", "code", "order"), [("fresh", 8, ["B", "A", "B"]), ("frozen", 5, ["B", "A"])])
def test_f41_what_was_learned_of_signing_holds_for_the_next_run(
    case: ArchiveCase, links: str, code: int, order: list[str]
) -> None:
    """Identical links are lost when they die: they order the work, and are at risk, as if nothing were known."""
    case.simulator.links = links  # type: ignore[assignment]
    first, second = _tasks(case, 6, 20)

    ended = case.sync("--jobs", "1", "--max-duration", "2s")
    at_risk = set(case.rows("--at-risk"))
    again = case.sync("--jobs", "1")

    assert (code, 0) == (ended.returncode, again.returncode), ended.stderr + again.stderr
    assert order == _begun(case, first, second)
    assert bool(at_risk) is (links == "frozen")
    case.require_right([*first, *second])


def test_f66_a_clock_that_is_ahead_puts_nothing_at_risk(case: ArchiveCase) -> None:
    """By it the next run begins when the links, which live half a day, will be dead."""
    case.simulator.clock_offset = -float(_DAY_S)
    case.simulator.links, case.simulator.auth_timestamp = "frozen", "expiry"
    library = case.simulator.library
    slow = library.add_video(size=1_000_000, link_lifetime=_DAY_S / 2, faults=[Fault.drip(rate=1000.0)])
    case.add(slow, library.add_video(ready_after_polls=_NEVER), created_at=time.time() - _DAY_S)

    ended = [case.sync("--max-bytes", "1").returncode for _ in range(5)]

    assert [8] * 5 == ended


def _learned(case: ArchiveCase) -> list[int | None]:
    with raw(case.ledger) as ledger:
        return [signs_anew for (signs_anew,) in ledger.execute("SELECT signs_anew FROM link_clocks")]


def test_the_identical_link_in_place_of_one_that_was_refused_as_expired_is_remembered(case: ArchiveCase) -> None:
    """By its stamp it has half an hour to live, so it is the origin's word alone that calls it dead."""
    case.simulator.links = "frozen"
    case.add(case.simulator.library.add_video(faults=[Fault.expired()]))

    assert 3 == case.sync().returncode

    assert [0] == _learned(case)


def test_a_fresh_link_in_place_of_an_expired_one_is_remembered_too(case: ArchiveCase) -> None:
    """It is asked for a second later at the least, so that by its stamp it lives longer."""
    case.simulator.auth_timestamp = "expiry"
    case.add(case.simulator.library.add_video(faults=[Fault.refuse(), Fault.expired()]))

    assert 0 == case.sync("--until-done", FETCHER_RETRY_DELAY="1.5").returncode

    assert [1] == _learned(case)
