"""Threads in lockstep: of all that would run side by side one goes on at a time, and chance says when.

A thread of the crew keeps the baton until it waits for the network; then the event loop goes on, and wakes it at a
virtual instant. What the ledger's thread does is over at one instant, so it needs no thread at all.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")


class LockstepExecutor(Executor):
    """One thread's work, each piece done at one virtual instant, in order.

    Args:
        loop: Whose time it is.
        pause: Returns after how many seconds the next piece is done.
        step: Called before and after each piece.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, pause: Callable[[], float], step: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._pause = pause
        self._step = step
        self._free_at = 0.0
        self._line: deque[Callable[[], None]] = deque()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        """Have *fn* called in its turn."""
        done: Future[T] = Future()

        def work() -> None:
            if not done.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as exc:  # noqa: BLE001 - handed to who waits for it
                done.set_exception(exc)
            else:
                self._step("written")
                done.set_result(result)

        self._line.append(work)
        self._free_at = max(self._free_at, self._loop.time()) + self._pause()
        self._loop.call_at(self._free_at, self._do_next)
        return done

    def _do_next(self) -> None:
        if self._line:
            self._step("writing")
            self._line.popleft()()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002
        """Do at once what is left."""
        del wait, cancel_futures
        while self._line:
            self._do_next()


class Fibre:
    """A thread that runs only while somebody waits for it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self.timer: asyncio.Handle | None = None
        """Goes on with it; None while it runs."""
        self._thread.start()

    def _run(self, work: Callable[[], None]) -> None:
        self._go.acquire()
        work()
        self._back.release()

    def go_on(self) -> None:
        """Let it run until it waits or ends."""
        self.timer = None
        self._go.release()
        self._back.acquire()

    def wait(self) -> None:
        """Let the others go on; called by the fibre itself."""
        self._back.release()
        self._go.acquire()


class LockstepCrew:
    """A crew of *size*, as the downloader has one.

    Args:
        size: How many things are done at a time.
        loop: Whose time it is.
        pause: Returns after how many seconds something begins, or is told of.
        step: Called where a thread goes on, and where it lets the loop go on.
    """

    def __init__(
        self,
        size: int,
        loop: asyncio.AbstractEventLoop,
        *,
        pause: Callable[[], float],
        step: Callable[[str], None],
    ) -> None:
        self._size = size
        self._busy = 0
        self._loop = loop
        self._pause = pause
        self._step = step
        self._line: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._current: Fibre | None = None

    @property
    def threads(self) -> int:
        """How many things can be done at a time now."""
        return max(self._size, self._busy)

    def do(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Have *work* done, return its result to come."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._line.append((work, done))
        self._begin()
        return done

    def recall(self, error: Exception) -> None:
        """Give back, with *error*, all that is not begun."""
        while self._line:
            _, done = self._line.popleft()
            if not done.done():
                done.set_exception(error)

    def resize(self, size: int) -> None:
        """Do *size* things at a time from now on."""
        self._size = size
        self._begin()

    def _begin(self) -> None:
        while self._busy < self._size and self._line:
            self._busy += 1
            work, done = self._line.popleft()
            fibre = Fibre(lambda work=work, done=done: self._work(work, done))  # type: ignore[misc]
            fibre.timer = self._loop.call_later(self._pause(), self._go_on, fibre)

    def _work(self, work: Callable[[], Any], done: "asyncio.Future[Any]") -> None:
        """Do one thing, in its thread."""
        result, error = None, None
        try:
            result = work()
        except BaseException as exc:  # noqa: BLE001 - handed to who waits for it
            error = exc
        self._loop.call_later(self._pause(), _tell, done, result, error)
        self._busy -= 1
        self._loop.call_soon(self._begin)

    def _go_on(self, fibre: Fibre) -> None:
        self._step("thread")
        self._current = fibre
        fibre.go_on()
        self._current = None
        self._step("loop")

    def here(self) -> Fibre:
        """Return the fibre that asks."""
        assert self._current is not None, "no thread of the crew runs"
        return self._current

    def wait(self, seconds: float) -> None:
        """Let *seconds* pass, less if ``wake`` is called; in a thread of the crew."""
        fibre = self.here()
        fibre.timer = self._loop.call_later(seconds, self._go_on, fibre)
        fibre.wait()

    def wake(self, fibre: Fibre) -> None:
        """Have *fibre* go on now, if it waits."""
        if fibre.timer is not None:
            fibre.timer.cancel()
            fibre.timer = self._loop.call_soon(self._go_on, fibre)


def _tell(done: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(result)
    else:
        done.set_exception(error)
