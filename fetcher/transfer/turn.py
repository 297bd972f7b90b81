"""One thread at a time does what keeps the interpreter busy; whoever waits lets others.

Python runs one thread at a time whatever we do. Left to itself it changes threads at every system call, and with
each change the work moves to another core, whose caches know nothing of it: with small files, which are nothing but
system calls, that took a third of the time. A thread that has the turn goes on until it waits for something
outside.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Final

_LONGEST_WAIT_S: Final = 0.05
"""Whoever waits for longer goes on without the turn: a disk that hangs must not hold up every line."""
_SLOW_S: Final = 0.01
"""A turn that lasts longer waited for something, a slow disk most likely: then threads do better side by side."""
_REST_S: Final = 1.0
"""For so long after a slow turn threads go side by side."""


class Turn:
    """Shared by the threads of a run. Not having it forbids nothing: it orders, it does not protect.

    The rule: one try at a file is made within ``held``, unless its rate is limited, and whatever in it may wait for
    something outside, or works for more than a millisecond or so, is done within ``left``. Such are: a name to look
    up, a connection and its handshake, a socket that has nothing or takes nothing, a proxy, a body that is large or
    of unknown length, the digest of a prefix, a file that is read again, fsync. Such are not: the head, a small
    body, its digest and its write, opening, linking and looking at a file.

    Whoever adds to a try what may wait puts ``left`` around it, right there, and need not know who has the turn:
    where this thread has it not, ``left`` does nothing.

    Args:
        longest_wait_s: Seconds after which whoever waits for it goes on without it.
        slow_s: Seconds; a turn that lasts longer sets turns aside for a moment.
    """

    def __init__(self, *, longest_wait_s: float = _LONGEST_WAIT_S, slow_s: float = _SLOW_S) -> None:
        self._longest_wait_s = longest_wait_s
        self._slow_s = slow_s
        self._lock = threading.Lock()
        self._holder = 0
        self._since = 0.0
        self._rests_until = 0.0

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have the turn, for what is over soon; go on without it where it cannot be had."""
        self._take()
        try:
            yield
        finally:
            self._let_go()

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """Leave the turn to others while waiting, if this thread has it."""
        if not self._let_go():
            yield
            return
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        if time.monotonic() >= self._rests_until and self._lock.acquire(timeout=self._longest_wait_s):
            self._holder = threading.get_ident()
            self._since = time.monotonic()

    def _let_go(self) -> bool:
        """Leave the turn, tell whether this thread had it."""
        if self._holder != threading.get_ident():
            return False
        now = time.monotonic()
        if now - self._since > self._slow_s:
            self._rests_until = now + _REST_S
        self._holder = 0
        self._lock.release()
        return True
