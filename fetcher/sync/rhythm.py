"""When to ask about a task again, and when no more."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fetcher.domain.rhythm import made_up_for, poll_pause
from fetcher.ledger.answers import DueTask

_FEWEST_POLLS: Final = 12
"""Questions without news before a task is given up, whatever the clock says: it may have jumped."""


def _unknown() -> None:
    """Say that no link's death matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often a task is asked about."""

    first_s: float
    longest_s: float
    give_up_after_s: float
    expire_days: int = 7
    """Days for which thawed files stay readable, where a task does not say."""
    resubmit_expired: bool = False
    """Whether what has gone cold before it was fetched is asked for again by itself."""
    link_lives_s: Callable[[], float | None] = _unknown
    """Seconds that links live which nobody may sign anew, as far as is known now; None where all are."""

    def next_at(self, task: DueTask, *, now: int) -> int:
        """Return when to ask about *task* again where it brought no news, ms UTC."""
        # The count stands in where the clock was wrong: so many questions take at least so long.
        quiet_s = max((now - task.quiet_since) / 1000, task.quiet_polls * self.first_s)
        late_s = 0.0 if task.due_at is None else (now - task.due_at) / 1000
        return now + round(made_up_for(self._pause(quiet_s), late_s=late_s, first_s=self.first_s) * 1000)

    def after_news_at(self, *, now: int) -> int:
        """Return when to ask again about a task that has just brought some: the rest of it may follow soon."""
        return now + round(self._pause(0) * 1000)

    def is_given_up(self, task: DueTask, *, now: int, polyv_now: int) -> bool:
        """Tell whether what Polyv has not said of *task* by now counts as never.

        By both clocks: when it was recorded is of this machine's, which may have jumped since, or be wrong always.
        """
        is_old = min(now, polyv_now) - task.added_at > self.give_up_after_s * 1000
        return is_old and task.quiet_polls + 1 >= _FEWEST_POLLS

    def _pause(self, quiet_s: float) -> float:
        jitter = random.random()  # noqa: S311 - spreads questions, keeps no secret
        return poll_pause(
            quiet_s,
            first_s=self.first_s,
            longest_s=self.longest_s,
            link_lives_s=self.link_lives_s(),
            jitter=jitter,
        )
