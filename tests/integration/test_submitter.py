"""What is known of a task after each way in which asking for it can end, over a real client and real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from fetcher.domain.errors import CredentialsRefusedError
from fetcher.polyv.client import Patience, PolyvClient
from fetcher.polyv.clock import PolyvClock
from fetcher.simulator.api_faults import ApiFault
from fetcher.simulator.server import Simulator
from fetcher.submitter import NothingCreated, Outcome, Submitter, TaskCreated, TaskLost, TaskRefused

_CREATE = "/source-file-task/create"


@pytest.fixture(name="simulator", scope="module")
def _simulator() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@asynccontextmanager
async def _submitter(simulator: Simulator, *, url: str = "", patience_s: float = 5) -> AsyncIterator[Submitter]:
    client = PolyvClient(
        api_url=url or simulator.url,
        app_id=simulator.app_id,
        app_secret=simulator.app_secret,
        clock=PolyvClock(simulator.now),
        patience=Patience(retry_first_s=0.01),
    )
    async with client:
        yield Submitter(client, patience_s=patience_s)


async def _asked(simulator: Simulator, vid: str, *, url: str = "") -> Outcome:
    simulator.requests.clear()
    async with _submitter(simulator, url=url) as submitter:
        return await submitter.submit([vid], expire_days=3)


async def test_an_id_is_an_id(simulator: Simulator) -> None:
    """The task is there, with its days."""
    video = simulator.library.add_video(size=100)
    outcome = await _asked(simulator, video.vid)

    (task,) = simulator.library.tasks_of(video.vid)
    assert (TaskCreated(task_id=task.task_id), 3) == (outcome, task.expire_days)


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        (ApiFault.truncated_json, 1),
        (ApiFault.empty, 1),
        (ApiFault.null_data, 1),
        (ApiFault.reset, 1),
        (ApiFault.unheard, 0),
        (ApiFault.html, 0),
        (ApiFault.http_500, 0),
    ],
)
async def test_whatever_is_no_word_of_polyvs_may_hide_a_task(
    simulator: Simulator, fault: Callable[..., ApiFault], made: int
) -> None:
    """It is lost, and the call is not sent again, whether Polyv made the task or not: nobody can tell."""
    video = simulator.library.add_video(size=100)
    simulator.api_faults.append(fault(path=_CREATE))
    outcome = await _asked(simulator, video.vid)

    assert isinstance(outcome, TaskLost)
    assert (1, made) == (len(simulator.requests), len(simulator.library.tasks_of(video.vid)))


async def test_a_no_of_polyvs_own_made_no_task(simulator: Simulator) -> None:
    """A code that nobody knows may be a matter of patience; 2000 is one of the ids; 105 ends all asking."""
    video = simulator.library.add_video(size=100)
    simulator.api_faults.append(ApiFault.error(20003, path=_CREATE))
    assert isinstance(await _asked(simulator, video.vid), NothingCreated)
    simulator.api_faults.append(ApiFault.error(105, path=_CREATE))
    with pytest.raises(CredentialsRefusedError):
        await _asked(simulator, video.vid)

    assert isinstance(await _asked(simulator, f"{7:032x}_1"), TaskRefused)
    assert [] == simulator.library.tasks_of(video.vid)


async def test_without_a_connection_there_is_no_task(simulator: Simulator) -> None:
    """Nothing listens there."""
    assert isinstance(await _asked(simulator, f"{7:032x}_1", url="http://127.0.0.1:9"), NothingCreated)


@pytest.mark.parametrize(("pause_s", "kind"), [(0.3, TaskCreated), (30.0, TaskLost)])
async def test_a_stop_waits_a_little_for_the_id(simulator: Simulator, pause_s: float, kind: type[Outcome]) -> None:
    """And not for ever."""
    video = simulator.library.add_video(size=100)
    simulator.api_faults.append(ApiFault.slow(pause_s, path=_CREATE))
    simulator.requests.clear()
    async with _submitter(simulator, patience_s=5 if kind is TaskCreated else 0.2) as submitter:
        asking = asyncio.create_task(submitter.submit([video.vid], expire_days=1))
        while not simulator.requests:
            assert not asking.done()
            await asyncio.sleep(0.01)
        submitter.stop()

        assert isinstance(await asyncio.wait_for(asking, 20), kind)
        assert NothingCreated(error=None) == await submitter.submit([video.vid], expire_days=1)


async def test_a_stop_before_anything_was_sent_loses_nothing(simulator: Simulator) -> None:
    """It stands in line for its turn, or between two tries to connect."""
    client = PolyvClient(
        api_url="http://127.0.0.1:9",
        app_id=simulator.app_id,
        app_secret=simulator.app_secret,
        clock=PolyvClock(simulator.now),
        patience=Patience(retry_first_s=60),
    )
    async with client:
        submitter = Submitter(client)
        asking = asyncio.create_task(submitter.submit([f"{7:032x}_1"], expire_days=1))
        while not client.calls:
            assert not asking.done()
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)  # Refused by now, and waiting for its second try; if not, it was not sent either.
        submitter.stop()

        assert NothingCreated(error=None) == await asyncio.wait_for(asking, 20)
