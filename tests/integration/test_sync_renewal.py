"""Links that die before their turn comes: asked for anew in time, one question for a whole task."""

import asyncio
import functools
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from origin import Exchange, OriginServer, rightly
from origin_faults import EXPIRED
from sqlalchemy import text
from sync_cases import VID, Source, now_ms, running

from fetcher.archive.home import create_home
from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.exit_code import ExitCode
from fetcher.domain.link import Link
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation
from fetcher.ledger.answers import PollRecord
from fetcher.ledger.due import due_tasks
from fetcher.ledger.polls import record_poll
from fetcher.polyv.tasks import TaskAnswer, parse_task
from fetcher.sync.outcome import Summary
from fetcher.sync.run import Run

_MINUTE = 60_000
_BODY = b"\0\0\0\x18ftypmp42" * 1000
_VIDS = [f"{VID[:-1]}{number}" for number in range(1, 9)]


def _link(origin: OriginServer, vid: str, key: str) -> str:
    return f"{origin.url(f'/{vid}.mp4')}?auth_key={key}"


async def _keep_old_links(run: Run, origin: OriginServer, *, left_ms: int) -> None:
    """Have the ledger know links of a finished task that were given an hour ago and die in *left_ms*."""
    now = now_ms()
    given = dict.fromkeys(_VIDS, (now - 60 * _MINUTE, now + left_ms, now - 60 * _MINUTE))
    await _keep_links(run, origin, given, key="old")


async def _keep_links(
    run: Run, origin: OriginServer, given: Mapping[str, tuple[int, int, int]], *, key: str
) -> None:
    """Have the ledger know a finished task's links: when each was given, when it dies, when its file was ready."""
    now = now_ms()
    seen = [
        Observation(
            vid=vid,
            said=Preparation.SUCCESS,
            raw="SUCCESS",
            link=Link(url=_link(origin, vid, key), obtained_at=obtained_at, success_at=success_at),
            deadline=deadline,
        )
        for vid, (obtained_at, deadline, success_at) in given.items()
    ]
    (task,) = await run._wires.ledger.read(lambda connection: due_tasks(connection, now=now, limit=1))
    record = PollRecord(task=task, seen=seen, now=now, next_poll_at=now, is_given_up=False)
    assert (await run._wires.ledger.write(functools.partial(record_poll, record=record))).is_finished


def _answer(origin: OriginServer, key: str) -> TaskAnswer:
    return parse_task([{"vid": vid, "url": _link(origin, vid, key), "status": "SUCCESS"} for vid in _VIDS])


def _asked(origin: OriginServer) -> set[str]:
    return {request.query.removeprefix("auth_key=") for request in origin.requests}


@pytest.mark.parametrize("left_ms", [5_000, -60 * _MINUTE])
async def test_a_link_about_to_die_is_renewed_before_it_is_used_and_one_question_serves_its_task(
    tmp_path: Path, left_ms: int
) -> None:
    with OriginServer() as origin:
        for vid in _VIDS:
            origin.add(f"/{vid}.mp4", _BODY)
        source = Source(lambda: _answer(origin, "1999999999-a-b-c0ffee"))
        async with running(create_home(tmp_path / "a", config=""), source) as run:
            await _keep_old_links(run, origin, left_ms=left_ms)
            summary = await run.run()

        assert (ExitCode.OK, len(_VIDS)) == (summary.exit_code, summary.done)
        assert {"1999999999-a-b-c0ffee"} == _asked(origin)
        assert source.asked <= 2, "one for each place at the most, and none for each video"


async def test_f35_the_identical_link_is_noticed_after_one_question_and_used(tmp_path: Path) -> None:
    """Only the origin says that a link has expired."""
    with OriginServer() as origin:
        for vid in _VIDS:
            origin.add(f"/{vid}.mp4", _BODY)
        source = Source(lambda: _answer(origin, "old"))
        async with running(create_home(tmp_path / "a", config=""), source) as run:
            await _keep_old_links(run, origin, left_ms=5_000)
            summary = await run.run()

        assert (ExitCode.OK, len(_VIDS)) == (summary.exit_code, summary.done)
        assert source.asked <= 2, "one for each place at the most, and none for each video"
        assert {"old"} == _asked(origin)


async def test_f61_a_video_that_vanished_from_its_task_takes_no_fresh_link_from_the_others(tmp_path: Path) -> None:
    """Each link is refused; the answer to the first question has no row of the video that it was asked for."""
    with OriginServer() as origin:
        for vid in _VIDS:
            origin.add(f"/{vid}.mp4", _BODY)
            origin.script(f"/{vid}.mp4", [EXPIRED])
        rows = [{"vid": vid, "url": _link(origin, vid, "new"), "status": "SUCCESS"} for vid in _VIDS[1:]]
        async with running(create_home(tmp_path / "a", config=""), Source(lambda: parse_task(rows))) as run:
            await _keep_old_links(run, origin, left_ms=30 * _MINUTE)
            summary = await run.run()

    assert (len(_VIDS) - 1, 1, ExitCode.LATER) == (summary.done, summary.links_refused, summary.exit_code)


@pytest.mark.parametrize(("is_answered", "expected"), [(True, 1), (False, 2)])
async def test_a_task_whose_links_come_again_as_they_were_is_asked_for_others_once_in_five_minutes(
    tmp_path: Path, *, is_answered: bool, expected: int
) -> None:
    """Not once a minute for as long as there is something to fetch; one that did not answer is asked again."""
    with OriginServer() as origin:

        def answer() -> TaskAnswer:
            if is_answered:
                return _answer(origin, "old")
            raise PolyvUnavailableError("no")

        source = Source(answer)
        async with running(create_home(tmp_path / "a", config=""), source) as run:
            await _keep_old_links(run, origin, left_ms=60_000)
            for _ in range(2):
                run._asking._refresh_at = 0.0
                await run._asking.refresh_dying()
                while run._asking.active:
                    await asyncio.wait(run._asking.active.values())

    assert expected == source.asked


async def test_a_link_that_lives_is_not_asked_for_anew(tmp_path: Path) -> None:
    with OriginServer() as origin:
        for vid in _VIDS:
            origin.add(f"/{vid}.mp4", _BODY)
        source = Source(lambda: _answer(origin, "1999999999-a-b-c0ffee"))
        async with running(create_home(tmp_path / "a", config=""), source) as run:
            await _keep_old_links(run, origin, left_ms=30 * _MINUTE)
            summary = await run.run()

        assert (len(_VIDS), 0) == (summary.done, source.asked)


async def test_what_a_run_sees_of_links_moves_the_deadlines_of_the_others(tmp_path: Path) -> None:
    """Links two hours old work, so half an hour is not their lifetime: the ledger learns it, for later runs too."""
    stamped_s = now_ms() // 1000 - 7200
    with OriginServer() as origin:
        links = [f"{origin.add(f'/{vid}.mp4', _BODY)}?auth_key={stamped_s}-a-b-c0ffee" for vid in _VIDS[:2]]
        origin.forget(f"/{_VIDS[1]}.mp4")
        rows = [{"vid": vid, "url": url, "status": "SUCCESS"} for vid, url in zip(_VIDS, links, strict=False)]
        async with running(create_home(tmp_path / "a", config=""), Source(lambda: parse_task(rows))) as run:
            await run.run()
            kept = await run._wires.ledger.read(
                lambda connection: connection.execute(text("SELECT host, worked_ms FROM link_clocks")).one()
            )

    assert "127.0.0.1" == kept.host
    assert 7200 <= kept.worked_ms / 1000 < 7260


async def test_what_is_learned_of_signing_is_heeded_by_what_is_claimed_and_not_begun(tmp_path: Path) -> None:
    """Links die in the order of their numbers, files go cold in the opposite one; two are under way."""
    now, go_on = now_ms(), threading.Event()
    hours = {vid: number * 60 * _MINUTE for number, vid in enumerate(_VIDS)}
    given = {vid: (now, now + 60 * _MINUTE + later, now - later) for vid, later in hours.items()}

    def slowly(exchange: Exchange) -> None:
        go_on.wait(20)
        rightly(exchange)

    with OriginServer() as origin:
        for vid in _VIDS:
            origin.add(f"/{vid}.mp4", _BODY)
            origin.script(f"/{vid}.mp4", [slowly])
        async with running(create_home(tmp_path / "a", config=""), Source(lambda: _answer(origin, "new"))) as run:
            await _keep_links(run, origin, given, key=f"{now // 1000}-a-b-c0ffee")
            passing = asyncio.create_task(run.run())
            before = await _next_ones(run, passing, [])
            run._wires.clocks.signed({"127.0.0.1": True})
            await run._learn()
            after = await _next_ones(run, passing, before)
            go_on.set()
            summary = await asyncio.wait_for(passing, 30)

    assert (_VIDS[2:4], _VIDS[:3:-1]) == (before, after)
    assert (ExitCode.OK, len(_VIDS)) == (summary.exit_code, summary.done)


async def _next_ones(run: Run, passing: asyncio.Task[Summary], before: list[str]) -> list[str]:
    """Return what is claimed and not begun, once that is something else than *before*."""
    async with asyncio.timeout(10):
        while (found := [one.vid for one in run._fetching.waiting]) in ([], before):
            assert not passing.done()
            await asyncio.sleep(0.01)
    return found
