"""What to do where an origin's word, or a whole file, differs from what Polyv says of it."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from fetcher.archive.part import Part
from fetcher.domain.errors import DifferenceError, OtherSizeError
from fetcher.domain.events import FileVerified, GivenUp
from fetcher.domain.status import Reason
from fetcher.domain.vendor import Mismatch, Verdict, judged
from fetcher.downloader.orders import Order, TryAgain

_TWICE: Final = 2
_COPY_DIGITS: Final = 16
"""Of its sha256, in the name of a copy that is kept apart: the same bytes are kept once."""


class Differing:
    """The differences of one video within one run of the downloader.

    Args:
        order: With what Polyv says, and what copy came before.
        part: Of the video.
        root: The archive.
        policy: What becomes of a file that differs for certain.
        quarantined: Keeps what came, once for each name that is given to it, and says where it is.
        now: ms UTC.
    """

    def __init__(
        self,
        order: Order,
        part: Part,
        *,
        root: Path,
        policy: Mismatch,
        quarantined: Callable[[str], Awaitable[str]],
        now: Callable[[], int],
    ) -> None:
        self._order = order
        self._part = part
        self._root = root
        self._policy = policy
        self._quarantined = quarantined
        self._now = now
        self._other_sizes: list[int | None] = []
        self.repeated_size: int | None = None
        """The origin's size that is not Polyv's and is believed if it is told again."""

    @property
    def is_empty(self) -> bool:
        """Whether Polyv says that there is no byte."""
        return self._order.expected.size == 0

    def other_size(self, exc: OtherSizeError) -> GivenUp | None:
        """Ask once more where the origin's size is not Polyv's: what it tells twice it has.

        Then the file is fetched to be kept, here or there; where nothing is to be kept, that is the end.
        """
        self._other_sizes.append(exc.actual)
        if exc.actual is None:
            self._part.restart()
        if len(self._other_sizes) < _TWICE:
            is_decided = self._policy is Mismatch.FAIL and self._order.expected.md5 is None
            self.repeated_size = None if is_decided else exc.actual
            return None
        if len(set(self._other_sizes)) > 1:
            return self._given_up(Reason.UNSTABLE, f"{exc}; a moment ago it was another size")
        self._part.restart()
        return self._given_up(Reason.MISMATCH, f"{exc}, twice; nothing of it is kept")

    async def differs(self, exc: DifferenceError) -> GivenUp | TryAgain:
        """Say what becomes of a whole file that is not what Polyv says; two copies are fetched at the most."""
        differed = self._order.differed
        verdict = judged(exc.difference, sha256=exc.sha256, differed=differed, policy=self._policy)
        text = f"{exc}; the same came twice" if exc.sha256 == differed else str(exc)
        if verdict is Verdict.FAIL:
            for sha256 in {exc.sha256, differed or exc.sha256}:
                self._copy_of(sha256).unlink(missing_ok=True)
            self._part.restart()
            return self._given_up(Reason.MISMATCH, f"{text}; nothing of it is kept")
        text = f"{text}; {await self._quarantined(exc.sha256[:_COPY_DIGITS])}"
        if verdict is Verdict.AGAIN:
            return TryAgain(detail=f"{text}, and fetched once more", differed=exc.sha256)
        return self._given_up(Reason.MISMATCH, text)

    def settled(self, verified: FileVerified) -> FileVerified:
        """Drop the copy that was kept apart where the same bytes have their name now."""
        if verified.difference is not None:
            self._copy_of(verified.sha256).unlink(missing_ok=True)
        return verified

    def _copy_of(self, sha256: str) -> Path:
        """Return where a whole copy is kept until it is settled what becomes of it."""
        return self._root / ".fetcher" / "quarantine" / f"{self._order.vid}-{sha256[:_COPY_DIGITS]}"

    def _given_up(self, reason: Reason, detail: str) -> GivenUp:
        return GivenUp(at=self._now(), reason=reason, detail=detail)
