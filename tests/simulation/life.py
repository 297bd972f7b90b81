"""One process: a real run over a real ledger and real files, from its start to its end or its death."""

import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import stamina.instrumentation
from simulation.disk import copy_archive
from simulation.loop import VirtualLoop
from simulation.network import ApiLine, OriginLine
from simulation.polyv import SECRET
from simulation.steps import Steps
from simulation.threads import LockstepCrew, LockstepExecutor
from simulation.world import World

from fetcher.archive.home import Home
from fetcher.archive.parts import Parts
from fetcher.archive.placing import Placing
from fetcher.domain.errors import FetcherError
from fetcher.domain.exit_code import ExitCode
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.worker import Downloader
from fetcher.ledger.opening import open_ledger
from fetcher.ledger.thread import LedgerThread
from fetcher.polyv.breaker import CircuitBreaker
from fetcher.polyv.client import PolyvClient
from fetcher.polyv.clock import PolyvClock
from fetcher.settings import Settings
from fetcher.sync.clocks import LinkClocks
from fetcher.sync.durability import make_names_durable
from fetcher.sync.late import Late, LateDownloader, LatePolyv
from fetcher.sync.outcome import Options, Summary
from fetcher.sync.run import Run
from fetcher.sync.wires import Wires
from fetcher.sync.wiring import wired_run
from fetcher.transfer.turn import Turn

BUFFER: Final = 4096
_CHECKPOINT: Final = 16384


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a process is asked for, and what happens to it."""

    settings: Settings
    options: Options
    dies_at: int | None = None
    """The step at which it is killed."""
    dies_after_name: tuple[int, int] | None = None
    """The same, counted from a finished file's name: which one, from 1, and how many steps after that."""
    stops_at_s: float | None = None
    """Seconds after its start when it is told to stop."""
    rival_after_s: float | None = None
    """Seconds after which a second process begins in the same archive, whose lock does not hold; None for none."""
    jumps: Mapping[float, float] = field(default_factory=dict)
    """By how many seconds the wall clock jumps, by seconds after the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended."""

    home: Home
    """Where the archive is now."""
    steps: int
    began_s: float
    summary: Summary | None = None
    """None where it died or broke."""
    error: FetcherError | None = None
    is_dead: bool = False
    had_rival: bool = False


class Life:
    """One process over the archive *home*. What it does after its death is done to a copy that nobody looks at."""

    def __init__(self, world: World, home: Home, plan: Plan, *, number: int) -> None:
        self._world = world
        self._home = home
        self._plan = plan
        self._number = number
        self._after = Home(home.root.with_name(f"{number}-after"))
        self._chance = random.Random(f"threads {world.seed} {number}")
        self._steps = Steps(home.root, dies_at=plan.dies_at, dies_after_name=plan.dies_after_name, kill=self._die)
        self._loop: asyncio.AbstractEventLoop
        self._runs: list[Run] = []
        self._is_dead = False
        self._died_s = 0.0

    def live(self) -> Ending:
        """Run until it ends.

        Raises:
            Exception: What no run may end with.
        """
        world = self._world
        began_s = world.clock.now_s
        random.seed(f"jitter {world.seed} {self._number}")
        world.note("life", self._number, round(world.clock.skew_s, 3))
        with self._steps, asyncio.Runner(loop_factory=self._new_loop) as runner:
            summary = error = None
            try:
                summary = runner.run(self._go())
            except FetcherError as exc:
                error = exc
        if self._is_dead:
            world.clock.now_s = self._died_s
        else:
            world.note("end", summary and int(summary.exit_code), repr(error), self._steps.count)
        return Ending(
            home=self._after if self._is_dead else self._home,
            steps=self._steps.count,
            began_s=began_s,
            summary=None if self._is_dead else summary,
            error=None if self._is_dead else error,
            is_dead=self._is_dead,
            had_rival=self._plan.rival_after_s is not None,
        )

    def _new_loop(self) -> VirtualLoop:
        return VirtualLoop(self._world.clock, step=self._steps.take, pause=self._pause)

    def _pause(self) -> float:
        """Return how long a thread takes: mostly next to nothing, now and then long enough to be overtaken."""
        return self._chance.choice((0.0001, 0.001, 0.004, 0.05)) * (0.5 + self._chance.random())

    def _die(self, where: str) -> None:
        """Keep the disk as it is now; the rest of this process is of no account."""
        self._is_dead, self._died_s = True, self._world.clock.now_s
        self._world.note("died", where, self._steps.count)
        self._world.weather.note("life: died")
        if self._plan.dies_after_name is not None:
            self._world.weather.note("life: died after a name")
        copy_archive(self._home.root, self._after.root)
        for run in self._runs:
            self._loop.call_soon(run.stop)

    async def _go(self) -> Summary:
        loop, plan = asyncio.get_running_loop(), self._plan
        self._loop = loop
        for after_s, by_s in plan.jumps.items():
            loop.call_later(after_s, self._jump, by_s)
        rival = None if plan.rival_after_s is None else asyncio.create_task(self._compete(plan.rival_after_s))
        try:
            return await self._pass("first")
        finally:
            if rival is not None:
                await rival

    async def _compete(self, after_s: float) -> None:
        """Be the second process, which may end with an error of its own: the first takes files away from it."""
        await asyncio.sleep(after_s)
        self._world.weather.note("life: rival")
        with contextlib.suppress(FetcherError):
            await self._pass("second")

    async def _pass(self, name: str) -> Summary:
        loop = asyncio.get_running_loop()
        async with contextlib.AsyncExitStack() as stack:
            run = self._assembled(loop, stack, name)
            self._runs.append(run)
            if self._is_dead:
                run.stop()
            if self._plan.stops_at_s is not None:
                loop.call_later(self._plan.stops_at_s, run.stop, ExitCode.SIGTERM)
            return await run.run()

    def _jump(self, by_s: float) -> None:
        if not self._is_dead:
            self._world.clock.skew_s += by_s
            self._world.weather.note("clock: jumped")
            self._world.note("jump", round(by_s, 3))

    def _assembled(self, loop: asyncio.AbstractEventLoop, stack: contextlib.AsyncExitStack, name: str) -> Run:
        """Put a run together as a real one is, but for its lines, its threads and its clocks."""
        world, home, plan = self._world, self._home, self._plan
        clock, placing, parts = PolyvClock(world.clock.wall_s), Placing(home.root), Parts(home.parts)
        ledger = LedgerThread(
            open_ledger(home.ledger),
            barrier=functools.partial(make_names_durable, placing),
            thread=LockstepExecutor(loop, pause=self._pause, step=self._steps.take),
        )
        stack.callback(ledger.close)
        clocks = LinkClocks(plan.settings.link_lifetime, now=clock.now_ms)
        downloader = functools.partial(self._downloader, loop, parts, placing, clocks)
        wires = Wires(
            ledger=ledger,
            downloader=LateDownloader(Late(downloader, stack)),
            parts=parts,
            root=home.root,
            owner=f"{name}-{self._number}",
            now=world.clock.wall_ms,
            polyv_now=clock.now_ms,
            clocks=clocks,
            notify=self._tell,
        )
        polyv = LatePolyv(Late(functools.partial(self._client, clock), stack))
        return wired_run(wires, plan.settings, plan.options, jobs=plan.settings.jobs, polyv=polyv)

    def _client(self, clock: PolyvClock) -> PolyvClient:
        stamina.instrumentation.set_on_retry_hooks([])
        return PolyvClient(
            api_url=self._plan.settings.api_url,
            app_id="a0Wmol5EwX",
            app_secret=SECRET,
            clock=clock,
            breaker=CircuitBreaker(monotonic=self._world.clock.monotonic),
            transport=ApiLine(self._world.polyv, trip=self._pause, is_dead=self._has_died),
        )

    @contextlib.asynccontextmanager
    async def _downloader(
        self, loop: asyncio.AbstractEventLoop, parts: Parts, placing: Placing, clocks: LinkClocks
    ) -> AsyncIterator[Downloader]:
        world, plan, turn = self._world, self._plan, Turn()
        crew = LockstepCrew(plan.settings.jobs, loop, pause=self._pause, step=self._steps.take)
        workshop = Workshop(
            root=self._home.root,
            placing=placing,
            origin=OriginLine(world.cdn, crew, turn, is_dead=self._has_died),
            crew=crew,
            turn=turn,
            now=world.clock.wall_ms,
            stall_s=plan.settings.stall_seconds,
            reserve=0,
            buffers=[memoryview(bytearray(BUFFER)) for _ in range(plan.settings.jobs)],
            sightings=clocks,
            checkpoint=_CHECKPOINT,
            monotonic=world.clock.monotonic,
        )
        yield Downloader(workshop, parts)

    def _has_died(self) -> bool:
        return self._is_dead

    def _tell(self, told: Mapping[str, Any]) -> None:
        if not self._is_dead:
            self._world.note(*(f"{name}={value}" for name, value in told.items()))
