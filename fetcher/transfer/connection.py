"""Connections of the standard library's HTTP client, kept alive between files."""

import contextlib
import http.client
import select
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

_MOST_IDLE: Final = 32


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

    def __init__(self, sock: socket.socket) -> None:
        self._sock: socket.socket | None = sock
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


class ConnectionPool:
    """Idle connections. Any thread may take one; each is used by one thread at a time."""

    def __init__(self, *, context: ssl.SSLContext, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._idle: deque[tuple[Address, http.client.HTTPConnection]] = deque()
        self._lock = threading.Lock()

    def take_idle(self, address: Address) -> http.client.HTTPConnection | None:
        """Return a connection that is still whole, the latest used first; None where there is none."""
        while (connection := self._pop(address)) is not None:
            if _is_quiet(connection):
                return connection
            connection.close()
        return None

    def _pop(self, address: Address) -> http.client.HTTPConnection | None:
        with self._lock:
            for kept in reversed(self._idle):
                if kept[0] == address:
                    self._idle.remove(kept)
                    return kept[1]
        return None

    def connect(self, address: Address, attach: Attach) -> http.client.HTTPConnection:
        """Return a new, connected connection.

        Args:
            address: Where to.
            attach: Told of the socket before the TLS handshake, which can be broken off too.

        Raises:
            OSError: No connection, no name, or no TLS.
        """
        sock = socket.create_connection((address.host, address.port), timeout=self._connect_timeout_s)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.secure:
                sock = self._secured(sock, address.host, attach)
            sock.settimeout(self._read_timeout_s)
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(address.host, address.port)
        connection.auto_open = 0
        connection.sock = sock
        return connection

    def _secured(self, sock: socket.socket, host: str, attach: Attach) -> ssl.SSLSocket:
        secure = self._context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
        line = Line(secure)
        try:
            attach(line)
            secure.do_handshake()
        except BaseException:
            secure.close()
            raise
        finally:
            line.let_go()
        return secure

    def give_back(self, address: Address, connection: http.client.HTTPConnection) -> None:
        """Keep *connection* for the next file of the same address; of too many the oldest is closed."""
        surplus = None
        with self._lock:
            self._idle.append((address, connection))
            if len(self._idle) > _MOST_IDLE:
                _, surplus = self._idle.popleft()
        if surplus is not None:
            surplus.close()

    def close(self) -> None:
        """Close all that is idle."""
        with self._lock:
            idle = [connection for _, connection in self._idle]
            self._idle.clear()
        for connection in idle:
            connection.close()


def shut(sock: socket.socket) -> None:
    """Break *sock* from any thread: whoever waits on it sees the end at once.

    The plain socket's shutdown is called even for TLS: SSLSocket's own drops its state under a reader's feet.
    """
    with contextlib.suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _is_quiet(connection: http.client.HTTPConnection) -> bool:
    """Tell whether an idle connection is fit for use: nothing to read, neither an end nor stray bytes."""
    sock = connection.sock
    if sock is None:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLERR | select.POLLHUP)
    return not poll.poll(0)
