"""Download one video: try, renew its link, judge what went wrong, and say what happened as one event."""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fetcher.archive.memos import Memo
from fetcher.archive.parts import Part, Parts
from fetcher.archive.placing import Found, find_file, is_placed
from fetcher.archive.space import Space, disk_errors
from fetcher.domain import errors
from fetcher.domain.events import Event, FileVerified, GivenUp, LinkRefused, WindowClosed
from fetcher.domain.status import Evidence, Reason
from fetcher.downloader.attempt import Attempt, Workshop, to_its_end
from fetcher.downloader.differing import Differing
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.downloader.watch import Watch
from fetcher.transfer.meter import Meter
from fetcher.transfer.pace import Pace
from fetcher.transfer.progress import SLIGHT

_SECOND_STRIKE: Final = 2

_STRIKES: Final = {
    errors.SourceGoneError: Reason.GONE,
    errors.IntegrityError: Reason.MISMATCH,
    errors.ObjectChangedError: Reason.UNSTABLE,
}
"""What is tried once more at once; the second time in one download needs a person."""


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
        self._stopped: errors.TransferStoppedError | None = None
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
        self._stopped = errors.TransferStoppedError("the run is stopping")
        for meter in list(self.running.values()):
            meter.abort(self._stopped)

    def recall(self) -> None:
        """Give back the downloads that stand in line and are not begun: they end as if they were stopped."""
        self._workshop.crew.recall(errors.TransferStoppedError("something more urgent has come"))

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
                adopted = await self._adopted(order, part, meter)
                ensure_space = functools.partial(self._require_room, meter)
                download = _Download(self._workshop, order, part, meter, renew, ensure_space=ensure_space)
                return adopted or await download.run()
        finally:
            del self.running[order.vid]
            self._granted.discard(meter)
            self._fetched += meter.fetched
            self._parts.keep(order.video_id, part)

    async def _adopted(self, order: Order, part: Part, meter: Meter) -> FileVerified | None:
        """Finish a download whose file was placed by a run that died before it could say so."""
        memo, root = part.memo, self._workshop.root
        if part.is_new:
            return None
        if not is_placed(root, part.path, order.path) and (memo is None or memo.sha256 is None):
            return None
        look = functools.partial(find_file, root, order.path, durably=True, heed=meter.raise_if_aborted)
        try:
            found = await self._workshop.crew.do(look)
        except errors.ConflictError:
            return None  # Placing will meet it, too, and say so of this video.
        if found is None or not _is_as_placed(order, memo, found):
            return None
        is_of_size = found.size in (memo.size if memo else None, order.expected.size)
        return FileVerified(
            at=self._workshop.now(),
            path=order.path,
            size=found.size,
            sha256=found.sha256,
            etag=memo.etag if memo else None,
            evidence=Evidence.SIZE if is_of_size else Evidence.NONE,
            difference=_difference_of(order, found.size),
            adopted=True,
        )


def _is_as_placed(order: Order, memo: Memo | None, found: Found) -> bool:
    """Tell whether a file in place is what was placed there.

    Of one without a memo nobody knows what it was. It fits into the buffer: where Polyv's word speaks against it,
    or could tell and was not compared, fetching it once more costs next to nothing, and the two are compared then.
    """
    if memo is not None and memo.sha256 is not None:
        return memo.sha256 == found.sha256 and memo.size in (None, found.size)
    return order.expected.md5 is None and order.expected.size in (None, found.size)


def _is_crowded(exc: errors.TransferError) -> bool:
    """Tell whether an origin with too many of us may have done this; a line that stands has other causes, too."""
    if isinstance(exc, errors.OriginBusyError):
        return exc.status_code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return isinstance(exc, errors.TransferInterruptedError) and not isinstance(exc, errors.TransferStalledError)


def _difference_of(order: Order, size: int) -> str | None:
    """Return what speaks against a file that is in place; it passed every gate before it was placed."""
    said = order.expected.size
    return None if said in (None, size) else f"it has {size} bytes, Polyv says {said}"


class _Download:
    """The tries of one order within one run of the downloader."""

    def __init__(
        self,
        workshop: Workshop,
        order: Order,
        part: Part,
        meter: Meter,
        renew: Renew,
        *,
        ensure_space: Callable[[int], None],
    ) -> None:
        self._workshop = workshop
        self._ensure_space = ensure_space
        self._order = order
        self._part = part
        self._meter = meter
        self._renew = renew
        self._link = order.link
        self._fetched_before: int | None = None
        """Bytes that had come when the link was replaced."""
        self._fetched_until_now = 0
        """Bytes that had come when this try began."""
        self._strikes: Counter[Reason] = Counter()
        self._differing = Differing(
            order,
            part,
            root=workshop.root,
            policy=workshop.mismatch,
            quarantined=self._quarantined,
            now=workshop.now,
        )

    async def run(self) -> Event | TryAgain:
        """Try until there is something to say."""
        if self._order.is_node_down or self._order.is_dying:
            # Polyv may name another host now, or sign anew. That it refuses us ends its question, and no download.
            with contextlib.suppress(errors.CredentialsRefusedError):
                await self._has_fresh_link()
        while True:
            self._fetched_until_now = self._meter.fetched
            try:
                attempt = Attempt(
                    self._workshop,
                    self._order,
                    self._part,
                    self._meter,
                    ensure_space=self._ensure_space,
                    repeated_size=self._differing.repeated_size,
                )
                return self._differing.settled(await attempt.run(self._link))
            except errors.TransferStoppedError:
                raise
            except (errors.TransferError, errors.ConflictError) as exc:
                verdict = await self._verdict(exc)
            except MemoryError:
                verdict = TryAgain(
                    detail="there was no memory left for it; fewer --jobs need less", is_crowded=True
                )
            if verdict is not None:
                return verdict

    async def _verdict(self, exc: errors.TransferError | errors.ConflictError) -> Event | TryAgain | None:
        """Judge what went wrong; None where it is tried again at once."""
        verdict: Event | TryAgain | None
        match exc:
            case errors.WindowClosedError():
                verdict = WindowClosed(at=self._workshop.now(), detail=str(exc), success_at=self._link.success_at)
            case errors.LinkRefusedError():
                if isinstance(exc, errors.LinkExpiredError):
                    self._workshop.sightings.refused(self._link)
                verdict = await self._refused(exc)
            case errors.ConflictError():
                verdict = self._given_up(Reason.CONFLICT, f"{exc}; {await self._quarantined()}")
            case errors.UnsafeLinkError():
                verdict = self._given_up(Reason.UNSAFE_LINK, str(exc))
            case errors.EmptyFileError() if self._differing.is_empty:
                verdict = self._given_up(Reason.EMPTY, "Polyv says that it has no byte, and none came")
            case errors.OtherSizeError():
                verdict = self._differing.other_size(exc)
            case errors.DifferenceError():
                verdict = await self._differing.differs(exc)
            case errors.SourceGoneError() | errors.IntegrityError() | errors.ObjectChangedError():
                verdict = await self._struck(exc)
            case _:
                verdict = self._try_again(exc)
        return verdict

    async def _refused(self, exc: errors.LinkRefusedError) -> Event | TryAgain | None:
        """Go on under a fresh link; one that is refused before it gave a byte has not expired, it is denied.

        Nor is one replaced at once that gave a few bytes: Polyv would be asked for each such handful.
        """
        came = None if self._fetched_before is None else self._meter.fetched - self._fetched_before
        if came is not None and came < SLIGHT:
            return TryAgain(detail=f"{exc}, a fresh link too: does it know this address?", is_denied=came == 0)
        refused = self._link.url
        if await self._has_fresh_link(is_expired=isinstance(exc, errors.LinkExpiredError)):
            return None
        return LinkRefused(at=self._workshop.now(), detail=str(exc), url=refused)

    async def _struck(self, exc: errors.TransferError) -> Event | None:
        """Count what may be bad luck once; None where it is tried again at once."""
        reason = _STRIKES[type(exc)]
        self._strikes[reason] += 1
        kept = f"; {await self._quarantined()}" if isinstance(exc, errors.IntegrityError) else ""
        if isinstance(exc, errors.ObjectChangedError):
            self._part.restart()
        if self._strikes[reason] >= _SECOND_STRIKE:
            return self._given_up(reason, f"{exc}{kept}")
        if isinstance(exc, errors.SourceGoneError):
            await self._has_fresh_link()
        return None

    def _try_again(self, exc: errors.TransferError) -> TryAgain:
        """Leave it for later. What does not fit the part is not gone on with."""
        if isinstance(exc, errors.AnswerMismatchError) and not isinstance(exc, errors.InterceptedError):
            self._part.restart()
        return TryAgain(
            detail=str(exc),
            retry_after=exc.retry_after if isinstance(exc, errors.OriginBusyError) else None,
            is_node_down=self._is_node_down(exc),
            is_suspicious=isinstance(exc, errors.NotAVideoError | errors.CertificateError),
            is_intercepted=isinstance(exc, errors.InterceptedError),
            is_crowded=_is_crowded(exc),
        )

    def _is_node_down(self, exc: errors.TransferError) -> bool:
        if isinstance(exc, errors.OriginBusyError):
            return exc.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
        is_line = isinstance(exc, errors.TransferInterruptedError)
        return is_line and self._meter.fetched == self._fetched_until_now

    async def _has_fresh_link(self, *, is_expired: bool = False) -> bool:
        """Ask for another link. One that is the same again is noticed at once."""
        fresh = await self._renew(replace(self._order, link=self._link, is_expired=is_expired))
        if fresh is None or fresh.url == self._link.url:
            return False
        self._link, self._fetched_before = fresh, self._meter.fetched
        return True

    async def _quarantined(self, copy: str | None = None) -> str:
        """Keep what has come for a person, for good: the ledger is about to say that it is there."""
        directory = self._workshop.root / ".fetcher" / "quarantine"
        moving = functools.partial(self._part.quarantine, directory, self._order.vid, copy=copy)
        kept = await to_its_end(self._workshop.crew.do(moving), self._meter)
        return f"what came is kept as {kept.relative_to(self._workshop.root)}"

    def _given_up(self, reason: Reason, detail: str) -> GivenUp:
        return GivenUp(at=self._workshop.now(), reason=reason, detail=detail)
