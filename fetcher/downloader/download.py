"""Download one video: try, renew its link, judge what went wrong, and say what happened as one event."""

import asyncio
import contextlib
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Final

from fetcher.archive.part import Part
from fetcher.domain import errors
from fetcher.domain.events import Event, GivenUp, LinkRefused, WindowClosed
from fetcher.domain.status import Reason
from fetcher.downloader.attempt import Attempt, Workshop, to_its_end
from fetcher.downloader.differing import Differing
from fetcher.downloader.orders import Order, Renew, TryAgain
from fetcher.transfer.meter import Meter
from fetcher.transfer.progress import SLIGHT

_SECOND_STRIKE: Final = 2

_STRIKES: Final = {
    errors.SourceGoneError: Reason.GONE,
    errors.IntegrityError: Reason.MISMATCH,
    errors.ObjectChangedError: Reason.UNSTABLE,
}
"""What is tried once more at once; the second time in one download needs a person."""


class Download:
    """The tries of one order within one run of the downloader.

    Args:
        workshop: What it works with.
        order: The video.
        part: Of it.
        meter: Of the transfer; aborted where it is to stop.
        renew: Asks for another link.
        ensure_space: Raises DiskFullError where there is no room for so many more bytes.
    """

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
        """Try until there is something to say.

        Raises:
            TransferStoppedError: The transfer was aborted; the part is kept.
            OSError: The disk.
        """
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
        """Keep what has come for a person, for good: the ledger is about to say that it is there.

        Not by the crew: there it would be recalled for what is more urgent, and the next claim would know nothing
        of it.
        """
        directory = self._workshop.root / ".fetcher" / "quarantine"
        moving = functools.partial(self._part.quarantine, directory, self._order.vid, copy=copy)
        kept = await to_its_end(asyncio.ensure_future(asyncio.to_thread(moving)), self._meter)
        return f"what came is kept as {kept.relative_to(self._workshop.root)}"

    def _given_up(self, reason: Reason, detail: str) -> GivenUp:
        return GivenUp(at=self._workshop.now(), reason=reason, detail=detail)


def _is_crowded(exc: errors.TransferError) -> bool:
    """Tell whether an origin with too many of us may have done this; a line that stands has other causes, too."""
    if isinstance(exc, errors.OriginBusyError):
        return exc.status_code in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return isinstance(exc, errors.TransferInterruptedError) and not isinstance(exc, errors.TransferStalledError)
