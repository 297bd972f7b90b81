"""An origin that gives each connection, or all of them together, so much, or takes only so many at a time."""

import threading
import time

from origin import Behaviour, Exchange, rightly

_PIECE = 32_768


class Counted:
    """Counts how many requests are answered at a time."""

    def __init__(self) -> None:
        self.most = self.now = 0
        self.over: list[float] = []
        """When one too many was turned away, in monotonic seconds."""
        self._lock = threading.Lock()

    def __enter__(self) -> int:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            return self.now

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self.now -= 1


def at_once(counted: Counted) -> Behaviour:
    """Send all that there is."""

    def behave(exchange: Exchange) -> None:
        with counted:
            rightly(exchange)

    return behave


def for_each(rate: int, counted: Counted) -> Behaviour:
    """Send *rate* bytes a second over each connection."""

    def behave(exchange: Exchange) -> None:
        with counted:
            _send(exchange, rate)

    return behave


def for_all(rate: int, counted: Counted) -> Behaviour:
    """Send *rate* bytes a second over all connections together, each of them its share."""
    due_at, lock = [0.0], threading.Lock()

    def wait_s(count: int) -> float:
        with lock:
            due_at[0] = max(due_at[0], time.monotonic()) + count / rate
            return due_at[0] - time.monotonic()

    def behave(exchange: Exchange) -> None:
        with counted:
            status, headers, body = exchange.right()
            exchange.head(status, headers)
            for at in range(0, len(body), _PIECE):
                exchange.stopping.wait(wait_s(_PIECE))
                exchange.conn.sendall(body[at : at + _PIECE])

    return behave


def for_so_many(most: int, rate: int, counted: Counted) -> Behaviour:
    """Send *rate* bytes a second over each of *most* connections; answer 503 over any beyond."""

    def behave(exchange: Exchange) -> None:
        with counted as number:
            if number > most:
                counted.over.append(time.monotonic())
                exchange.head(503, {"Content-Length": "0"})
            else:
                _send(exchange, rate)

    return behave


def _send(exchange: Exchange, rate: int) -> None:
    status, headers, body = exchange.right()
    exchange.head(status, headers)
    began = time.monotonic()
    for at in range(0, len(body), _PIECE):
        exchange.conn.sendall(body[at : at + _PIECE])
        exchange.stopping.wait(began + (at + _PIECE) / rate - time.monotonic())
