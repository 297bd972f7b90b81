"""Signals: SIGINT, SIGTERM and SIGHUP end a command, at once and in order, at whatever instant they come.

An exception out of nowhere, such as Python's own KeyboardInterrupt, may come while a library takes a lock or gives
it back. Then the lock stays taken, and who cleans up waits for it for ever. So one is raised only where our own
code runs, which takes back what it has begun. What has not ended then is ended by a thread that waits for no lock.
"""

import contextlib
import os
import select
import signal
import threading
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from types import FrameType
from typing import Any, Final, NoReturn, TypeAlias, TypeVar

from fetcher.domain.exit_code import ExitCode

T = TypeVar("T")
Stop: TypeAlias = Callable[[ExitCode], object]
_PATIENCE_S: Final = 8.0
"""Seconds in which what was begun has to be taken back; who waits for that (docker, 10 s) kills then."""
_AGAIN_S: Final = 0.001
"""Seconds to the next look whether our own code runs."""
_LOOK: Final = signal.SIGALRM
"""Has the first thread look, out of whatever call it waits in."""
_OURS: Final = "fetcher."


class Interruption(BaseException):
    """Ends what a command does."""


class Signals:
    """What signals do to this process. For its first thread, once.

    While a command is at work the first one raises ``Interruption``, or calls what ``heeding`` names; at any other
    time it ends the process, as a second one always does.
    """

    def __init__(self) -> None:
        self.asked: ExitCode | None = None
        """The exit code of the first one; None as long as there was none."""
        self._is_at_work = False
        self._raised: weakref.ref[Interruption] | None = None
        self._heeded: tuple[Stop, float | None] | None = None
        self._ends_at: float | None = None
        self._first_thread = threading.get_ident()
        self._codes = {signal.SIGINT: ExitCode.SIGINT, signal.SIGTERM: ExitCode.SIGTERM}
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # Else nohup has it ignored.
            self._codes[signal.SIGHUP] = ExitCode.SIGTERM
        # The interpreter writes the number of each there at once, whatever the first thread does.
        self._numbers, written = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (*self._codes, _LOOK):
            signal.signal(number, self._look)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        threading.Thread(target=self._watch, daemon=True, name="signals").start()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """A command works while the block runs; when it has ended all that it did is done."""
        self._is_at_work = True
        try:
            yield
        finally:
            self.let_go()

    def let_go(self) -> None:
        """End the process at the first one from now on: all is done, but for what is left to be said."""
        self._is_at_work = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        # At its end the interpreter would leave it to the system, which kills.
        signal.signal(_LOOK, signal.SIG_IGN)

    @contextlib.contextmanager
    def heeding(self, stop: Stop, *, patience_s: float | None = None) -> Iterator[None]:
        """Have the first signal call *stop* with its exit code while the block runs, and raise nothing.

        Args:
            stop: Ends soon what the block does. Called from another thread, and maybe twice.
            patience_s: Seconds after which the process ends all the same; None for any number.
        """
        before, self._heeded = self._heeded, (stop, patience_s)
        try:
            if self.asked is not None and self._raised is None:
                stop(self.asked)
            yield
        finally:
            self._heeded = before

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run *work* on an event loop; a signal cancels it.

        Raises:
            Interruption: One did.
        """
        import asyncio

        async def cancellable() -> T:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()

            def cancel() -> None:
                if task is not None and not task.cancelling():
                    task.cancel()

            with self.heeding(lambda _: loop.call_soon_threadsafe(cancel), patience_s=_PATIENCE_S):
                return await work()

        try:
            return asyncio.run(cancellable())
        except asyncio.CancelledError:
            if self.asked is None:
                raise
            raise Interruption from None

    def _look(self, number: int, frame: FrameType | None) -> None:
        """Raise where that is wanted and our own code runs, else look again. Called in the first thread.

        What was raised may be lost: a clean-up failed, its error took the other's place and was dealt with.
        """
        if self.asked is None:
            self.asked = self._codes.get(signal.Signals(number))
        if self.asked is None or self._heeded is not None or not self._is_at_work:
            return
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        if (self._raised is None or self._raised() is None) and _is_ours(frame):
            raise self._interruption()

    def _interruption(self) -> Interruption:
        made = Interruption()
        self._raised = weakref.ref(made)
        return made

    def _watch(self) -> NoReturn:
        """See what arrives, and that the process ends: this thread takes no lock that another one may hold."""
        is_first = True
        while True:
            left = None if self._ends_at is None else max(0.0, self._ends_at - time.monotonic())
            if not select.select([self._numbers], [], [], left)[0]:
                os._exit(self.asked or ExitCode.SIGTERM)
            numbers = [number for number in os.read(self._numbers, select.PIPE_BUF) if number in self._codes]
            for code in (self._codes[signal.Signals(number)] for number in numbers):
                if not is_first:
                    os._exit(code)
                is_first = False
                self._obey(code)

    def _obey(self, code: ExitCode) -> None:
        """Have the command end, or end the process where nothing is under way."""
        self.asked = self.asked or code
        if self._heeded is not None:
            stop, patience_s = self._heeded
            try:
                stop(code)
            except RuntimeError:  # Its event loop is closed: all is done.
                os._exit(code)
        elif self._is_at_work:
            patience_s = _PATIENCE_S
            signal.pthread_kill(self._first_thread, _LOOK)
        else:
            os._exit(code)
        self._ends_at = None if patience_s is None else time.monotonic() + patience_s


def _is_ours(frame: FrameType | None) -> bool:
    """Tell whether our own code runs: it holds no lock but in a block that frees it."""
    name = str(frame.f_globals.get("__name__")) if frame is not None else ""
    return name.startswith(_OURS) and name != __name__
