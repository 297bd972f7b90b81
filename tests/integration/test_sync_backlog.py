"""What is claimed in advance: much of what is quick, little of what is slow, nothing for ever."""

import asyncio
import functools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ledger_cases import FAR, NOW, seen, task_id
from sqlalchemy import Connection, text
from sync_cases import wired

from fetcher.archive.home import create_home
from fetcher.ledger.answers import PollRecord
from fetcher.ledger.due import due_tasks
from fetcher.ledger.polls import record_poll
from fetcher.ledger.work import add_tasks
from fetcher.sync.backlog import Backlog
from fetcher.sync.wires import Wires

_VIDEOS = 200
_JOBS = 2


def _publish(connection: Connection) -> None:
    add_tasks(connection, [task_id(1)], now=NOW)
    (task,) = due_tasks(connection, now=NOW, limit=1)
    answer = [seen(number, deadline=FAR + number) for number in range(1, _VIDEOS + 1)]
    record = PollRecord(
        task=task, seen=answer, now=NOW, next_poll_at=FAR, refused_links=frozenset(), is_given_up=False
    )
    record_poll(connection, record)


@pytest.fixture(name="wires")
async def _wires(tmp_path: Path) -> AsyncIterator[Wires]:
    async with wired(create_home(tmp_path / "a", config="")) as wires:
        await wires.ledger.write(_publish)
        yield wires


async def _fill(backlog: Backlog) -> None:
    """Claim twice: a few, then more because those were quick."""
    for _ in range(2):
        for one in await backlog.claim():
            backlog.add(one)
        _end(backlog, 2 * _JOBS)


def _end(backlog: Backlog, count: int) -> None:
    for _ in range(count):
        backlog.count_end()


async def test_what_was_claimed_and_not_fetched_does_not_count_as_quick(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    assert [4, 4, 4] == [len(await backlog.claim()) for _ in range(3)]
    assert _JOBS == backlog.places


async def _held(wires: Wires) -> int:
    count = text("SELECT count(*) FROM videos WHERE lease_owner IS NOT NULL")
    return int(await wires.ledger.read(lambda connection: connection.scalar(count)) or 0)


async def test_what_is_quickly_done_is_claimed_in_growing_numbers_and_in_order(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    counts, order = [], []
    while backlog.is_low and (claimed := await backlog.claim()):
        counts.append(len(claimed))
        _end(backlog, len(claimed))
        order += [one.deadline for one in claimed]

    assert [4, 16, 64, 116] == counts
    assert [FAR + number for number in range(1, _VIDEOS + 1)] == order
    assert not backlog.is_low
    backlog.look_again()
    assert backlog.is_low


async def test_a_claim_that_fills_up_what_is_left_forgets_nothing(wires: Wires) -> None:
    """More places are filled at once, and so more is claimed at once: nothing has ended in between."""
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    await _fill(backlog)

    assert [16, 16] == [len(await backlog.claim()) for _ in range(2)]
    assert 8 * _JOBS == backlog.places


async def test_what_is_not_quick_any_more_is_claimed_in_small_numbers(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}", short_s=1)
    await _fill(backlog)
    assert 8 * _JOBS == backlog.places

    await asyncio.sleep(1.5)
    await backlog.claim()

    assert _JOBS == backlog.places


async def test_what_lasts_long_is_given_back_for_what_is_more_urgent(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}", long_s=0.05)
    await _fill(backlog)
    assert (20, False) == (len(backlog), backlog.is_stale)
    await asyncio.sleep(0.06)
    assert backlog.is_stale
    await backlog.release(backlog.take_back())
    assert (0, 0) == (len(backlog), await _held(wires))
    urgent = text("UPDATE videos SET start_by = 1 WHERE id = (SELECT max(id) FROM videos)")
    await wires.ledger.write(lambda connection: connection.execute(urgent) and None)
    assert 1 == (await backlog.claim())[0].start_by


async def test_a_few_are_kept_however_long_they_last(wires: Wires) -> None:
    """Else a run of large files would write to the ledger for nothing."""
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}", long_s=0.0)
    for one in await backlog.claim():
        backlog.add(one)
    await asyncio.sleep(0.01)
    assert (2 * _JOBS, False) == (len(backlog), backlog.is_stale)


async def test_a_link_that_dies_sooner_than_one_that_waits_is_known(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    assert not backlog.is_before(None)
    for one in await backlog.claim():
        backlog.add(one)
    assert [True, True, False] == [backlog.is_before(start_by) for start_by in (None, FAR + 1, FAR + 2 * _JOBS)]


async def test_all_that_is_claimed_is_given_back_in_the_end(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    await _fill(backlog)
    assert 20 == await _held(wires)
    backlog.pop()
    await backlog.release_all()
    assert (0, 0) == (len(backlog), await _held(wires))


async def test_claims_are_held_for_longer(wires: Wires) -> None:
    backlog = Backlog(wires, jobs=_JOBS, layout="{vid}{ext}")
    await backlog.claim()
    soon = text("UPDATE videos SET held_until = 1 WHERE lease_owner IS NOT NULL")
    await wires.ledger.write(lambda connection: connection.execute(soon) and None)
    await backlog.keep()
    earliest = text("SELECT min(held_until) FROM videos WHERE lease_owner IS NOT NULL")
    kept = await wires.ledger.read(functools.partial(Connection.scalar, statement=earliest))
    assert kept is not None
    assert kept > wires.now()
