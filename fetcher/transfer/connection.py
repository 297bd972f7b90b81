"""Connections of the standard library: what is read from them, and how they are broken off."""

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from fetcher.transfer.turn import Turn

_AHEAD: Final = 32768
"""Bytes that one read may take before anybody says where a body goes; no head is longer."""

_READABLE: Final = select.POLLIN | select.POLLERR | select.POLLHUP
_HEAD_END: Final = b"\r\n\r\n"


class Breakable(Protocol):
    """Something that waits for the network and can be told to give up."""

    def abort(self) -> None:
        """Break it from any thread; whoever waits on it returns at once."""
        ...


Attach = Callable[[Breakable], None]
"""Told what to break on an abort; raises where it was aborted before."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection leads."""

    secure: bool
    host: str
    port: int


class Line:
    """The socket of one exchange, breakable from any thread until it is let go for the next one."""

    def __init__(self, sock: socket.socket | None) -> None:
        self._sock = sock
        self._lock = threading.Lock()

    def abort(self) -> None:
        """Break the connection; nothing happens once it is let go: it may be somebody else's by then."""
        with self._lock:
            if self._sock is not None:
                shut(self._sock)

    def let_go(self) -> None:
        """Say that this exchange is over."""
        with self._lock:
            self._sock = None


class Connection:
    """A socket, and what was read from it before it was known what it is. Used by one thread at a time.

    Args:
        sock: Connected, its handshake done.
        timeout_s: Seconds without a byte after which the line counts as dead.
        turn: Left while the socket has nothing.
    """

    def __init__(self, sock: socket.socket, *, timeout_s: float, turn: Turn) -> None:
        self.sock = sock
        self.idle_since = 0.0
        """When it was last given back, by the monotonic clock."""
        self._timeout_ms = round(timeout_s * 1000)
        self._turn = turn
        self._ahead = bytearray(_AHEAD)
        self._view = memoryview(self._ahead)
        self._start = self._end = 0
        self._poll = select.poll()
        self._poll.register(sock, _READABLE)
        self._is_dry = False
        """Whether the last read found no more: the next one waits first."""
        self._ended: OSError | None = None
        self._is_at_end = False
        """How the line ended behind bytes that had come, by an error or properly: the next read's business."""
        sock.settimeout(0)

    def send(self, data: bytes) -> None:
        """Send all of *data*.

        Raises:
            OSError: The line; TimeoutError where the other side takes nothing.
        """
        while data:
            try:
                data = data[self.sock.send(data) :]
            except ssl.SSLWantReadError:
                self._wait(_READABLE)
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT)
        self._is_dry = True  # The answer is not here yet.

    def _read(self, view: memoryview) -> int:
        """Read once, as soon as there is something; 0 at the end."""
        if self._ended is not None:
            raise self._ended
        if self._is_at_end:
            return 0
        if self._is_dry:
            self._is_dry = False
            self._wait(_READABLE)
        while True:
            try:
                return self.sock.recv_into(view)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._wait(_READABLE)
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)

    def _read_all(self, view: memoryview) -> int:
        """Read all that is here, as soon as there is something; 0 at the end.

        A read over TLS gives one record, 16 KiB at the most; what is done around each read is done for many then.
        """
        count = self._read(view)
        while 0 < count < len(view):
            try:
                more = self.sock.recv_into(view[count:])
            except (BlockingIOError, ssl.SSLWantReadError):
                self._is_dry = True
                break
            except ssl.SSLWantWriteError:
                break  # The next read waits for that.
            except OSError as exc:
                self._ended = exc
                break
            if more == 0:
                self._is_at_end = True
                break
            count += more
        return count

    def _wait(self, events: int) -> None:
        """Wait until the socket is ready, or broken off."""
        with self._turn.left():
            self._poll.modify(self.sock, events)
            is_ready = bool(self._poll.poll(self._timeout_ms))
            self._poll.modify(self.sock, _READABLE)
        if not is_ready:
            raise TimeoutError("timed out")

    def read_head(self) -> bytes:
        """Return what comes up to a blank line, that line included.

        Raises:
            ConnectionResetError: The other side closed without a byte.
            httpx.RemoteProtocolError: It closed later, or no blank line comes.
            OSError: The line.
        """
        self._to_front()
        while (end := self._ahead.find(_HEAD_END, 0, self._end)) < 0:
            if self._end == _AHEAD:
                raise httpx.RemoteProtocolError("a head without end")
            count = self._read(self._view[self._end :])
            if count == 0 and self._end == 0:
                raise ConnectionResetError("closed without an answer")
            if count == 0:
                raise httpx.RemoteProtocolError("the head broke off")
            self._end += count
        self._start = end + len(_HEAD_END)
        return bytes(self._view[: self._start])

    def _to_front(self) -> None:
        """Make room behind what is here."""
        rest = self._ahead[self._start : self._end]
        self._ahead[: len(rest)] = rest
        self._start, self._end = 0, len(rest)

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what is here already, else from the socket; 0 at its end."""
        here = self._end - self._start
        if not here:
            return self._read_all(view)
        count = min(here, len(view))
        view[:count] = self._view[self._start : self._start + count]
        self._start += count
        return count

    def read_some(self) -> memoryview:
        """Return what is here already, else what one read gives, valid until the next read; empty at the end."""
        if self._start == self._end:
            self._start, self._end = 0, self._read(self._view)
        data = self._view[self._start : self._end]
        self._start = self._end
        return data

    def has_more(self) -> bool:
        """Tell whether bytes that were read, or decrypted, or an end, wait to be taken."""
        if self._start != self._end or self._is_at_end or self._ended is not None:
            return True
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def has_passed(self, count: int) -> bool:
        """Pass over the next *count* bytes and return True, if they are here already; nothing is waited for."""
        if count > self._end - self._start:
            return False
        self._start += count
        return True

    def is_quiet(self) -> bool:
        """Tell whether it is fit for another request: nothing to read, neither an end nor stray bytes."""
        return not self._poll.poll(0)

    def close(self) -> None:
        """Close the socket."""
        self.sock.close()


def shut(sock: socket.socket) -> None:
    """Break *sock* from any thread: whoever waits on it sees the end at once.

    The plain socket's shutdown is called even for TLS: SSLSocket's own drops its state under a reader's feet.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)
