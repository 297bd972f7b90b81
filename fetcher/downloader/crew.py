"""Threads that do one thing after the other; the event loop is told of what is done in groups.

A pool of the standard library wakes the loop for each thing that is done, and hands out the next one from there.
Here a thread goes on with what waits already, and the loop is woken a hundred times a second at the most.
"""

import asyncio
import contextlib
import logging
import math
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

T = TypeVar("T")

_log: Final = logging.getLogger(__name__)
_TOLD_AFTER_S: Final = 0.01
"""Results are gathered for so long: the loop is woken once for many small files."""
_Wanted = tuple[Callable[[], Any], "asyncio.Future[Any]"]
"""Something to do, and who waits for it."""


class Hands(Protocol):
    """Who does what blocks, so that the event loop need not."""

    @property
    def threads(self) -> int:
        """How many things can be done at a time now; those that are to leave are here until they have."""
        ...

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have *work* done, return its result to come."""
        ...

    def recall(self, error: Exception) -> None:
        """Give back, with *error*, all that is not begun."""
        ...

    def resize(self, size: int) -> None:
        """Do *size* things at a time from now on; what is begun goes on."""
        ...


class Crew:
    """*size* threads for one event loop.

    Args:
        size: How many things are done at a time at first; fewer where the machine has no room for so many threads.
    """

    def __init__(self, size: int) -> None:
        self._wanted: queue.SimpleQueue[_Wanted | None] = queue.SimpleQueue()
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._is_told = False
        self._threads: list[threading.Thread] = []
        self._size = 0
        self._most: float = math.inf
        try:
            self.resize(size)
        except BaseException:
            self.close()
            raise

    @property
    def threads(self) -> int:
        """How many things can be done at a time now; those that are to leave are here until they have."""
        return sum(thread.is_alive() for thread in self._threads)

    def resize(self, size: int) -> None:
        """Do *size* things at a time from now on; what is begun goes on. Not to be called once it is closed.

        Where there are to be fewer, threads leave when they are through with what was wanted before this.
        """
        for _ in range(size, self._size):
            self._wanted.put(None)
        staying = self._keep(max(0, int(min(size, self._most)) - self._size))
        for number in range(self._size + staying, int(min(size, self._most))):
            if not self._has_another(number):
                _log.warning("%d threads instead of %d: the machine gives no more", number, size)
                self._most = size = number
                break
        self._size = int(min(size, self._most))
        self._threads = [thread for thread in self._threads if thread.is_alive()]

    def _keep(self, most: int) -> int:
        """Let up to *most* threads stay that were to leave and have not; return how many do.

        With new ones in their place more things than wanted would be done at a time until the old ones have left.
        """
        if not most or len(self._threads) <= self._size:
            return 0
        waiting: list[_Wanted | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self._wanted.get_nowait())
        leaving = waiting.count(None)
        for wanted in [one for one in waiting if one is not None] + [None] * max(0, leaving - most):
            self._wanted.put(wanted)
        return min(most, leaving)

    def _has_another(self, number: int) -> bool:
        thread = threading.Thread(target=self._work, name=f"transfer-{number}")
        try:
            thread.start()
        except RuntimeError:  # No room for another one's stack, or as many processes as this user may have.
            if number == 0:
                raise
            return False
        self._threads.append(thread)
        return True

    def do(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """Have a thread do *work*, return its result to come. Whoever gives up waiting changes nothing of it."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._wanted.put((work, done))
        return done

    def recall(self, error: Exception) -> None:
        """Give back, with *error*, all that no thread has begun. Not to be called once it is closed."""
        leaving = 0
        with contextlib.suppress(queue.Empty):
            while True:
                wanted = self._wanted.get_nowait()
                if wanted is None:
                    leaving += 1
                elif not wanted[1].done():
                    wanted[1].set_exception(error)
        for _ in range(leaving):
            self._wanted.put(None)

    def close(self) -> None:
        """Wait until all that is wanted is done, then end the threads."""
        for _ in self._threads:
            self._wanted.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            work, done = wanted
            try:
                self._done.append((done, work(), None))
            except BaseException as exc:  # noqa: BLE001 - handed to who waits for it
                self._done.append((done, None, exc))
            if not self._is_told:
                self._is_told = True
                with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                    done.get_loop().call_soon_threadsafe(self._tell_soon, done.get_loop())

    def _tell_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.call_later(_TOLD_AFTER_S, self._tell)

    def _tell(self) -> None:
        """Hand out results. What is done from here on is told the next time, so the mark goes first."""
        self._is_told = False
        with contextlib.suppress(IndexError):
            while True:
                done, result, error = self._done.popleft()
                if done.done():
                    continue
                if error is None:
                    done.set_result(result)
                else:
                    done.set_exception(error)
