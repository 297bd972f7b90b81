"""The bytes of one response, read into a buffer that the caller reuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fetcher.transfer.connection import Line
    from fetcher.transfer.turn import Turn


class Body(Protocol):
    """What the receiving loop needs of a response."""

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what has come, return how much; 0 at the proper end.

        Raises:
            httpx.HTTPError: The body broke off, or the line did.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; it is used again if the body was read to its end."""
        ...

    def abort(self) -> None:
        """Break the connection from any thread; a read that waits on it returns at once."""
        ...


class IteratedBody:
    """The ordinary path: a body that comes in pieces of the library's choice."""

    def __init__(self, response: httpx.Response, *, line: Line, turn: Turn) -> None:
        self._response = response
        self._pieces: Iterator[bytes] = response.iter_raw()
        self._rest = memoryview(b"")
        self._line = line
        self._turn = turn

    def readinto(self, view: memoryview) -> int:
        """Copy the next piece, or what is left of it."""
        while not self._rest:
            with self._turn.left():
                piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the response, and what was held of its connection."""
        self._line.let_go()
        self._response.close()

    def abort(self) -> None:
        """Break the connection below."""
        self._line.abort()


class ReadAhead:
    """A body whose first bytes can be looked at before anybody takes them."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._rest = memoryview(b"")
        self.broken: httpx.HTTPError | None = None
        """Why the body broke off while it was looked at."""

    def look(self, size: int) -> bytes:
        """Return the first *size* bytes, which stay to be read; fewer where the body has fewer or breaks off."""
        seen = memoryview(bytearray(size))
        have = 0
        try:
            while have < size and (count := self._body.readinto(seen[have:])):
                have += count
        except httpx.HTTPError as exc:
            self.broken = exc
        self._rest = seen[:have]
        return bytes(self._rest)

    def readinto(self, view: memoryview) -> int:
        """Give what was looked at, then go on with the body."""
        if not self._rest:
            if self.broken is not None:
                raise self.broken
            return self._body.readinto(view)
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Close the body."""
        self._body.close()

    def abort(self) -> None:
        """Break it off."""
        self._body.abort()
