"""How many bytes come a second while anything is under way."""

from typing import Final

_HALF_LIFE_S: Final = 15.0
"""A moment of work so long ago counts half as much as one of now."""
_LEAST_S: Final = 1.0
"""So much work at the least tells anything: connections are opened in the first part of a second."""


_STANDS_S: Final = 5.0
"""Without a byte for longer a line does not go slowly, it stands: that says nothing of how fast it goes on."""


class Throughput:
    """Learned from looks at a count that grows. Pure: the clock is passed in.

    Time in which nothing was under way counts for nothing: an idle line is not a slow one. Nor does that of an
    outage: planned by a rate that fades with every second of it, nearly all would soon be called lost. Nor does the
    wait for the very first byte, and what comes with that: planned by it, all would be called lost at once.
    """

    def __init__(self) -> None:
        self.known: float | None = None
        """Bytes a second as earlier runs had them, which holds until this one has its own; None for unknown."""
        self._looked_at: float | None = None
        self._fetched = 0
        self._recent_s = self._recent_bytes = 0.0
        self._still_s = 0.0
        self._has_come = False
        """Whether a byte has come since something was begun on an idle line."""
        self.busy_s = 0.0
        """Seconds of work so far, outages aside."""
        self.counted = 0
        """Bytes that have come in them."""

    def look(self, *, now: float, fetched: int, is_busy: bool) -> None:
        """Take in how things stand.

        Args:
            now: Monotonic seconds.
            fetched: Bytes that have come so far.
            is_busy: Whether a transfer is under way.
        """
        since, self._looked_at = self._looked_at, now
        came, self._fetched = fetched - self._fetched, fetched
        if since is None or not (is_busy or came > 0):
            self._has_come, self._still_s = False, 0.0
            return
        took, still_s = now - since, self._still_s
        self._still_s = 0.0 if came > 0 else still_s + took
        if came <= 0:
            return
        was_waiting, self._has_come = still_s > 0 and not self._has_come, True
        if was_waiting:
            return
        if still_s <= _STANDS_S:
            took += still_s
        faded = 0.5 ** (took / _HALF_LIFE_S)
        self.busy_s += took
        self.counted += came
        self._recent_s = self._recent_s * faded + took
        self._recent_bytes = self._recent_bytes * faded + came

    @property
    def bytes_per_s(self) -> float | None:
        """As it is now; None where nobody knows. Never 0: a line that stands says nothing of when it goes on."""
        return self._recent if self._recent is not None else self.known

    @property
    def measured(self) -> float | None:
        """Of all the work so far, None where that was too little to tell."""
        return self.counted / self.busy_s if self.busy_s >= _LEAST_S else None

    @property
    def _recent(self) -> float | None:
        if self._recent_s < _LEAST_S or self._recent_bytes < self._recent_s:
            return None
        return self._recent_bytes / self._recent_s
