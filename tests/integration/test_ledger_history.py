"""Random lives of a few videos against a model: the history is complete, and every status stays honest."""

import contextlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from ledger_cases import (
    CANARY,
    MINUTE,
    NOW,
    added,
    happened,
    link,
    opened,
    polled,
    rows,
    seen,
    taken,
    task_id,
    verified,
    vid,
)
from sqlalchemy import CheckConstraint

from fetcher.domain.errors import IllegalTransitionError, StaleLeaseError
from fetcher.domain.events import (
    Event,
    FileDamaged,
    FileMissing,
    FileMoved,
    GivenUp,
    LinkPublished,
    LinkRefused,
    PreparationFailed,
    RetryAsked,
    TaskNamed,
    TransferFailed,
)
from fetcher.domain.status import Preparation, Reason, Status
from fetcher.domain.transitions import TRANSITIONS, next_status
from fetcher.ledger import schema, work
from fetcher.ledger.changes import Change, Fence, apply
from fetcher.ledger.claims import Claimed, release, release_others
from fetcher.ledger.due import ask_again

VIDEOS: Final = 4
TASKS: Final = 3
OWNERS: Final = ("a", "b")
NUMBERS: Final = st.integers(1, VIDEOS)
CHECKS: Final = [
    f"SELECT '{table.name} {check.name}' AS broken FROM {table.name} WHERE NOT ({check.sqltext})"
    for table in schema.metadata.tables.values()
    for check in table.constraints
    if isinstance(check, CheckConstraint)
]


def events_of(number: int, turn: int) -> list[Event]:
    """Return one event of each kind."""
    return [
        TaskNamed(at=NOW, task_id=task_id(1)),
        LinkPublished(at=NOW, task_id=task_id(1), link=link(number, turn=turn), deadline=None, start_by=None),
        PreparationFailed(at=NOW, task_id=task_id(1)),
        LinkRefused(at=NOW, detail="403"),
        TransferFailed(at=NOW, detail="reset", due_at=NOW + MINUTE),
        verified(f"{vid(number)}.mp4"),
        GivenUp(at=NOW, reason=Reason.GONE, detail="404"),
        RetryAsked(at=NOW),
        FileMissing(at=NOW, detail="gone"),
        FileDamaged(at=NOW, detail="cut"),
        FileMoved(at=NOW, path=f"{number}-{turn}", path_key=f"{number}-{turn}", before="elsewhere"),
    ]


class Lives(RuleBasedStateMachine):
    """Events, legal and not, polls and claims, in any order; the model is a status for each video."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = contextlib.ExitStack()
        directory = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.ledger = self.stack.enter_context(opened(directory))
        self.now = NOW
        self.turn = 0
        self.claimed: list[Claimed] = []
        self.claims: Counter[int] = Counter()
        self.done: dict[int, dict[str, Any]] = {}

    @initialize()
    def begin(self) -> None:
        """Know a few tasks, and have the first name all videos."""
        for number in range(1, TASKS + 1):
            added(self.ledger, number)
        polled(self.ledger, 1, *(seen(number, Preparation.PROCESS) for number in range(1, VIDEOS + 1)))

    @rule(number=NUMBERS, kind=st.integers(0, 10))
    def happen(self, number: int, kind: int) -> None:
        """Let something happen to a video without a claim; a file is never verified that way."""
        self.turn += 1
        event = events_of(number, self.turn)[kind]
        before = self.row(number)
        status = Status(before["status"])
        if type(event).__name__ == "FileVerified" and before["path_key"] is None:
            return
        if (status, type(event)) not in TRANSITIONS:
            try:
                happened(self.ledger, before["id"], event)
            except IllegalTransitionError:
                assert before == self.row(number)
            else:
                raise AssertionError(event)
            return
        assert next_status(status, event) is self.write(before["id"], event, None)
        assert next_status(status, event) == self.row(number)["status"]

    @rule(task=st.integers(1, TASKS), given_up=st.booleans(), data=st.data())
    def poll(self, task: int, *, given_up: bool, data: st.DataObject) -> None:
        """Have Polyv say anything of any videos."""
        answer = data.draw(
            st.lists(st.tuples(NUMBERS, st.sampled_from(Preparation), st.integers(0, 2)), max_size=VIDEOS + 1)
        )
        told = [seen(number, said, turn=turn) for number, said, turn in answer]
        polled(self.ledger, task, *told, now=self.now, is_given_up=given_up)

    @rule(owner=st.sampled_from(OWNERS), limit=st.integers(0, VIDEOS))
    def claim(self, owner: str, limit: int) -> None:
        """Claim as one of two runs."""
        fresh = taken(self.ledger, limit=limit, owner=owner, now=self.now)
        for one in fresh:
            assert one.fence.token == self.claims[one.video_id] + 1
            self.claims[one.video_id] = one.fence.token
        self.claimed += fresh

    @rule(kind=st.integers(3, 6), data=st.data())
    def finish(self, kind: int, data: st.DataObject) -> None:
        """Have a worker say how it went: it counts if and only if the claim is still its own."""
        if not self.claimed:
            return
        one = self.claimed.pop(data.draw(st.integers(0, len(self.claimed) - 1)))
        number = int(one.vid[:32], 16)
        before = self.row(number)
        event = events_of(number, 0)[kind]
        holds = Fence(owner=before["lease_owner"] or "", token=before["lease_token"]) == one.fence
        try:
            self.write(one.video_id, event, one.fence)
        except StaleLeaseError:
            assert not holds
            assert before == self.row(number)
        else:
            assert holds

    @rule(minutes=st.integers(0, 3))
    def wait(self, minutes: int) -> None:
        """Let leases end."""
        self.now += minutes * MINUTE

    @rule(owner=st.sampled_from(OWNERS), others=st.booleans())
    def give_back(self, owner: str, *, others: bool) -> None:
        """Give claims back."""
        with self.ledger.writing() as connection:
            if others:
                release_others(connection, owner=owner)
            else:
                release(connection, owner=owner)

    @rule()
    def begin_a_run(self) -> None:
        """Forget what was refused."""
        with self.ledger.writing() as connection:
            work.forget_refusals(connection)

    @rule(vids=st.one_of(st.none(), st.lists(NUMBERS.map(vid))))
    def retry(self, vids: list[str] | None) -> None:
        """Ask for another go."""
        with self.ledger.writing() as connection:
            work.retry(connection, vids, now=self.now)

    @invariant()
    def every_check_holds(self) -> None:
        """Each CHECK, asked once more."""
        for check in CHECKS:
            assert [] == rows(self.ledger, check)

    @invariant()
    def the_history_leads_to_where_each_video_stands(self) -> None:
        """One row for each change, without a gap, from the first to the last."""
        standing = {row["id"]: "wanted" for row in rows(self.ledger, "SELECT id FROM videos")}
        for row in rows(self.ledger, "SELECT * FROM events ORDER BY id"):
            assert standing[row["video"]] == row["from_status"]
            standing[row["video"]] = row["to_status"]
            assert CANARY not in (row["detail"] or "")
        assert standing == {row["id"]: row["status"] for row in rows(self.ledger, "SELECT id, status FROM videos")}

    @invariant()
    def what_is_done_keeps_what_it_was_verified_with(self) -> None:
        """And neither a link nor a claim."""
        for row in rows(self.ledger, "SELECT * FROM videos WHERE status = 'done'"):
            assert None not in (row["path"], row["size"], row["sha256"], row["evidence"], row["done_at"])
            assert row["link"] is row["refused_link"] is row["lease_owner"] is row["reason"] is None

    @invariant()
    def what_waits_is_asked_about(self) -> None:
        """Promise 7: nothing waits for a task that nobody asks about any more."""
        forgotten = (
            "SELECT vid FROM videos WHERE status = 'waiting' AND id NOT IN (SELECT video FROM task_items"
            " JOIN tasks ON tasks.id = task WHERE next_poll_at IS NOT NULL)"
        )
        assert [] == rows(self.ledger, forgotten)

    def write(self, video_id: int, event: Event, fence: Fence | None) -> Status:
        """Write an event as a run does: whoever puts a video to waiting has its tasks asked."""
        with self.ledger.writing() as connection:
            after = apply(connection, Change(video_id=video_id, event=event, fence=fence))
            if after is Status.WAITING:
                ask_again(connection, video_id, at=self.now)
        return after

    def row(self, number: int) -> dict[str, Any]:
        """Return a video's row."""
        return rows(self.ledger, f"SELECT * FROM videos WHERE vid = '{vid(number)}'")[0]

    def teardown(self) -> None:
        """Close the ledger."""
        self.stack.close()


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=25, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
