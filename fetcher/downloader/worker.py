"""Download what is ordered: what all downloads share, and one event or another try for each."""

import functools

from fetcher.archive.parts import Parts
from fetcher.archive.space import Space, disk_errors
from fetcher.domain.errors import TransferStoppedError
from fetcher.domain.events import Event
from fetcher.downloader.adopting import adopted_file
from fetcher.downloader.attempt import Workshop
from fetcher.downloader.download import Download
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.downloader.watch import Watch
from fetcher.transfer.meter import Meter
from fetcher.transfer.pace import Pace


class Downloader:
    """Downloads orders.

    Args:
        workshop: What it works with.
        parts: Files on their way.
        pace: The rate that all downloads share; None for no limit.
    """

    def __init__(self, workshop: Workshop, parts: Parts, *, pace: Pace | None = None) -> None:
        self._workshop = workshop
        self._parts = parts
        self._pace = pace
        self._watch = Watch(stall_s=workshop.stall_s)
        self._stopped: TransferStoppedError | None = None
        self._fetched = 0
        self._space = Space(workshop.root, reserve=workshop.reserve, outstanding=self._outstanding)
        self._granted: set[Meter] = set()
        """Those for which there is room; one that does not fit takes none from those beside it."""
        self.running: dict[str, Meter] = {}
        """The transfers under way, by vid."""

    @property
    def fetched(self) -> int:
        """Bytes that came over the network so far, those of running transfers included."""
        return self._fetched + sum(meter.fetched for meter in list(self.running.values()))

    @property
    def threads(self) -> int:
        """How many transfers can be under way now; after there were to be fewer, those that go on count, too."""
        return self._workshop.crew.threads

    def _outstanding(self) -> int:
        """Return how many bytes are still to come for which there is room, as far as sizes are known."""
        return sum(max((meter.size or 0) - meter.have, 0) for meter in list(self._granted))

    def _require_room(self, meter: Meter, needed: int) -> None:
        self._granted.discard(meter)
        self._space.require(needed, grant=lambda: self._granted.add(meter))

    def stop(self) -> None:
        """Break all transfers off; what has arrived is kept."""
        self._stopped = TransferStoppedError("the run is stopping")
        for meter in list(self.running.values()):
            meter.abort(self._stopped)

    def recall(self) -> None:
        """Give back the downloads that stand in line and are not begun: they end as if they were stopped."""
        self._workshop.crew.recall(TransferStoppedError("something more urgent has come"))

    def resize(self, places: int) -> None:
        """Have *places* downloads under way at a time from now on; those that are go on."""
        self._workshop.crew.resize(places)

    async def download(self, order: Order, renew: Renew) -> Event | TryAgain:
        """Fetch one video and return what happened to it.

        Raises:
            TransferStoppedError: ``stop`` was called; the part is kept.
            StorageError: The disk.
        """
        part = self._parts.take(order.video_id, order.vid)
        if part.memo is not None and part.memo.vid != order.vid:
            part.restart()  # It was left by a run with another ledger, whose rows have other numbers.
        meter = Meter(pace=self._pace)
        self.running[order.vid] = meter
        try:
            if self._stopped is not None:
                raise self._stopped
            with disk_errors(f"writing {order.path}"), self._watch.over(meter):
                adopted = await adopted_file(self._workshop, order, part, heed=meter.raise_if_aborted)
                ensure_space = functools.partial(self._require_room, meter)
                download = Download(self._workshop, order, part, meter, renew, ensure_space=ensure_space)
                return adopted or await download.run()
        finally:
            del self.running[order.vid]
            self._granted.discard(meter)
            self._fetched += meter.fetched
            self._parts.keep(order.video_id, part)
