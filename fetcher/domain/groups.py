"""Videos that are far off, taken together: a plan has to know how many there are, how large and by when. Pure."""

from typing import Final, NamedTuple

MOST_NEAR: Final = 100_000
"""Videos that a plan looks at one by one: some ten MiB and half a second."""
_STRETCHES: Final = 20
"""So large a part of those is what lies between two moments that groups tell apart."""


class Group(NamedTuple):
    """Videos of about one size that have to be begun by about one moment."""

    start_by: int
    """ms UTC."""
    size: int
    """Bytes of each."""
    many: int


class Groups:
    """Takes in videos in the order in which they have to be begun.

    Args:
        most_near: Videos that are looked at one by one; a twentieth of that many which follow each other makes
            groups, one for each size there is among them.
    """

    def __init__(self, most_near: int = MOST_NEAR) -> None:
        self._together = max(most_near // _STRETCHES, 1)
        self._whole: list[Group] = []
        self._taken = 0
        self._sums: dict[int, tuple[int, int, int]] = {}
        """By class of size: all moments, all bytes, and how many."""

    def take(self, *, start_by: int, size: int) -> None:
        """Take in the next one; *start_by* in ms UTC, *size* in bytes."""
        kind = _kind(size)
        moments, sizes, count = self._sums.get(kind, (0, 0, 0))
        self._sums[kind] = moments + start_by, sizes + size, count + 1
        self._taken += 1
        if self._taken == self._together:
            self._whole, self._sums, self._taken = self.all(), {}, 0

    def all(self) -> list[Group]:
        """Return the groups: each has the mean moment and size of what is in it."""
        sums = self._sums.values()
        return self._whole + [Group(moments // count, sizes // count, count) for moments, sizes, count in sums]


def _kind(size: int) -> int:
    """Return a number for all sizes of which the largest is one and a half times the least, or less."""
    return (size * size).bit_length()


class Nearest:
    """Tells, of videos in the order in which they have to be begun, which a plan looks at one by one.

    Those are the first ones, and as many of the first that the last plan has postponed: what is left out stays, so
    that alone it would soon be all that a plan looks at.

    Args:
        most_near: Of either.
    """

    def __init__(self, most_near: int = MOST_NEAR) -> None:
        self._left = {True: most_near, False: most_near}

    def takes(self, *, is_postponed: bool) -> bool:
        """Tell of the next one."""
        self._left[is_postponed] -= 1
        return self._left[is_postponed] >= 0
