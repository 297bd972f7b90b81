"""When an origin has too many of us: it turns several away within seconds."""

from collections import deque
from typing import Final

_WITHIN_S: Final = 10.0
_SEVERAL: Final = 3
"""Turned away within that time: one or two may be bad luck."""
_PART: Final = 0.05
"""Of all that ended in that time: among a thousand small files three may break by bad luck."""


class Refusals:
    """Looks at two counts that grow. Pure: the clock is passed in, in monotonic seconds."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, int, int]] = deque()

    def look(self, *, now: float, ended: int, refused: int) -> bool:
        """Take in how many downloads have ended and been turned away so far, and tell whether it is too much.

        What was told once is not told again.
        """
        self._looks.append((now, ended, refused))
        while self._looks[0][0] < now - _WITHIN_S:
            self._looks.popleft()
        _, ended_before, refused_before = self._looks[0]
        count = refused - refused_before
        if count < _SEVERAL or count < _PART * (ended - ended_before):
            return False
        self._looks.clear()
        self._looks.append((now, ended, refused))
        return True
