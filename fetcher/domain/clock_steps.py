"""Whether this machine's clock was set back meanwhile: what is due by it would be due that much later."""

from typing import Final

_LEAST_MS: Final = 2_000
"""Less is no step: two clocks are never read at the same moment."""


class ClockSteps:
    """Looks at two clocks. Pure: both are passed in."""

    def __init__(self) -> None:
        self._ahead_ms: float | None = None

    def set_back_ms(self, *, wall_ms: float, monotonic_s: float) -> int:
        """Return by how much the wall clock was set back since this was last called, in ms; 0 where it was not."""
        back_ms = self._back_ms(wall_ms=wall_ms, monotonic_s=monotonic_s)
        self._ahead_ms = wall_ms - monotonic_s * 1000
        return back_ms

    def is_set_back(self, *, wall_ms: float, monotonic_s: float) -> bool:
        """Tell whether ``set_back_ms`` would tell of a step, which it still will."""
        return self._back_ms(wall_ms=wall_ms, monotonic_s=monotonic_s) > 0

    def _back_ms(self, *, wall_ms: float, monotonic_s: float) -> int:
        back_ms = 0.0 if self._ahead_ms is None else self._ahead_ms - (wall_ms - monotonic_s * 1000)
        return round(back_ms) if back_ms >= _LEAST_MS else 0
