"""One thread at a time does what keeps the interpreter busy; whoever waits lets others.

Python runs one thread at a time whatever we do. Left to itself it changes threads at every system call, and with
each change the work moves to another core, whose caches know nothing of it: with small files, which are nothing but
system calls, that took half of the time. A thread that has the turn goes on until it waits for something outside.
"""

import contextlib
import threading
from collections.abc import Iterator


class Turn:
    """Shared by the threads of a run. Not having it forbids nothing: it orders, it does not protect."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holder = 0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the turn, for what is over soon."""
        self._take()
        try:
            yield
        finally:
            self._let_go()

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """Leave the turn to others while waiting, if this thread has it."""
        if self._holder != threading.get_ident():
            yield
            return
        self._let_go()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        self._lock.acquire()
        self._holder = threading.get_ident()

    def _let_go(self) -> None:
        self._holder = 0
        self._lock.release()
