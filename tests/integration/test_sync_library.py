"""Polyv's library in the ledger: page by page, in memory that does not grow, and compared with what is there."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from ledger_cases import NOW
from library_cases import Shelf, row, vid

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.ledger.upgrade import create_ledger
from fetcher.ledger.views import totals
from fetcher.ledger.work import Retried, retry
from fetcher.sync.reconciling import Compared, Reconciling
from fetcher.sync.wanting import Harvest, Wanting, Wish

T = TypeVar("T")
_PEAK = """
import asyncio, resource, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from library_cases import row
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.sync.reconciling import Reconciling
from fetcher.sync.wanting import Wanting, Wish

class Long:
    async def get(self, path, params):
        number, size, total = int(params["page"]), int(params["pageSize"]), int(sys.argv[3])
        contents = [row(at) for at in range((number - 1) * size, min(number * size, total))]
        return {"totalItems": total, "totalPages": -(-total // size), "pageSize": size, "contents": contents}

async def run():
    ledger = LedgerThread(open_ledger(Path(sys.argv[1])))
    harvest = await Wanting(ledger, Long(), Wish()).run()
    compared = Reconciling(ledger, Long())
    async for one in compared.compared():
        pass
    ledger.close()
    print(harvest.new, sum(compared.counts.values()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

asyncio.run(run())
"""


def _with(path: Path, work: Callable[[LedgerThread], Awaitable[T]]) -> T:
    """Do something with the ledger at *path*."""

    async def run() -> T:
        ledger = LedgerThread(open_ledger(path))
        try:
            return await work(ledger)
        finally:
            ledger.close()

    return asyncio.run(run())


def _submitted(path: Path, shelf: Shelf, **wish: Any) -> Harvest:
    return _with(path, lambda ledger: Wanting(ledger, shelf, Wish(**wish)).run())


def _compared(path: Path, shelf: Shelf) -> list[Compared]:
    async def compare(ledger: LedgerThread) -> list[Compared]:
        return [one async for one in Reconciling(ledger, shelf).compared()]

    return _with(path, compare)


def _count(path: Path) -> int:
    found = _with(path, lambda ledger: ledger.read(totals))
    return sum(found.counts.values())


def test_memory_does_not_grow_with_the_library(tmp_path: Path) -> None:
    """F103: neither that of a submit nor that of a comparison."""
    peaks = []
    for count in (1000, 12_000):
        path = tmp_path / f"{count}.db"
        create_ledger(path)
        command = [sys.executable, "-c", _PEAK, path, Path(__file__).resolve().parents[1], count]
        ran = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
        new, compared, peak_kib = map(int, ran.stdout.split())
        assert (count, count) == (new, compared)
        peaks.append(peak_kib)

    assert peaks[1] < peaks[0] + 12 * 1024


def test_what_was_read_before_polyv_fell_silent_is_kept_and_gone_on_with(path: Path) -> None:
    def fail(_: Shelf, number: int) -> None:
        if number == 3:
            raise PolyvUnavailableError("no answer")

    shelf = [row(number) for number in range(1600)]
    with pytest.raises(PolyvUnavailableError):
        _submitted(path, Shelf(shelf, before=fail))
    assert 1000 == _count(path)

    harvest = _submitted(path, Shelf(shelf))

    assert (600, 1000, 0) == (harvest.new, harvest.open, harvest.missing)


def test_a_limit_ends_the_reading(path: Path) -> None:
    shelf = Shelf([row(number) for number in range(5000)])

    harvest = _submitted(path, shelf, limit=7)

    assert (7, [1], 0) == (harvest.new, shelf.pages(), harvest.missing)


def test_a_list_that_is_shorter_than_polyv_counts_is_told(path: Path) -> None:
    harvest = _submitted(path, Shelf([row(1)], told=lambda data: {**data, "totalItems": 5, "totalPages": 1}))

    assert (1, 4) == (harvest.new, harvest.missing)


def test_f109_a_video_that_the_list_left_out_is_not_called_gone(path: Path) -> None:
    """It is asked about by its id before that is said."""
    _submitted(path, Shelf([row(number) for number in range(250)]))
    shelf = Shelf(
        [row(number) for number in range(248)],
        told=lambda data: {**data, "contents": data["contents"][5:], "totalItems": 243},
    )

    standings = {one.kept.vid: one.standing for one in _compared(path, shelf) if one.kept is not None}

    gone = {one for one, standing in standings.items() if standing == "gone"}
    assert ({vid(248), vid(249)}, 250) == (gone, len(standings))


def test_a_video_that_is_listed_twice_is_compared_once(path: Path) -> None:
    shelf = Shelf([row(1), row(2), row(1)])

    assert [vid(1), vid(2)] == [one.listed.vid for one in _compared(path, shelf) if one.listed is not None]


def test_retry_leaves_a_wanted_video_wanted(path: Path) -> None:
    """Nobody but 'sync' can ask for it."""
    _submitted(path, Shelf([row(1)]))

    retried = _with(path, lambda ledger: ledger.write(lambda one: retry(one, [vid(1)], now=NOW)))

    assert Retried(back=[], unknown=[], spared=[]) == retried
