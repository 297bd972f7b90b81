"""One pass with real parts, but for a Polyv that answers before anybody can look."""

import asyncio
import functools
import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from origin import Exchange, OriginServer, rightly
from origin_faults import status, whole
from sqlalchemy import text, update
from sync_cases import VID, Source, now_ms, running

from fetcher.archive.home import create_home
from fetcher.domain.errors import CredentialsRefusedError
from fetcher.domain.events import FileVerified
from fetcher.domain.exit_code import ExitCode
from fetcher.ledger.changes import Change
from fetcher.ledger.claims import release_others
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.schema import tasks
from fetcher.ledger.work import add_tasks
from fetcher.polyv.tasks import TaskAnswer, parse_task
from fetcher.sync.outcome import Options

_ROUNDS = 25


def _refuse() -> TaskAnswer:
    raise CredentialsRefusedError("no")


@pytest.mark.parametrize("number", range(_ROUNDS))
async def test_a_refusal_that_comes_while_the_ledger_is_asked_is_not_missed(tmp_path: Path, number: int) -> None:
    """The run ends with 6 and not with 0."""
    del number
    source = Source(_refuse)
    async with running(create_home(tmp_path / "a", config=""), source) as run:
        summary = await run.run()

    assert (ExitCode.CREDENTIALS, 1) == (summary.exit_code, source.asked)


@pytest.mark.parametrize("number", range(_ROUNDS))
async def test_a_link_that_comes_while_the_ledger_is_asked_is_fetched_in_the_same_pass(
    tmp_path: Path, number: int
) -> None:
    """No ready video is left behind because its poll ended between two looks."""
    del number
    with OriginServer() as origin:
        link = origin.add("/a.mp4", b"\0\0\0\x18ftypmp42" * 1000)
        rows = [{"vid": VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}]
        async with running(create_home(tmp_path / "a", config=""), Source(lambda: parse_task(rows))) as run:
            summary = await run.run()

    assert (ExitCode.OK, 1) == (summary.exit_code, summary.done)


async def test_a_long_run_tries_again_what_had_used_up_its_tries(tmp_path: Path) -> None:
    """The origin comes back while Polyv still prepares another video: the run need not end for that."""
    home = create_home(tmp_path / "a", config="")
    with OriginServer() as origin:
        link = origin.add("/a.mp4", b"\0\0\0\x18ftypmp42" * 1000)
        origin.script("/a.mp4", [status(503)] * 2)

        def answer() -> TaskAnswer:
            said = "FAIL" if (home.root / f"{VID}.mp4").exists() else "PROCESS"
            ready = {"vid": VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}
            return parse_task([ready, {"vid": f"{VID[:-1]}2", "status": said}])

        async with running(home, Source(answer), first_s=0.05, options=Options(until_done=True)) as run:
            summary = await asyncio.wait_for(run.run(), 30)

    assert (1, 2, 1) == (summary.done, summary.tries_failed, summary.failed)


async def test_a_clock_that_steps_back_neither_delays_a_try_nor_keeps_the_run_busy(tmp_path: Path) -> None:
    """F67: pauses within a run are counted by the monotonic clock, in the ledger too."""
    home = create_home(tmp_path / "a", config="")
    looked = 0
    with OriginServer() as origin:
        link = origin.add("/a.mp4", b"\0\0\0\x18ftypmp42" * 1000)
        origin.script("/a.mp4", [status(503)])

        def clock() -> int:
            """An hour less as soon as the first try has been recorded."""
            nonlocal looked
            looked += 1
            return now_ms() - (3_600_000 if tried_at and time.monotonic() > tried_at[0] else 0)

        tried_at: list[float] = []
        rows = [{"vid": VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}]

        def notice(told: Mapping[str, Any]) -> None:
            if told["type"] == "try_failed":
                tried_at.append(time.monotonic())

        source = Source(lambda: parse_task(rows))
        async with running(home, source, retry_s=0.3, now=clock, notify=notice) as run:
            summary = await asyncio.wait_for(run.run(), 10)

    assert (1, 1, ExitCode.OK) == (summary.done, summary.tries_failed, summary.exit_code)
    assert looked < 100


async def test_f67_a_clock_that_is_set_back_makes_no_pause_between_questions_longer(tmp_path: Path) -> None:
    """An hour back, and links of half an hour would be born and die unseen."""
    began, set_back_at = now_ms(), list[float]()

    def clock() -> int:
        return now_ms() - (3_600_000 if set_back_at and time.monotonic() > set_back_at[0] else 0)

    def answer() -> TaskAnswer:
        if source.asked == 5:  # At any moment of what follows: while it is written down, or slept.
            set_back_at.append(time.monotonic() + 0.1 * random.random())
        if source.asked == 15:
            run.stop()
        return parse_task([{"vid": VID, "url": None, "status": "PROCESS"}])

    source = Source(answer)
    home, options = create_home(tmp_path / "a", config=""), Options(until_done=True)
    async with running(home, source, first_s=0.05, options=options, now=clock) as run:
        await run._wires.ledger.write(lambda connection: connection.execute(update(tasks).values(added_at=began)))
        await asyncio.wait_for(run.run(), 20)

    assert 15 <= source.asked


async def test_a_file_taken_away_before_its_row_is_written_is_fetched_again(tmp_path: Path) -> None:
    """F06: its name could not be made durable: nothing says ``done``, and nothing else of the run suffers."""
    home = create_home(tmp_path / "a", config="")
    names = [f"{VID[:-1]}{number}" for number in range(1, 4)]
    taken: list[str] = []

    def take_away(changes: Sequence[Change]) -> None:
        files = [change.event.path for change in changes if isinstance(change.event, FileVerified)]
        if files and not taken:
            taken.extend(files)
            os.rename(home.root / "library", tmp_path / "elsewhere")

    with OriginServer() as origin:
        rows = [
            {
                "vid": name,
                "url": f"{origin.add(f'/{name}.mp4', bytes(20) + name.encode())}?auth_key=1694663401-a-b-c0ffee",
                "status": "SUCCESS",
            }
            for name in names
        ]
        source = Source(lambda: parse_task(rows))
        async with running(home, source, layout="library/{vid}{ext}", before_names=take_away) as run:
            summary = await asyncio.wait_for(run.run(), 30)

    assert (3, ExitCode.OK) == (summary.done, summary.exit_code)
    assert 1 <= len(taken) <= summary.tries_failed, "one that was named meanwhile may have gone with them"
    assert names == sorted(path.stem for path in (home.root / "library").iterdir())
    assert [] == list(home.parts.iterdir())


async def test_what_another_run_gave_back_is_not_worked_on_twice(tmp_path: Path) -> None:
    """F72: two runs whose lock does not hold. The one that worked on it learns that its word does not count."""
    home, go_on = create_home(tmp_path / "a", config=""), threading.Event()
    held = text("SELECT lease_token FROM videos WHERE lease_owner = 'test'")

    def slowly(exchange: Exchange) -> None:
        go_on.wait(20)
        whole(exchange)

    with OriginServer() as origin:
        link = origin.add("/a.mp4", b"\0\0\0\x18ftypmp42" * 1000)
        origin.script("/a.mp4", [slowly])
        rows = [{"vid": VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}]
        async with running(home, Source(lambda: parse_task(rows))) as run:
            passing = asyncio.create_task(run.run())
            while not origin.requests:
                assert not passing.done()
                await asyncio.sleep(0.01)
            await run._wires.ledger.write(functools.partial(release_others, owner="another"))
            run._fetching.look_again()
            run._wires.news.set()
            while await run._wires.ledger.read(lambda connection: connection.scalar(held)) != 2:
                assert not passing.done()
                await asyncio.sleep(0.01)
            go_on.set()
            summary = await asyncio.wait_for(passing, 30)

    assert (1, ExitCode.LATER, {"ready": 1}) == (
        len(origin.requests),
        summary.exit_code,
        {name: count for name, count in summary.counts.items() if count},
    )
    assert (home.root / f"{VID}.mp4").exists()


async def test_a_link_that_dies_sooner_goes_before_all_that_is_not_begun(tmp_path: Path) -> None:
    """Ten files are quick, so many more are claimed and stand in line; those turn out to be slow."""
    home = create_home(tmp_path / "a", config="")
    dies_at = int(time.time()) + 3600
    before: list[int] = []

    def slowly(exchange: Exchange) -> None:
        time.sleep(1.0)  # Long beside what it takes to hear of the urgent one, however busy the machine is.
        whole(exchange)

    with OriginServer() as origin:
        links = [origin.add(f"/{number}.mp4", bytes(100)) for number in range(40)]
        for number in range(10, 40):
            origin.script(f"/{number}.mp4", [slowly])
        urgent = origin.add("/urgent.mp4", bytes(100))

        def row(number: int, link: str, dies_at: int) -> dict[str, str]:
            url = f"{link}?auth_key={dies_at}-a-b-c0ffee"
            return {"vid": f"{number:032x}_1", "url": url, "status": "SUCCESS"}

        def answer() -> TaskAnswer:
            rows = [row(number, link, dies_at + number) for number, link in enumerate(links)]
            if len(origin.requests) < 12:
                return parse_task([*rows, {"vid": f"{9999:032x}_1", "status": "PROCESS"}])
            before.append(len(origin.requests))
            return parse_task([*rows, row(9999, urgent, dies_at - 1)])

        async with running(home, Source(answer), first_s=0.1, options=Options(until_done=True)) as run:
            passing = asyncio.create_task(run.run())
            while not any("urgent" in request.path for request in origin.requests):
                assert not passing.done()
                await asyncio.sleep(0.02)
            order = [request.path for request in origin.requests]
            run.stop()
            await passing

    at = next(number for number, path in enumerate(order) if "urgent" in path)
    assert at - before[0] <= 3, "more than what was begun in the meantime went before it"


async def test_an_odd_text_of_somebody_elses_concerns_its_own_row_alone(tmp_path: Path) -> None:
    """F58, F94: a NUL in a status, the six characters that stand for one in a validator and in an encoding."""
    home = create_home(tmp_path / "a", config="")
    plain, tagged, coded, odd = (f"{VID[:-1]}{number}" for number in range(1, 5))
    with OriginServer() as origin:

        def row(vid: str, etag: str) -> dict[str, str]:
            link = origin.add(f"/{vid}.mp4", b"\0\0\0\x18ftypmp42" * 100, etag=etag)
            return {"vid": vid, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}

        rows = [row(plain, '"e"'), row(tagged, r'"a\u0000b"'), row(coded, '"c"'), {"vid": odd, "status": "PRO\0C"}]
        origin.files[f"/{coded}.mp4"].headers["Content-Encoding"] = r"x\u0000y"
        source = Source(lambda: parse_task(rows))
        async with running(home, source) as run:
            summary = await asyncio.wait_for(run.run(), 30)

    assert (2, {"done": 2, "ready": 1, "waiting": 1}) == (
        summary.done,
        {status: count for status, count in summary.counts.items() if count},
    )


async def test_a_second_try_of_what_dies_sooner_goes_before_all_that_is_not_begun(tmp_path: Path) -> None:
    """F40: the origin was busy once; the others die an hour later."""
    home = create_home(tmp_path / "a", config="")
    dies_at, has_failed = int(time.time()) + 900, threading.Event()

    def notice(told: Mapping[str, Any]) -> None:
        if told["type"] == "try_failed":
            has_failed.set()

    def slowly(exchange: Exchange) -> None:
        """Be under way until the second try is due."""
        has_failed.wait(30)
        time.sleep(0.3)
        rightly(exchange)

    with OriginServer() as origin:
        rows = []
        for number in range(1, 10):
            path = f"/{number}.mp4"
            stamp = dies_at + (3600 if number > 1 else 0)
            link = f"{origin.add(path, bytes(20) + path.encode())}?auth_key={stamp}-a-b-c0ffee"
            rows.append({"vid": f"{VID[:-1]}{number}", "url": link, "status": "SUCCESS"})
            origin.script(path, [slowly] if number > 1 else [status(503)])
        source = Source(lambda: parse_task(rows))
        async with running(home, source, retry_s=0.05, notify=notice) as run:
            summary = await asyncio.wait_for(run.run(), 60)
        asked = [request.path for request in origin.requests]

    assert (9, 1) == (summary.done, summary.tries_failed)
    assert 2 == asked[:5].count("/1.mp4")


class _FullTasks(Source):
    """Has a hundred videos in each task, none of them prepared yet."""

    def __init__(self) -> None:
        super().__init__(_refuse)
        self.asked_about: Counter[str] = Counter()

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Answer about a task, and count that."""
        self.asked += 1
        self.asked_about[task_id] += 1
        named = hashlib.md5(task_id.encode()).hexdigest()[:-2]
        return parse_task([{"vid": f"{named}{one:02}_1", "status": "PROCESS"} for one in range(100)])


async def test_a_pass_asks_about_each_of_five_hundred_full_tasks_once(tmp_path: Path) -> None:
    """F65: none twice, however long the others take, and all that was said is kept."""
    home, source = create_home(tmp_path / "a", config=""), _FullTasks()
    async with running(home, source) as run:
        ledger = open_ledger(home.ledger)
        with ledger.writing() as connection:
            add_tasks(connection, [f"task-{number:05}" for number in range(1, 501)], now=0)
        summary = await run.run()
        with ledger.reading() as connection:
            kept = connection.execute(text("SELECT count(*), count(DISTINCT task) FROM task_items")).one()
        ledger.close()

    assert (ExitCode.OK, 500, {1}) == (summary.exit_code, len(source.asked_about), {*source.asked_about.values()})
    assert ({"waiting": 50_000}, (50_000, 500)) == (+Counter(summary.counts), tuple(kept))


async def test_one_pass_asks_about_each_of_many_due_tasks_once_and_counts_that(tmp_path: Path) -> None:
    """More than wait at a time, and none is left out: not the last, and none twice."""
    rows = [{"vid": VID, "url": None, "status": "PROCESS"}]
    source, many = Source(lambda: parse_task(rows)), 300
    async with running(create_home(tmp_path / "a", config=""), source) as run:
        ids = [f"task-{number:05}" for number in range(1, many + 1)]
        ledger = run._wires.ledger
        await ledger.write(functools.partial(add_tasks, task_ids=ids, now=0))
        summary = await run.run()
        polls = await ledger.read(lambda connection: connection.execute(text("SELECT polls FROM tasks")).all())

    assert [(1,)] * many == [tuple(row) for row in polls]
    assert (many, many, many) == (summary.polls, summary.calls, source.asked)
