"""How fast the bytes of a run come, all together and each transfer for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetcher.domain.throughput import Throughput

if TYPE_CHECKING:
    from fetcher.sync.wires import Downloads
    from fetcher.transfer.meter import Meter


class Flow:
    """Looks at the transfers under way.

    Args:
        downloads: Whose.
    """

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads
        self.total = Throughput()
        self._each: dict[Meter, Throughput] = {}

    def know(self, bytes_per_s: float | None) -> None:
        """Take what earlier runs have measured for true until this one has something of its own."""
        self.total.known = bytes_per_s

    def look(self, *, now: float) -> None:
        """Take in how far everything is; *now* in monotonic seconds. To be called a few times a second."""
        running = list(self._downloads.running.values())
        self.total.look(now=now, fetched=self._downloads.fetched, is_busy=bool(running))
        self._each = {meter: self._each.get(meter) or Throughput() for meter in running}
        for meter, throughput in self._each.items():
            throughput.look(now=now, fetched=meter.fetched, is_busy=True)

    def under_way(self) -> list[int]:
        """Return how many bytes are to come of each transfer under way, as far as sizes are known."""
        return [max((meter.size or 0) - meter.have, 0) for meter in self._each]

    def sizes(self) -> list[int]:
        """Return how large the files are that are under way, as far as their origin has told."""
        return [meter.size for meter in self._each if meter.size is not None]

    def ends_in_s(self) -> list[float | None]:
        """Return in how many seconds each transfer under way will be through; None where there is no telling."""
        return [_ends_in_s(meter, throughput.bytes_per_s) for meter, throughput in self._each.items()]


def _ends_in_s(meter: Meter, bytes_per_s: float | None) -> float | None:
    if meter.size is None or bytes_per_s is None:
        return None
    return max(meter.size - meter.have, 0) / bytes_per_s
