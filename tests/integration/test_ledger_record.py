"""record(): many events in few transactions, each of them durable, none of them in another's way."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import FAR, NOW, child, ended, link, opened, raw, ready, rows, statuses, taken, verified

from fetcher.domain.errors import LedgerLockedError, StaleLeaseError
from fetcher.domain.events import LinkPublished
from fetcher.ledger.changes import Change, Fence
from fetcher.ledger.thread import LedgerThread

PATIENCE_S: Final = 1.0
HOLD: Final = """
import fcntl, sys
file = open(sys.argv[1] + ".lock", "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("ready", flush=True)
sys.stdin.read()
"""
RECORDER: Final = """
import asyncio, itertools, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from ledger_cases import FAR, link, opened
from fetcher.domain.events import LinkPublished
from fetcher.ledger.changes import Change
from fetcher.ledger.thread import LedgerThread

async def record(ledger, number):
    for turn in itertools.count(int(sys.argv[3])):
        event = LinkPublished(at=turn, task_id="t", link=link(number, turn=turn), deadline=FAR, start_by=FAR)
        await ledger.record(Change(video_id=number, event=event))
        print(number, turn, flush=True)

async def main():
    with opened(Path(sys.argv[2])) as database:
        ledger = LedgerThread(database)
        print("ready", flush=True)
        await asyncio.gather(*(record(ledger, number) for number in range(1, 9)))

asyncio.run(main())
"""


@pytest.fixture(name="ledger")
async def _ledger(tmp_path: Path) -> AsyncIterator[LedgerThread]:
    with opened(tmp_path) as database:
        ready(database, *range(1, 101))
    with opened(tmp_path, patience_s=PATIENCE_S) as database:
        thread = LedgerThread(database)
        yield thread
        thread.close()


def done_of(one_path: str, video_id: int, fence: Fence | None) -> Change:
    """Return the change that says a video is done."""
    return Change(video_id=video_id, event=verified(one_path), fence=fence)


async def test_many_at_once_are_written_in_few_transactions(ledger: LedgerThread, tmp_path: Path) -> None:
    claimed = await asyncio.to_thread(taken, ledger._database, limit=100)
    with raw(tmp_path / "ledger.db") as other:
        other.execute("PRAGMA query_only = 1")
        before = commits(tmp_path)
        await asyncio.gather(*(ledger.record(done_of(one.path, one.video_id, one.fence)) for one in claimed))
        assert {"done"} == set(statuses(ledger._database).values())
        assert 1 <= commits(tmp_path) - before <= 3


def commits(directory: Path) -> int:
    """Count the commit frames in the -wal file. Source: https://www.sqlite.org/fileformat2.html#walformat."""
    content = (directory / "ledger.db-wal").read_bytes()
    salt = content[16:24]
    frames = [content[start : start + 24] for start in range(32, len(content), 4096 + 24)]
    return sum(1 for frame in frames if frame[8:16] == salt and int.from_bytes(frame[4:8], "big") > 0)


async def test_one_stale_claim_among_many_fails_alone(ledger: LedgerThread) -> None:
    claimed = await asyncio.to_thread(taken, ledger._database, limit=20)
    changes = [done_of(one.path, one.video_id, one.fence) for one in claimed]
    changes[7] = done_of(claimed[7].path, claimed[7].video_id, Fence(owner="run", token=9))
    results = await asyncio.gather(*map(ledger.record, changes), return_exceptions=True)
    assert [7] == [number for number, result in enumerate(results) if isinstance(result, StaleLeaseError)]
    assert 19 == sum(result is None for result in results)
    assert [{"n": 19}] == rows(ledger._database, "SELECT count(*) AS n FROM videos WHERE status = 'done'")


async def test_when_record_returns_another_process_sees_it(ledger: LedgerThread, tmp_path: Path) -> None:
    (one,) = await asyncio.to_thread(taken, ledger._database, limit=1)
    await ledger.record(done_of(one.path, one.video_id, one.fence))
    code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute(sys.argv[2]).fetchone()[0])"
    ask = "SELECT count(*) FROM videos WHERE status = 'done'"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(tmp_path / "ledger.db"), ask, stdout=subprocess.PIPE
    )
    assert b"1\n" == (await process.communicate())[0]


async def test_an_error_of_the_database_reaches_all_who_wait_and_the_next_succeeds(
    ledger: LedgerThread, tmp_path: Path
) -> None:
    """F70."""
    claimed = await asyncio.to_thread(taken, ledger._database, limit=5)
    other = await asyncio.to_thread(child, HOLD, tmp_path / "ledger.db")
    changes = [done_of(one.path, one.video_id, one.fence) for one in claimed]
    results = await asyncio.gather(*map(ledger.record, changes), return_exceptions=True)
    assert [LedgerLockedError] * 5 == [type(result) for result in results]
    await asyncio.to_thread(ended, other)
    assert [None] * 5 == await asyncio.gather(*map(ledger.record, changes))


async def test_the_event_loop_goes_on_while_the_ledger_is_locked(ledger: LedgerThread, tmp_path: Path) -> None:
    other = await asyncio.to_thread(child, HOLD, tmp_path / "ledger.db")
    event = LinkPublished(at=NOW, task_id="t", link=link(1, turn=1), deadline=FAR, start_by=FAR)
    waiting = asyncio.create_task(ledger.record(Change(video_id=1, event=event)))
    longest, last = 0.0, time.monotonic()
    while not waiting.done():
        await asyncio.sleep(0.005)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    with pytest.raises(LedgerLockedError):
        await waiting
    assert longest < PATIENCE_S / 2
    await asyncio.to_thread(ended, other)


async def test_who_stops_waiting_neither_takes_back_his_event_nor_that_of_others(ledger: LedgerThread) -> None:
    claimed = await asyncio.to_thread(taken, ledger._database, limit=10)
    tasks = [asyncio.create_task(ledger.record(done_of(one.path, one.video_id, one.fence))) for one in claimed]
    await asyncio.sleep(0)
    tasks[0].cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    assert [None] * 9 == results[1:]
    assert 10 == await ledger.read(count_done)


def count_done(connection: object) -> int:
    """Count what is done."""
    return int(connection.exec_driver_sql("SELECT count(*) FROM videos WHERE status = 'done'").scalar())  # type: ignore[attr-defined]


def test_nothing_hangs_when_the_loop_ends_amid_a_commit(tmp_path: Path) -> None:
    """All tasks of the loop are cancelled: whoever waits is told, and what was asked for is written."""
    with opened(tmp_path) as database:
        ready(database, *range(1, 11))
        claimed = taken(database)
        ledger = LedgerThread(database)

        async def leave() -> None:
            for one in claimed:
                asyncio.create_task(ledger.record(done_of(one.path, one.video_id, one.fence)))  # noqa: RUF006
            await asyncio.sleep(0)

        asyncio.run(asyncio.wait_for(leave(), 5))
        ledger.close()
    with opened(tmp_path) as database:
        assert {"done"} == set(statuses(database).values())


async def test_cancelling_everything_else_leaves_a_waiter_its_answer(ledger: LedgerThread) -> None:
    (one,) = await asyncio.to_thread(taken, ledger._database, limit=1)
    waiting = asyncio.create_task(ledger.record(done_of(one.path, one.video_id, one.fence)))
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {waiting, asyncio.current_task()}:
        task.cancel()
    await asyncio.wait_for(waiting, 5)

    assert "done" in (await asyncio.to_thread(statuses, ledger._database)).values()


async def test_what_the_barrier_refuses_is_not_written_and_all_else_is(tmp_path: Path) -> None:
    """It is asked before anything of the group is in the ledger."""
    with opened(tmp_path) as database:
        ready(database, *range(1, 11))
        claimed = taken(database)
        seen: list[int] = []

        def barrier(changes: Sequence[Change]) -> list[Exception | None]:
            seen.extend(list(statuses(database).values()).count("done") for _ in changes)
            return [OSError("no") if change.video_id == 3 else None for change in changes]

        ledger = LedgerThread(database, barrier=barrier)
        changes = [done_of(one.path, one.video_id, one.fence) for one in claimed]
        results = await asyncio.gather(*map(ledger.record, changes), return_exceptions=True)
        ledger.close()

    assert [3] == [one.video_id for one, result in zip(claimed, results, strict=True) if result is not None]
    assert [0] * 10 == seen
    with opened(tmp_path) as database:
        assert ["ready"] == [status for status in statuses(database).values() if status != "done"]


async def test_what_is_pending_is_written_when_the_ledger_is_closed(tmp_path: Path) -> None:
    with opened(tmp_path) as database:
        ready(database, *range(1, 4))
        claimed = taken(database)
        ledger = LedgerThread(database)
        waiting = [
            asyncio.create_task(ledger.record(done_of(one.path, one.video_id, one.fence))) for one in claimed
        ]
        await asyncio.sleep(0)
        await asyncio.to_thread(ledger.close)
        for task in waiting:
            task.cancel()
    with opened(tmp_path) as database:
        assert {"done"} == set(statuses(database).values())


def test_every_acknowledged_event_outlives_kill_9(tmp_path: Path) -> None:
    """F04: twenty deaths at moments that nobody chose."""
    with opened(tmp_path) as database:
        ready(database, *range(1, 9))
    cases = Path(__file__).resolve().parent.parent
    total = 0
    for death in range(20):
        process = child(RECORDER, cases, tmp_path, death * 1_000_000)
        time.sleep(0.01 + death * 0.017 % 0.1)
        process.kill()
        told, _ = process.communicate()
        acknowledged = {
            tuple(map(int, line.split())) for line in told.splitlines(keepends=True) if line[-1] == "\n"
        }
        total += len(acknowledged)
        with opened(tmp_path) as database:
            assert [{"integrity_check": "ok"}] == rows(database, "PRAGMA integrity_check")
            kept = {(row["video"], row["at"]) for row in rows(database, "SELECT video, at FROM events")}
        assert set() == acknowledged - kept
    assert total, "all deaths came before anything was said"
