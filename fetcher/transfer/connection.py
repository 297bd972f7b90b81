"""Connections of the standard library's HTTP client, kept alive between files."""

import contextlib
import http.client
import select
import socket
import ssl
import threading
from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection leads."""

    secure: bool
    host: str
    port: int


class ConnectionPool:
    """Idle connections by address. Any thread may take one; each is used by one thread at a time."""

    def __init__(self, *, context: ssl.SSLContext, connect_timeout_s: float, read_timeout_s: float) -> None:
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._idle: defaultdict[Address, deque[http.client.HTTPConnection]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take_idle(self, address: Address) -> http.client.HTTPConnection | None:
        """Return a connection that is still whole, the latest used first; None where there is none."""
        while True:
            with self._lock:
                if not self._idle[address]:
                    return None
                connection = self._idle[address].pop()
            if _is_quiet(connection):
                return connection
            connection.close()

    def connect(self, address: Address) -> http.client.HTTPConnection:
        """Return a new, connected connection.

        Raises:
            OSError: No connection, no name, or no TLS.
        """
        connection: http.client.HTTPConnection
        if address.secure:
            connection = http.client.HTTPSConnection(
                address.host, address.port, timeout=self._connect_timeout_s, context=self._context
            )
        else:
            connection = http.client.HTTPConnection(address.host, address.port, timeout=self._connect_timeout_s)
        try:
            connection.connect()
            connection.sock.settimeout(self._read_timeout_s)
        except BaseException:
            connection.close()
            raise
        return connection

    def give_back(self, address: Address, connection: http.client.HTTPConnection) -> None:
        """Keep *connection* for the next file of the same address."""
        with self._lock:
            self._idle[address].append(connection)

    def close(self) -> None:
        """Close all that is idle."""
        with self._lock:
            idle = [connection for kept in self._idle.values() for connection in kept]
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
