"""A run's plan: over all that is ready, however little of it is looked at one by one."""

import asyncio
import dataclasses
import functools
from pathlib import Path
from typing import Any

import pytest
from ledger_cases import link, seen, task_id, vid
from sqlalchemy import Connection, text
from sync_cases import now_ms, wired

from fetcher.archive.home import create_home
from fetcher.downloader.orders import Order
from fetcher.ledger import work
from fetcher.ledger.answers import PollRecord
from fetcher.ledger.due import due_tasks
from fetcher.ledger.polls import record_poll
from fetcher.ledger.work import add_tasks
from fetcher.sync.fetching import Fetching
from fetcher.sync.measuring import Measuring
from fetcher.sync.planning import Planning
from fetcher.sync.tries import Patience
from fetcher.sync.wires import Wires

_JOBS = 2
_LARGE = 3
_NEAR = 5
_VIDEOS = 30


def _publish(connection: Connection) -> None:
    """A few have ten seconds, one of them is large; the others, twice as large as a small one, have a minute.

    The line brings one small one a second.
    """
    now = now_ms()
    add_tasks(connection, [task_id(1)], now=now)
    (task,) = due_tasks(connection, now=now, limit=1)
    answer = [
        dataclasses.replace(
            seen(number, deadline=now + (10_000 if number <= _NEAR else 60_000) + number),
            link=dataclasses.replace(link(number), obtained_at=now, success_at=now),
        )
        for number in range(1, _VIDEOS + 1)
    ]
    record_poll(
        connection,
        PollRecord(
            task=task,
            seen=answer,
            now=now,
            next_poll_at=now + 10**6,
            refused_links=frozenset(),
            is_given_up=False,
        ),
    )
    size = f"CASE WHEN id = {_LARGE} THEN 100000 WHEN id <= {_NEAR} THEN 1000 ELSE 2000 END"
    connection.execute(text(f"UPDATE videos SET size_expected = {size}"))
    connection.execute(
        text("INSERT INTO runs (owner, started_at, ended_at, bytes_per_s) VALUES ('before', 1, 2, 1000)")
    )


def _ranks(connection: Connection) -> dict[int, int]:
    return {one.id: one.postponed for one in connection.execute(text("SELECT id, postponed FROM videos"))}


async def _no_other(order: Order) -> None:
    del order


async def _planned(
    wires: Wires, told: list[Any], *, most_near: int = 10 * _VIDEOS, limit: int | None = None
) -> dict[int, int]:
    """Have one plan made and told of; return the ranks that are not 0."""
    patience = Patience(first_s=60, tries=2, asked_again_s=60)
    fetching = Fetching(wires, renew=_no_other, jobs=_JOBS, layout="{vid}{ext}", patience=patience)
    planning = Planning(
        wires,
        fetching=fetching,
        measuring=Measuring(wires.downloader, limit=limit),
        places=_JOBS,
        most_places=4 * _JOBS,
        most_near=most_near,
    )
    await planning.load()
    async with asyncio.timeout(20):
        while not told:
            await planning.look()
            await asyncio.sleep(0.01)
    await planning.stop()
    return {video: rank for video, rank in (await wires.ledger.read(_ranks)).items() if rank}


@pytest.mark.parametrize("most_near", [_NEAR, 10 * _VIDEOS])
async def test_room_is_left_for_all_that_is_ready_however_little_of_it_is_looked_at_one_by_one(
    tmp_path: Path, most_near: int
) -> None:
    """The large one could be begun in time; then most of what has a minute could not be."""
    told: list[Any] = []
    async with wired(create_home(tmp_path / "a", config=""), notify=told.append) as wires:
        await wires.ledger.write(_publish)
        ranks = await _planned(wires, told, most_near=most_near)

    assert {_LARGE: 1} == ranks
    assert [(1, [vid(_LARGE)])] == [(one["count"], one["vids"]) for one in told]


def _run_for_a_day(connection: Connection, *, bytes_per_s: int, every_ms: int) -> None:
    """Have a run end each hour, of which the last five have brought 1000 bytes a second.

    A file takes an hour as they had it; one after the other has to be begun so many ms after the one before.
    """
    hour_ms, now = 3_600_000, now_ms()
    for ago in range(24, 0, -1):
        rate, at = (1000 if ago <= 5 else bytes_per_s), now - ago * hour_ms
        run = work.begin_run(connection, owner="before", now=at)
        counts = {"bytes_per_s": rate, "bytes": rate * 1800}
        work.end_run(connection, run, now=at + hour_ms // 2, exit_code=0, counts=counts)
    by = text("UPDATE videos SET size_expected = 3600000, start_by = :now + id * :every")
    connection.execute(by, {"now": now, "every": every_ms})


@pytest.mark.parametrize(
    ("bytes_per_s", "every_ms", "limit"),
    [
        pytest.param(500, 3_600_000, None, id="slow in the evenings"),
        pytest.param(4000, 1_800_000, 1000, id="quick, and now held to less"),
    ],
)
async def test_a_run_plans_by_what_earlier_ones_have_brought_through_a_day(
    tmp_path: Path, bytes_per_s: int, every_ms: int, limit: int | None
) -> None:
    told: list[Any] = []
    day = functools.partial(_run_for_a_day, bytes_per_s=bytes_per_s, every_ms=every_ms)
    async with wired(create_home(tmp_path / "a", config=""), notify=told.append) as wires:
        await wires.ledger.write(_publish)
        await wires.ledger.write(day)
        await _planned(wires, told, limit=limit)

    assert _VIDEOS // 4 < told[0]["count"] < _VIDEOS * 2 // 3
