"""An event loop whose waiting takes no time: where it would sleep, the clock goes forward instead."""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Final, TypeVar, TypeVarTuple

from simulation.clock import Clock
from simulation.threads import LockstepExecutor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_MOST_STEPS: Final = 200_000


class StandsStillError(Exception):
    """Nothing is under way and nothing is due: the run would wait for ever. Or it turns without end."""


class _VirtualSelector(selectors.BaseSelector):
    """Waits for nothing but time."""

    def __init__(self, clock: Clock, step: Callable[[str], None]) -> None:
        self._clock = clock
        self._step = step
        self._steps = 0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Take note of the loop's own pipe."""
        self._keys[fileobj] = selectors.SelectorKey(fileobj, int(fileobj), events, data)
        return self._keys[fileobj]

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """Forget it."""
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """Return what is registered."""
        return self._keys

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let *timeout* seconds pass at once.

        Raises:
            StandsStillError: There is nothing to wait for.
        """
        self._steps += 1
        if timeout is None or self._steps > _MOST_STEPS:
            raise StandsStillError("nothing is due" if timeout is None else f"more than {_MOST_STEPS} steps")
        self._clock.now_s += max(timeout, 0)
        self._step("turn")
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs on *clock*.

    Args:
        clock: Goes forward where the loop has nothing to do.
        step: Called at each turn of the loop.
        pause: Returns how long a thread takes for something, in seconds.
    """

    def __init__(self, clock: Clock, *, step: Callable[[str], None], pause: Callable[[], float]) -> None:
        self._virtual = clock
        super().__init__(_VirtualSelector(clock, step))
        self._helper = LockstepExecutor(self, pause=pause, step=step)

    def time(self) -> float:
        """Return the clock's monotonic seconds."""
        return self._virtual.now_s

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Have *func* called by *executor*, None being the one for odd jobs."""
        return super().run_in_executor(executor or self._helper, func, *args)
