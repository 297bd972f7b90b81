"""Write down what came of a download."""

import functools
import random
from typing import Final

from sqlalchemy import Connection

from fetcher.archive.space import disk_errors
from fetcher.domain.delay import retry_delay
from fetcher.domain.errors import ConflictError
from fetcher.domain.events import Event, FileVerified, GivenUp, LinkRefused, TransferFailed, WindowClosed
from fetcher.domain.status import Reason
from fetcher.domain.window import after_window
from fetcher.downloader.orders import TryAgain
from fetcher.ledger.changes import Change, apply
from fetcher.ledger.claims import Claimed
from fetcher.ledger.due import ask_again
from fetcher.ledger.endings import wait_for_newer
from fetcher.sync.nodes import Nodes
from fetcher.sync.tries import Patience, Tries
from fetcher.sync.wires import Wires

_MOST_SUSPICIONS: Final = 10
"""Tries that met something that is no video, after which a person has to look."""


class Recording:
    """Makes an event of a verdict, and tells it to the ledger.

    Args:
        wires: Of the run.
        patience: When a file is tried again.
        tries: How often it was.
        nodes: Told of tries that failed.
    """

    def __init__(self, wires: Wires, *, patience: Patience, tries: Tries, nodes: Nodes) -> None:
        self._wires = wires
        self._patience = patience
        self._tries = tries
        self._nodes = nodes

    async def record(self, claimed: Claimed, verdict: Event | TryAgain) -> Event:
        """Write down what happened and return it; a file that was taken away again did not happen.

        Raises:
            StaleLeaseError: Another run has taken the video over.
            StorageError: The disk.
            LedgerError: It could not be written down.
        """
        if isinstance(verdict, WindowClosed) and await self._is_prepared_anew(claimed, verdict):
            return verdict
        event = self._event(claimed, verdict)
        change = Change(video_id=claimed.video_id, event=event, fence=claimed.fence)
        if isinstance(event, LinkRefused):
            await self._record_refusal(change)
            return event
        try:
            await self._wires.ledger.record(change)
        except ConflictError as exc:
            return await self.record(claimed, TryAgain(detail=str(exc)))
        is_useless = isinstance(event, GivenUp) and isinstance(verdict, TryAgain) and verdict.is_intercepted
        if is_useless or isinstance(event, FileVerified):
            with disk_errors(f"removing the part of {claimed.path}"):
                self._wires.parts.drop(claimed.video_id)
        return event

    def _event(self, claimed: Claimed, verdict: Event | TryAgain) -> Event:
        """Return what the ledger is told of a verdict."""
        match verdict:
            case TryAgain():
                return self._tried(claimed, verdict)
            case WindowClosed():
                return after_window(
                    verdict,
                    vid=claimed.vid,
                    resubmits=claimed.resubmits,
                    was_done=claimed.size is not None,
                    resubmit_expired=self._patience.resubmit_expired,
                )
            case _:
                return verdict

    def _tried(self, claimed: Claimed, verdict: TryAgain) -> Event:
        """Say when a file is tried again; one that something else answers for is not tried for ever."""
        if verdict.is_suspicious and claimed.suspicions + 1 >= _MOST_SUSPICIONS:
            return GivenUp(at=self._wires.now(), reason=Reason.NOT_A_VIDEO, detail=verdict.detail)
        self._nodes.count(claimed.video_id, verdict)
        tries = self._tries.count(claimed.video_id)
        jitter = random.random()  # noqa: S311 - spreads tries, keeps no secret
        delay = retry_delay(tries, first_s=self._patience.first_s, jitter=jitter, asked_s=verdict.retry_after)
        now = self._wires.now()
        return TransferFailed(
            at=now,
            detail=verdict.detail,
            due_at=now + round(delay * 1000),
            is_suspicious=verdict.is_suspicious,
            differed=verdict.differed,
        )

    async def _is_prepared_anew(self, claimed: Claimed, closed: WindowClosed) -> bool:
        change = Change(video_id=claimed.video_id, event=closed, fence=claimed.fence)
        return await self._wires.ledger.write(functools.partial(wait_for_newer, closed=change))

    async def _record_refusal(self, change: Change) -> None:
        ask_at = self._wires.now() + round(self._patience.asked_again_s * 1000)

        def refuse(connection: Connection) -> None:
            apply(connection, change)
            ask_again(connection, change.video_id, at=ask_at)

        await self._wires.ledger.write(refuse)
