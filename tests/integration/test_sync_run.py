"""One pass with real parts, but for a Polyv that answers before anybody can look."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from origin import OriginServer
from origin_faults import status

from fetcher.archive.home import Home, create_home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.domain.errors import CredentialsRefusedError
from fetcher.domain.exit_code import ExitCode
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.worker import Downloader
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.ledger.upgrade import create_ledger
from fetcher.ledger.work import add_tasks
from fetcher.poller import Poller
from fetcher.polyv.tasks import TaskAnswer, parse_task
from fetcher.sync.asking import Asking, Rhythm
from fetcher.sync.durability import make_names_durable
from fetcher.sync.fetching import Fetching, Patience
from fetcher.sync.outcome import Options
from fetcher.sync.run import Run
from fetcher.sync.wires import Wires
from fetcher.transfer.origin import Origin

_VID = "1b448be32370f4822ac40fd926112a66_1"
_ROUNDS = 25


class _Source:
    """Answers at once, without a network between."""

    def __init__(self, answer: Callable[[], TaskAnswer]) -> None:
        self._answer = answer
        self.asked = 0

    async def get_task(self, task_id: str) -> TaskAnswer:
        del task_id
        self.asked += 1
        return self._answer()


def _now() -> int:
    return int(time.time() * 1000)


@asynccontextmanager
async def _run(
    home: Home, source: _Source, *, first_s: float = 60, options: Options | None = None
) -> AsyncIterator[Run]:
    create_ledger(home.ledger)
    placing = Placing(home.root)
    ledger = LedgerThread(open_ledger(home.ledger), barrier=functools.partial(make_names_durable, placing))
    origin, threads, parts = Origin(loopback_too=True), ThreadPoolExecutor(2), Parts(home.parts)
    workshop = Workshop(
        root=home.root,
        placing=placing,
        origin=origin,
        threads=threads,
        now=_now,
        stall_s=10,
        reserve=0,
        buffers=[],
    )
    wires = Wires(
        ledger=ledger,
        downloader=Downloader(workshop, parts),
        parts=parts,
        root=home.root,
        owner="test",
        now=_now,
        polyv_now=_now,
        notify=_ignore,
    )
    poller = Poller(source=source, now=_now, lifetime_s=1800, loopback_too=True, warn=_ignore)
    rhythm = Rhythm(first_s=first_s, longest_s=600, give_up_after_s=1e6)
    asking = Asking(wires, poller=poller, rhythm=rhythm, retry_in_s=lambda: 0.0)
    patience = Patience(first_s=0.01, tries=2, asked_again_s=60, rest_s=0.2)
    fetching = Fetching(wires, renew=asking.renew, jobs=2, layout="{vid}{ext}", patience=patience)
    try:
        await ledger.write(lambda connection: add_tasks(connection, ["task-00001"], now=0))
        yield Run(wires, asking=asking, fetching=fetching, options=options or Options(), calls=lambda: source.asked)
    finally:
        ledger.close()
        origin.close()
        threads.shutdown()


def _ignore(told: object) -> None:
    del told


def _refuse() -> TaskAnswer:
    raise CredentialsRefusedError("no")


@pytest.mark.parametrize("number", range(_ROUNDS))
async def test_a_refusal_that_comes_while_the_ledger_is_asked_is_not_missed(tmp_path: Path, number: int) -> None:
    """The run ends with 6 and not with 0."""
    del number
    source = _Source(_refuse)
    async with _run(create_home(tmp_path / "a", config=""), source) as run:
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
        rows = [{"vid": _VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}]
        async with _run(create_home(tmp_path / "a", config=""), _Source(lambda: parse_task(rows))) as run:
            summary = await run.run()

    assert (ExitCode.OK, 1) == (summary.exit_code, summary.done)


async def test_a_long_run_tries_again_what_had_used_up_its_tries(tmp_path: Path) -> None:
    """The origin comes back while Polyv still prepares another video: the run need not end for that."""
    home = create_home(tmp_path / "a", config="")
    with OriginServer() as origin:
        link = origin.add("/a.mp4", b"\0\0\0\x18ftypmp42" * 1000)
        origin.script("/a.mp4", [status(503)] * 2)

        def answer() -> TaskAnswer:
            said = "FAIL" if (home.root / f"{_VID}.mp4").exists() else "PROCESS"
            ready = {"vid": _VID, "url": f"{link}?auth_key=1694663401-a-b-c0ffee", "status": "SUCCESS"}
            return parse_task([ready, {"vid": f"{_VID[:-1]}2", "status": said}])

        async with _run(home, _Source(answer), first_s=0.05, options=Options(until_done=True)) as run:
            summary = await asyncio.wait_for(run.run(), 30)

    assert (1, 2, 1) == (summary.done, summary.tries_failed, summary.failed)
