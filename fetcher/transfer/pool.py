"""Connections that are kept between files, and how new ones are made."""

import socket
import ssl
import threading
import time
from collections import deque
from typing import Final

from fetcher.transfer.connection import Address, Attach, Connection, Line
from fetcher.transfer.turn import Turn

MOST_IDLE: Final = 32
LONGEST_IDLE_S: Final = 10.0
"""A connection that was not used for longer may be dead without our having been told: a NAT forgets them so."""


class ConnectionPool:
    """Idle connections. Any thread may take one; each is used by one thread at a time."""

    def __init__(
        self,
        *,
        context: ssl.SSLContext,
        connect_timeout_s: float,
        read_timeout_s: float,
        turn: Turn,
        longest_idle_s: float = LONGEST_IDLE_S,
        most_idle: int = MOST_IDLE,
    ) -> None:
        self._longest_idle_s = longest_idle_s
        self._most_idle = most_idle
        self._turn = turn
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._idle: deque[tuple[Address, Connection]] = deque()
        self._lock = threading.Lock()

    def take_idle(self, address: Address) -> Connection | None:
        """Return a connection that is still whole, the latest used first; None where there is none."""
        while (connection := self._pop(address)) is not None:
            is_fresh = time.monotonic() - connection.idle_since <= self._longest_idle_s
            if is_fresh and connection.is_quiet():
                return connection
            connection.close()
        return None

    def forget(self, address: Address) -> None:
        """Close all that is idle to *address*: one of them has turned out to be dead."""
        while (connection := self._pop(address)) is not None:
            connection.close()

    def _pop(self, address: Address) -> Connection | None:
        with self._lock:
            for kept in reversed(self._idle):
                if kept[0] == address:
                    self._idle.remove(kept)
                    return kept[1]
        return None

    def connect(self, address: Address, attach: Attach) -> Connection:
        """Return a new, connected connection.

        Args:
            address: Where to.
            attach: Told of the socket before it connects, and before the TLS handshake: both can be broken off.

        Raises:
            OSError: No connection, no name, or no TLS.
        """
        with self._turn.left():
            sock = self._connected(address, attach)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if address.secure:
                    sock = self._secured(sock, address.host, attach)
            except BaseException:
                sock.close()
                raise
        return Connection(sock, timeout_s=self._read_timeout_s, turn=self._turn)

    def _connected(self, address: Address, attach: Attach) -> socket.socket:
        """Return a socket that leads to the first of the host's addresses that answers."""
        failure = OSError("the host has no address")
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, where in found:
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError as exc:
                failure = exc
                continue
            line = Line(sock)
            try:
                sock.settimeout(self._connect_timeout_s)
                attach(line)
                sock.connect(where)
            except OSError as exc:
                sock.close()
                failure = exc
            except BaseException:
                sock.close()
                raise
            else:
                return sock
            finally:
                line.let_go()
        raise failure

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

    def give_back(self, address: Address, connection: Connection) -> None:
        """Keep *connection* for the next file of the same address; of too many the oldest is closed."""
        surplus = None
        connection.idle_since = time.monotonic()
        with self._lock:
            self._idle.append((address, connection))
            if len(self._idle) > self._most_idle:
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
