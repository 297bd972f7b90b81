"""Tasks: videos that are being thawed, and what a query says of each."""

from dataclasses import dataclass, field
from typing import Any, Final

DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How one video stands in one task.

    Attributes:
        status: INIT, PROCESS, SUCCESS or FAIL.
        success_at: Unix seconds; None unless it succeeded.
    """

    status: str
    success_at: float | None = None


@dataclass(slots=True, kw_only=True)
class Task:
    """A task, with knobs for tests.

    Attributes:
        task_id: 32 lower-case hex digits.
        vids: As submitted, in order; unknown ones fail.
        expire_days: How long a thawed file stays readable.
        created_at: Unix seconds.
        polls: How often it was asked about.
        extra_rows: Raw rows a query adds to its answer: odd statuses, doubled or foreign videos.
        hidden: Videos a query leaves out.
        success_at: When each video was ready, in Unix seconds.
    """

    task_id: str
    vids: tuple[str, ...]
    expire_days: int
    created_at: float
    polls: int = 0
    extra_rows: list[dict[str, Any]] = field(default_factory=list)
    hidden: set[str] = field(default_factory=set)
    success_at: dict[str, float] = field(default_factory=dict)

    def hide(self, vid: str) -> None:
        """Leave a video's row out of every answer from now on."""
        self.hidden.add(vid)

    def show(self, vid: str) -> None:
        """Bring a hidden row back."""
        self.hidden.discard(vid)

    def progress(self, vid: str, *, ready_after: float, ready_after_polls: int, now: float) -> Progress:
        """Return how a sound video stands at the moment of a query, and remember its success.

        Args:
            vid: One of the task's videos.
            ready_after: Seconds from the task's creation that thawing takes.
            ready_after_polls: Queries that still answer INIT, then PROCESS.
            now: Unix seconds.
        """
        if vid not in self.success_at:
            if self.polls <= ready_after_polls or now < self.created_at + ready_after:
                return Progress(status="INIT" if self.polls <= 1 else "PROCESS")
            self.success_at[vid] = now if ready_after_polls else self.created_at + ready_after
        return Progress(status="SUCCESS", success_at=self.success_at[vid])

    def readable_until(self, vid: str) -> float | None:
        """Return when the thawed file can no longer be read, in Unix seconds; None before it succeeds."""
        success_at = self.success_at.get(vid)
        return None if success_at is None else success_at + self.expire_days * DAY
