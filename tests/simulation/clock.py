"""Time that passes only where somebody waits for it."""

from dataclasses import dataclass
from typing import Final

EPOCH_S: Final = 1_750_000_000
"""When every history begins, seconds since the epoch."""


@dataclass(slots=True)
class Clock:
    """The true time of a history, and this machine's idea of it."""

    now_s: float = 0.0
    """Seconds since the history began; never jumps."""
    skew_s: float = 0.0
    """By how much this machine's wall clock is ahead of the truth."""

    def monotonic(self) -> float:
        """Return seconds since the history began."""
        return self.now_s

    def true_s(self) -> float:
        """Return the true time, seconds since the epoch: Polyv's and the origin's."""
        return EPOCH_S + self.now_s

    def wall_s(self) -> float:
        """Return what this machine's clock shows, seconds since the epoch."""
        return EPOCH_S + self.now_s + self.skew_s

    def wall_ms(self) -> int:
        """Return what this machine's clock shows, ms UTC."""
        return int(self.wall_s() * 1000)
