"""The circuit breaker: whoever asks Polyv too often is shut out for five minutes, and asking on does not help."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from fetcher.domain.errors import FetcherError, PolyvBlockedError, PolyvUnavailableError
from fetcher.polyv.failures import TooOftenError

_TRIAL_PAUSE_S: Final = 5.0


class CircuitBreaker:
    """Lets calls through until *threshold* in a row go unanswered, then none for *open_s*, then one as a trial.

    One that Polyv says is one too many counts like one that is not answered.

    To be used from one event loop: there is no await between its looks and its changes.

    Source: the vendor's SDK, docs/vod/limit.md: 1500 requests in 10 s block the address for 5 minutes.
    """

    def __init__(
        self, *, threshold: int = 5, open_s: float = 300.0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Start closed.

        Args:
            threshold: Unanswered calls in a row that open it.
            open_s: How long it stays open, in seconds.
            monotonic: A clock that never jumps, in seconds.
        """
        self._threshold = threshold
        self._open_s = open_s
        self._monotonic = monotonic
        self._unanswered = 0
        self._opened_at: float | None = None
        self._is_trying = False

    def retry_in_s(self) -> float:
        """Return in how many seconds a call is let through; 0 where one is now."""
        if self._opened_at is None:
            return 0.0
        if self._is_trying:
            return _TRIAL_PAUSE_S
        return max(0.0, self._opened_at + self._open_s - self._monotonic())

    @contextmanager
    def guard(self, *, is_learned_from: bool = True) -> Iterator[None]:
        """Run one call and learn from its end.

        Any answer counts as one, a refusal too, unless it says that there are too many. A call that was cancelled
        says nothing.

        Args:
            is_learned_from: False for a call that nobody needs: where it alone goes unanswered, those that matter
                are not to be held back. It is no trial either.

        Raises:
            PolyvBlockedError: The breaker is open, or a trial is under way.
        """
        if not is_learned_from:
            if self._opened_at is not None:
                raise self._blocked()
            yield
            return
        is_trial = self._admit()
        try:
            yield
        except (PolyvUnavailableError, TooOftenError):
            self._failed(is_trial=is_trial)
            raise
        except FetcherError:
            self._answered(is_trial=is_trial)
            raise
        else:
            self._answered(is_trial=is_trial)
        finally:
            # However the trial ended, cancellation included, the next one must be possible.
            self._is_trying = self._is_trying and not is_trial

    def _admit(self) -> bool:
        """Refuse the call or let it through, and tell whether it is the trial."""
        if self.retry_in_s() > 0:
            raise self._blocked()
        self._is_trying = self._opened_at is not None
        return self._is_trying

    def _blocked(self) -> PolyvBlockedError:
        return PolyvBlockedError(
            f"Polyv did not answer {self._unanswered} times in a row and is left alone; "
            f"the next call is possible in {self.retry_in_s():.0f} s"
        )

    def _failed(self, *, is_trial: bool) -> None:
        self._unanswered += 1
        if is_trial or (self._opened_at is None and self._unanswered >= self._threshold):
            self._opened_at = self._monotonic()

    def _answered(self, *, is_trial: bool) -> None:
        # An answer to a call from before the block is late, and no sign that the block is over.
        if is_trial or self._opened_at is None:
            self._unanswered = 0
            self._opened_at = None
