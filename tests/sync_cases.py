"""What the tests of a pass share: one with real parts, but for a Polyv that answers before anybody can look."""

import functools
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from ledger_cases import put_empty_ledger

from fetcher.archive.home import Home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.domain.crowd import Crowd
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.crew import Crew
from fetcher.downloader.worker import Downloader
from fetcher.ledger.changes import Change
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.ledger.work import add_tasks
from fetcher.poller import Poller
from fetcher.polyv.delivery import Delivery
from fetcher.polyv.tasks import TaskAnswer
from fetcher.submitter import Submitter
from fetcher.sync.asking import Asking
from fetcher.sync.choosing import Terms
from fetcher.sync.clocks import LinkClocks
from fetcher.sync.durability import make_names_durable
from fetcher.sync.fetching import Fetching
from fetcher.sync.growing import Growing
from fetcher.sync.measuring import Measuring
from fetcher.sync.outcome import Notify, Options
from fetcher.sync.planning import Planning
from fetcher.sync.rhythm import Rhythm
from fetcher.sync.run import Run
from fetcher.sync.submitting import Submitting
from fetcher.sync.tries import Patience
from fetcher.sync.wires import Wires
from fetcher.transfer.origin import Origin
from fetcher.transfer.turn import Turn

VID: Final = "1b448be32370f4822ac40fd926112a66_1"


class Source:
    """Answers at once, without a network between."""

    def __init__(self, answer: Callable[[], TaskAnswer]) -> None:
        self._answer = answer
        self.asked = 0

    async def get_task(self, task_id: str) -> TaskAnswer:
        """Answer whatever is asked."""
        del task_id
        self.asked += 1
        return self._answer()

    async def create_task(self, vids: Sequence[str], *, expire_days: int, delivery: Delivery | None = None) -> str:
        """Nobody wants anything here."""
        raise NotImplementedError


def now_ms() -> int:
    """Return this machine's clock, ms UTC."""
    return int(time.time() * 1000)


def ignore(told: object) -> None:
    """Take no notice."""
    del told


@asynccontextmanager
async def wired(
    home: Home,
    *,
    before_names: Callable[[Sequence[Change]], None] = ignore,
    now: Callable[[], int] = now_ms,
    notify: Notify = ignore,
) -> AsyncIterator[Wires]:
    """Yield the parts of a run in a new archive.

    Args:
        home: The archive.
        now: This machine's clock, ms UTC.
        notify: Told of everything worth a line.
        before_names: Called in the ledger's thread before the names of finished files are made durable.
    """
    placing = Placing(home.root)

    def barrier(changes: Sequence[Change]) -> Sequence[Exception | None]:
        before_names(changes)
        return make_names_durable(placing, changes)

    put_empty_ledger(home.ledger)
    ledger = LedgerThread(open_ledger(home.ledger), barrier=barrier)
    turn, crew, parts = Turn(), Crew(2), Parts(home.parts)
    clocks = LinkClocks(1800, now=now_ms)
    origin = Origin(loopback_too=True, turn=turn)
    workshop = Workshop(
        root=home.root,
        placing=placing,
        origin=origin,
        crew=crew,
        turn=turn,
        now=now_ms,
        stall_s=10,
        reserve=0,
        buffers=[],
        sightings=clocks,
    )
    try:
        yield Wires(
            ledger=ledger,
            downloader=Downloader(workshop, parts),
            parts=parts,
            root=home.root,
            owner="test",
            now=now,
            polyv_now=now_ms,
            clocks=clocks,
            notify=notify,
        )
    finally:
        ledger.close()
        origin.close()
        crew.close()


@asynccontextmanager
async def running(
    home: Home,
    source: Source,
    *,
    first_s: float = 60,
    retry_s: float = 0.01,
    options: Options | None = None,
    layout: str = "{vid}{ext}",
    before_names: Callable[[Sequence[Change]], None] = ignore,
    now: Callable[[], int] = now_ms,
    notify: Notify = ignore,
) -> AsyncIterator[Run]:
    """Yield a run over a new archive with one task."""
    async with wired(home, before_names=before_names, now=now, notify=notify) as wires:
        poller = Poller(source=source, now=now_ms, lifetime_s=wires.clocks.seconds, loopback_too=True, warn=ignore)
        rhythm = Rhythm(first_s=first_s, longest_s=600, give_up_after_s=1e6)
        asking = Asking(wires, poller=poller, rhythm=rhythm, retry_in_s=lambda: 0.0)
        patience = Patience(first_s=retry_s, tries=2, asked_again_s=60, rest_s=0.2)
        fetching = Fetching(wires, renew=asking.renew, jobs=2, layout=layout, patience=patience)
        await wires.ledger.write(functools.partial(add_tasks, task_ids=["task-00001"], now=0))
        terms = Terms(expire_days=7, budget=None, reserve=0, first_poll_s=first_s, longest_pause_s=600)
        measuring = Measuring(wires.downloader)
        submitting = Submitting(
            wires,
            submitter=Submitter(source),
            terms=terms,
            measuring=measuring,
            retry_in_s=lambda: 0.0,
            created=asking.look_again,
        )
        yield Run(
            wires,
            submitting=submitting,
            asking=asking,
            fetching=fetching,
            measuring=measuring,
            planning=Planning(wires, fetching=fetching, measuring=measuring, places=2, most_places=8),
            growing=Growing(wires, fetching=fetching, crowd=Crowd(least=2, most=2)),
            options=options or Options(),
            calls=lambda: source.asked,
        )
