"""What a verification is to do, how far it is, and when it ends."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from fetcher.domain.exit_code import ExitCode, gravest
from fetcher.domain.verification import DoneFile, Kind, code_of_kinds

_LOOKING: Final = 0.5
"""The share of the time in which names are looked at, where files are to be read, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be verified, and what is to be done about what is found."""

    named: Sequence[DoneFile] | None = None
    """These alone; None for all."""
    is_quick: bool = False
    """Whether sizes have to do and nothing is read."""
    max_duration_s: float | None = None
    repairs: bool = False
    """Whether damaged files are put back to work."""
    accepts_moves: bool = False
    is_forced: bool = False
    """Whether files are put back even where so many are damaged that something else seems to be wrong."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """How it went. Grows meanwhile."""

    counts: Counter[Kind] = field(default_factory=Counter)
    """Files by what was found; those that are right among them."""
    looked_at: int = 0
    """Done files that were looked for."""
    files_read: int = 0
    """Done files that were read to their end."""
    perhaps_moved: int = 0
    """Missing ones that may be elsewhere: not all was read, and a file as large may stand there."""
    put_back: int = 0
    accepted: int = 0
    refusal: str | None = None
    """Why nothing is put back any more."""

    @property
    def judged(self) -> int:
        """Files whose bytes or size are known to be right or wrong."""
        return sum(self.counts[kind] for kind in (Kind.OK, Kind.CHANGED, Kind.UNREADABLE))


class Course:
    """How far one verification is, and when it ends.

    Args:
        wish: Names the seconds after which it does, and whether there is more to do than to look.
        end: Called, once, when it is to end; breaks off what is being read.
    """

    def __init__(self, wish: Wish, *, end: Callable[[], None]) -> None:
        self._max_duration_s = wish.max_duration_s
        self._looking = 1.0 if wish.is_quick else _LOOKING
        self._end = end
        self._began = time.monotonic()
        self.ended_by: ExitCode | None = None
        """Why it ends before all is verified; None as long as it does not."""
        self.is_look_cut = False
        """Whether not all names were looked at, so that what is missing or moved is not all told."""
        self.tally = Tally()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody wants it to end at once."""
        return self.ended_by not in (None, ExitCode.STOPPED_BY_LIMIT)

    @property
    def code(self) -> ExitCode:
        """The exit code that all so far calls for. A move that was taken in is in order."""
        counts = Counter(self.tally.counts)
        counts[Kind.MOVED] -= self.tally.accepted
        ended_by = self.ended_by or (ExitCode.STOPPED_BY_LIMIT if self.is_look_cut else ExitCode.OK)
        return gravest([code_of_kinds(+counts), ended_by])

    @property
    def is_whole(self) -> bool:
        """Whether all was verified that was to be."""
        return self.ended_by is None and not self.is_look_cut and self.tally.refusal is None

    def stop(self, code: ExitCode) -> None:
        """End soon, with *code*; what was verified is kept. Safe to call from a signal's handler."""
        self.ended_by = self.ended_by or code
        self._end()

    def is_over(self) -> bool:
        """Tell whether to end: somebody wants it, or the time is over."""
        if self.ended_by is None and self._is_past(1):
            self.stop(ExitCode.STOPPED_BY_LIMIT)
        return self.ended_by is not None

    def is_look_over(self) -> bool:
        """Tell whether to look no further: half of the time is for reading, however many names there are."""
        if self.ended_by is None and self._is_past(self._looking):
            self.is_look_cut = True
        return self.is_look_cut or self.ended_by is not None

    def _is_past(self, share: float) -> bool:
        return self._max_duration_s is not None and self.seconds >= self._max_duration_s * share
