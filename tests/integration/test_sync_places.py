"""Places beyond the usual ones: opened for links that would die, and gone when what has them has ended."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from ledger_cases import added, link, polled, seen
from sync_cases import now_ms, wired

from fetcher.archive.home import create_home
from fetcher.domain.events import Event
from fetcher.domain.observation import Observation
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.ledger.opening import open_ledger
from fetcher.sync.fetching import Fetching
from fetcher.sync.measuring import Measuring
from fetcher.sync.planning import Planning
from fetcher.sync.tries import Patience
from fetcher.sync.wires import Wires
from fetcher.transfer.meter import Meter

_JOBS = 2
_MOST = 5


class _Standing:
    """Downloads that go on until they are told to end."""

    def __init__(self) -> None:
        self.running: dict[str, Meter] = {}
        self.fetched = 0
        self.sizes: list[int] = []
        self._ends: dict[str, asyncio.Event] = {}

    @property
    def threads(self) -> int:
        """As many as are wanted."""
        return self.sizes[-1] if self.sizes else _JOBS

    async def download(self, order: Order, renew: Renew) -> Event | TryAgain:
        """Stand."""
        del renew
        self.running[order.vid], self._ends[order.vid] = Meter(), asyncio.Event()
        await self._ends[order.vid].wait()
        del self.running[order.vid]
        return TryAgain(detail="ended", retry_after=3600)

    def end(self, count: int) -> None:
        """Let the *count* that began first come to their end."""
        for vid in list(self.running)[:count]:
            self._ends[vid].set()

    def resize(self, places: int) -> None:
        """Keep it."""
        self.sizes.append(places)

    def stop(self) -> None:
        """Let all end."""
        self.end(len(self.running))

    def recall(self) -> None:
        """Do nothing: none stands in line."""


@pytest.fixture(name="wires")
async def _wires(tmp_path: Path) -> AsyncIterator[Wires]:
    async with wired(create_home(tmp_path / "a", config="")) as wires:
        yield dataclasses.replace(wires, downloader=_Standing())


def _publish(
    wires: Wires, *, lives_s: float, count: int = 12, signing_anew: AbstractSet[str] = frozenset()
) -> None:
    """Have links of *count* videos that live for so long, of files that stay readable for a week from now."""
    ledger = open_ledger(wires.root / ".fetcher" / "ledger.db")
    added(ledger)
    answer = [_given(number, deadline=now_ms() + round(lives_s * 1000)) for number in range(1, count + 1)]
    polled(ledger, 1, *answer, signing_anew=signing_anew)
    ledger.close()


def _given(number: int, *, deadline: int) -> Observation:
    now = now_ms()
    given = dataclasses.replace(link(number), obtained_at=now, success_at=now)
    return dataclasses.replace(seen(number, deadline=deadline), link=given)


async def _no_other(order: Order) -> None:
    del order


def _begun(wires: Wires) -> tuple[Fetching, Planning, _Standing]:
    patience = Patience(first_s=60, tries=2, asked_again_s=60)
    fetching = Fetching(wires, renew=_no_other, jobs=_JOBS, layout="{vid}{ext}", patience=patience)
    downloader = wires.downloader
    assert isinstance(downloader, _Standing)
    return fetching, _planning(wires, fetching, most=_MOST), downloader


def _planning(wires: Wires, fetching: Fetching, *, most: int) -> Planning:
    measuring = Measuring(wires.downloader)
    return Planning(wires, fetching=fetching, measuring=measuring, places=_JOBS, most_places=most)


async def _settled(fetching: Fetching) -> None:
    """Fill what places are free, and let all that can begin do so."""
    for _ in range(10):
        await asyncio.sleep(0)
    await fetching.start()
    for _ in range(10):
        await asyncio.sleep(0)


async def _ended(fetching: Fetching, downloader: _Standing) -> None:
    downloader.end(len(downloader.running))
    while fetching.active:
        await asyncio.wait(fetching.active)
        downloader.end(len(downloader.running))


async def test_links_that_would_die_get_places_of_their_own_as_many_as_there_may_be(wires: Wires) -> None:
    """Two stand in the usual places, and the links live for three seconds more."""
    _publish(wires, lives_s=3)
    fetching, planning, downloader = _begun(wires)
    await _settled(fetching)
    assert _JOBS == len(downloader.running)

    for tick in range(4):
        planning.tick(now=1.0 + tick / 5)
        await _settled(fetching)

    assert _MOST == len(downloader.running)
    assert _MOST == downloader.sizes[-1]
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_links_that_are_signed_anew_are_lost_with_their_window_alone_and_get_no_place(wires: Wires) -> None:
    _publish(wires, lives_s=3, signing_anew={"cdn.example"})
    fetching, planning, downloader = _begun(wires)
    await _settled(fetching)
    for tick in range(4):
        planning.tick(now=1.0 + tick / 5)
        await _settled(fetching)

    assert (_JOBS, []) == (len(downloader.running), downloader.sizes)
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_a_place_beyond_the_usual_ones_is_gone_when_what_had_it_has_ended(wires: Wires) -> None:
    """Else one urgent link would leave a run with more transfers than it was asked for."""
    _publish(wires, lives_s=3000)
    fetching, planning, downloader = _begun(wires)
    await _settled(fetching)
    fetching.open_places(1)
    await _settled(fetching)
    assert _JOBS + 1 == len(downloader.running)

    for tick in range(3):
        downloader.end(1)
        await _settled(fetching)
        planning.tick(now=1.0 + tick)
        await _settled(fetching)
        assert _JOBS == len(downloader.running)

    assert _JOBS == downloader.sizes[-1]
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_links_that_have_time_wait_for_a_place(wires: Wires) -> None:
    _publish(wires, lives_s=3000)
    fetching, planning, downloader = _begun(wires)
    await _settled(fetching)
    for tick in range(2):
        planning.tick(now=1.0 + tick / 5)
        await _settled(fetching)

    assert (_JOBS, []) == (len(downloader.running), downloader.sizes)
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_quick_ones_that_stand_in_line_get_no_thread_each(wires: Wires) -> None:
    """Each thread has a buffer: many small files would take as much memory as large ones."""
    _publish(wires, lives_s=3000, count=60)
    fetching, planning, downloader = _begun(wires)
    while len(downloader.running) <= 2 * _JOBS:  # Until they have turned out to be quick.
        downloader.end(len(downloader.running))
        await _settled(fetching)

    for tick in range(3):
        planning.tick(now=1.0 + tick / 5)
        await _settled(fetching)  # Claims on, and is not quick any more.

    assert [] == downloader.sizes
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_a_run_that_has_grown_has_as_many_places_more_for_links_that_would_die(wires: Wires) -> None:
    """Else the slow lines of a grown run would hold the places that an urgent link needs."""
    _publish(wires, lives_s=3, count=20)
    patience = Patience(first_s=60, tries=2, asked_again_s=60)
    fetching = Fetching(wires, renew=_no_other, jobs=_JOBS, layout="{vid}{ext}", patience=patience)
    planning, downloader = _planning(wires, fetching, most=40), wires.downloader
    assert isinstance(downloader, _Standing)
    await _settled(fetching)
    fetching.resize(4)
    await _settled(fetching)
    assert (4, [4]) == (len(downloader.running), downloader.sizes)

    for tick in range(6):
        planning.tick(now=1.0 + tick / 5)
        await _settled(fetching)

    assert 4 + 3 * _JOBS == len(downloader.running)
    await fetching.give_back()
    await _ended(fetching, downloader)


async def test_a_run_that_shrinks_cuts_nothing_and_begins_nothing_until_it_has_shrunk(wires: Wires) -> None:
    """Nor is what stands in line given back, nor taken for quick."""
    _publish(wires, lives_s=3000)
    fetching, _, downloader = _begun(wires)
    fetching.resize(6)
    await _settled(fetching)
    begun = list(downloader.running)
    assert 6 == len(begun)

    waiting = [one.vid for one in fetching.waiting]
    fetching.resize(3)
    await _settled(fetching)
    assert (begun, waiting, True) == (
        list(downloader.running),
        [one.vid for one in fetching.waiting],
        fetching.is_each_seen,
    )

    downloader.end(4)
    await _settled(fetching)
    assert [*begun[4:], waiting[0]] == list(downloader.running)
    assert [6, 3] == downloader.sizes
    await fetching.give_back()
    await _ended(fetching, downloader)
