"""Read a chunked body to the letter.

``http.client``'s own reader takes ``-5`` and ``1_0`` for sizes, skips whatever stands where a chunk has to end, and
takes a broken line among the trailers for the end. A file of unknown size has nothing but this framing to prove
that it is whole.

Source: RFC 9112 section 7.1.
"""

import http.client
import io
import re
from typing import Final

_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
_LONGEST_LINE: Final = 8192
_MOST_TRAILERS: Final = 100


class ChunkedReader:
    """The bytes of one chunked body."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._left = 0
        self._is_in_chunk = False
        self.is_at_end = False
        """Whether the last chunk and the trailers were read."""

    def readinto(self, view: memoryview) -> int:
        """Fill *view* from its start with what one read gives; 0 at the proper end.

        Raises:
            http.client.HTTPException: The framing is broken, or the line.
        """
        if not self._left:
            self._begin_chunk()
        if self.is_at_end:
            return 0
        count = self._stream.readinto1(view[: self._left])
        if count == 0:
            raise http.client.IncompleteRead(b"", self._left)
        self._left -= count
        return count

    def _begin_chunk(self) -> None:
        if self.is_at_end:
            return
        if self._is_in_chunk and self._line() != b"\r\n":
            raise http.client.HTTPException("a chunk is longer than it said")
        piece = _SIZE_LINE.fullmatch(self._line())
        if piece is None:
            raise http.client.HTTPException("a chunk without a size")
        self._left, self._is_in_chunk = int(piece[1], 16), True
        if not self._left:
            self._skip_trailers()

    def _skip_trailers(self) -> None:
        for _ in range(_MOST_TRAILERS):
            if self._line() == b"\r\n":
                self.is_at_end = True
                return
        raise http.client.HTTPException("too many trailers")

    def _line(self) -> bytes:
        line = self._stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise http.client.IncompleteRead(line, 1)
        return line
