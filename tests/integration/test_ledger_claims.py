"""Claims: who gets which video, for how long, under which name, and whose word counts afterwards."""

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import (
    FAR,
    MINUTE,
    NOW,
    added,
    happened,
    link,
    opened,
    polled,
    ready,
    rows,
    seen,
    statuses,
    taken,
    verified,
    vid,
    video,
)

from fetcher.domain.errors import IllegalTransitionError, StaleLeaseError
from fetcher.domain.events import GivenUp, LinkRefused, TransferFailed
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation, Reason, Status
from fetcher.ledger.changes import Fence
from fetcher.ledger.claims import extend, release, release_others
from fetcher.ledger.engine import Database

CLAIMER: Final = """
import sys
from pathlib import Path
from ledger_cases import happened, opened, taken, verified
with opened(Path(sys.argv[1])) as ledger:
    while got := taken(ledger, limit=3, owner=sys.argv[2]):
        for one in got:
            happened(ledger, one.video_id, verified(one.path), one.fence)
            print(one.vid, flush=True)
"""


def test_the_earliest_deadline_comes_first_and_the_unknown_before_all(ledger: Database) -> None:
    """F38, F40."""
    added(ledger)
    deadlines = {1: FAR, 2: NOW - 5, 3: None, 4: FAR - 1, 5: NOW + 5}
    polled(ledger, 1, *(seen(number, deadline=deadline) for number, deadline in deadlines.items()))
    claimed = taken(ledger, limit=3) + taken(ledger, limit=3)
    assert [vid(number) for number in (3, 2, 5, 4, 1)] == [one.vid for one in claimed]


@pytest.mark.parametrize(("limit", "expected"), [(-1, 0), (0, 0), (2, 2), (9, 4)])
def test_no_more_are_claimed_than_asked_for(ledger: Database, limit: int, expected: int) -> None:
    ready(ledger, 1, 2, 3, 4)
    assert expected == len(taken(ledger, limit=limit))


def test_a_claim_tells_all_that_a_download_needs(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    assert (vid(1), link(1), FAR, f"{vid(1)}.mp4", 0) == (one.vid, one.link, one.deadline, one.path, one.attempts)
    assert Fence(owner="run", token=1) == one.fence


def test_what_is_claimed_is_nobody_elses(ledger: Database) -> None:
    """Promise 4."""
    ready(ledger, 1)
    assert 1 == len(taken(ledger, owner="a"))
    assert [] == taken(ledger, owner="b")
    assert [] == taken(ledger, owner="a")


def test_eight_processes_claim_each_video_once(tmp_path: Path) -> None:
    """Promise 4: without the fence two of them would."""
    with opened(tmp_path) as ledger:
        ready(ledger, *range(100))
        cases = str(Path(__file__).resolve().parent.parent)
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {cases!r})\n{CLAIMER}", str(tmp_path)]
        workers = [
            subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, text=True) for number in range(8)
        ]
        told = Counter("".join(worker.communicate()[0] for worker in workers).split())
        assert [0] * 8 == [worker.returncode for worker in workers]
        assert dict.fromkeys(map(vid, range(100)), 1) == told
        assert {"done"} == set(statuses(ledger).values())
        assert [{"most": 1}] == rows(ledger, "SELECT max(lease_token) AS most FROM videos")


def test_a_lease_that_ended_goes_to_another_run_with_the_next_number(ledger: Database) -> None:
    ready(ledger, 1)
    taken(ledger, owner="a", lease_ms=MINUTE)
    assert [] == taken(ledger, owner="b", now=NOW + MINUTE - 1)
    (one,) = taken(ledger, owner="b", now=NOW + MINUTE)
    assert Fence(owner="b", token=2) == one.fence


def test_a_run_that_slept_past_its_leases_does_not_claim_its_own_videos_twice(ledger: Database) -> None:
    """F11: its workers still write those parts."""
    ready(ledger, 1, 2)
    (one,) = taken(ledger, owner="a", limit=1)
    (other,) = taken(ledger, owner="a", now=NOW + 10 * MINUTE)
    assert {vid(1), vid(2)} == {one.vid, other.vid}
    assert Status.DONE is happened(ledger, one.video_id, verified(one.path), one.fence)


@pytest.mark.parametrize(
    "event",
    [
        verified("a.mp4"),
        LinkRefused(at=NOW, detail="403"),
        TransferFailed(at=NOW, detail="reset", due_at=NOW + 1),
        GivenUp(at=NOW, reason=Reason.GONE, detail="404"),
    ],
)
def test_the_word_of_a_worker_whose_lease_went_to_another_changes_nothing(ledger: Database, event: object) -> None:
    ready(ledger, 1)
    (stale,) = taken(ledger, owner="a")
    (fresh,) = taken(ledger, owner="b", now=NOW + MINUTE)
    before = rows(ledger, "SELECT * FROM videos"), rows(ledger, "SELECT * FROM events")

    with pytest.raises(StaleLeaseError):
        happened(ledger, stale.video_id, event, stale.fence)  # type: ignore[arg-type]
    with pytest.raises(StaleLeaseError):
        happened(ledger, stale.video_id, event, Fence(owner="b", token=stale.fence.token))  # type: ignore[arg-type]

    assert before == (rows(ledger, "SELECT * FROM videos"), rows(ledger, "SELECT * FROM events"))
    assert Status.DONE is happened(ledger, fresh.video_id, verified(fresh.path), fresh.fence)


def test_the_word_of_a_worker_that_gave_its_claim_back_changes_nothing(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    with ledger.writing() as connection:
        release(connection, owner="run")
    with pytest.raises(StaleLeaseError):
        happened(ledger, one.video_id, verified(one.path), one.fence)


def test_an_illegal_event_changes_nothing(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    happened(ledger, one.video_id, verified(one.path), one.fence)
    before = video(ledger, 1)
    with pytest.raises(IllegalTransitionError):
        happened(ledger, one.video_id, verified("other.mp4"))
    assert before == video(ledger, 1)


def test_claims_are_given_back_by_their_run_alone(ledger: Database) -> None:
    ready(ledger, 1, 2, 3)
    mine = taken(ledger, limit=2, owner="a")
    taken(ledger, limit=1, owner="b")
    with ledger.writing() as connection:
        release(connection, owner="a", video_ids=[mine[0].video_id, 3])
    assert [mine[0].vid] == [one.vid for one in taken(ledger, owner="c")]
    with ledger.writing() as connection:
        release(connection, owner="a")
    assert [mine[1].vid] == [one.vid for one in taken(ledger, owner="c")]


def test_what_dead_runs_claimed_is_freed_and_pauses_and_own_claims_stay(ledger: Database) -> None:
    ready(ledger, 1, 2, 3)
    (own,) = taken(ledger, limit=1, owner="me")
    (paused,) = taken(ledger, limit=1, owner="me")
    happened(ledger, paused.video_id, TransferFailed(at=NOW, detail="x", due_at=NOW + MINUTE), paused.fence)
    taken(ledger, limit=1, owner="dead")
    with ledger.writing() as connection:
        release_others(connection, owner="me")
    assert [vid(3)] == [one.vid for one in taken(ledger, owner="other")]
    assert "me" == video(ledger, int(own.vid[:32], 16))["lease_owner"]


def test_a_heartbeat_holds_the_claims_of_its_run_and_no_pause(ledger: Database) -> None:
    ready(ledger, 1, 2, 3)
    (paused,) = taken(ledger, limit=1, owner="a")
    happened(ledger, paused.video_id, TransferFailed(at=NOW, detail="x", due_at=NOW + 1), paused.fence)
    taken(ledger, limit=1, owner="a")
    (other,) = taken(ledger, limit=1, owner="b")
    with ledger.writing() as connection:
        assert 1 == extend(connection, owner="a", until=NOW + 5 * MINUTE)
    freed = {one.vid for one in taken(ledger, owner="c", now=NOW + 2 * MINUTE)}
    assert {paused.vid, other.vid} == freed


def test_a_failed_try_waits_for_its_time_and_counts(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    event = TransferFailed(at=NOW, detail="reset", due_at=NOW + MINUTE)
    assert Status.READY is happened(ledger, one.video_id, event, one.fence)
    assert [] == taken(ledger, now=NOW + MINUTE - 1)
    (again,) = taken(ledger, now=NOW + MINUTE)
    assert (1, 2) == (again.attempts, again.fence.token)


def test_a_link_renewed_while_claimed_keeps_the_lease(ledger: Database) -> None:
    """F34."""
    ready(ledger, 1)
    (one,) = taken(ledger)
    polled(ledger, 1, seen(1, turn=1), refused=[one.link.url])
    assert [] == taken(ledger, owner="b")
    assert link(1, turn=1).url == video(ledger, 1)["link"]
    assert Status.DONE is happened(ledger, one.video_id, verified(one.path), one.fence)


def test_a_name_is_given_once_and_stays_whatever_the_link_becomes(ledger: Database) -> None:
    ready(ledger, 1)
    (one,) = taken(ledger)
    with ledger.writing() as connection:
        release(connection, owner="run")
    added(ledger, 2)
    polled(ledger, 2, seen(1, turn=1), refused=[one.link.url])
    (again,) = taken(ledger)
    assert one.path == again.path
    assert link(1, turn=1).url == again.link.url


def test_names_that_a_disk_may_take_for_one_are_told_apart(ledger: Database) -> None:
    """F63, F84: vids that differ in case only, down to the twin of a twin."""
    added(ledger)
    twins = [f"{letters}_1" for letters in ("a" * 32, "A" * 32, "aA" * 16, "Aa" * 16)]
    polled(
        ledger,
        1,
        *(
            Observation(vid=twin, said=Preparation.SUCCESS, raw="SUCCESS", link=link(number), deadline=number)
            for number, twin in enumerate(twins)
        ),
    )
    paths = [one.path for one in taken(ledger)]
    assert 4 == len({path.casefold() for path in paths})
    assert f"{'a' * 32}_1.mp4" == paths[0]
    assert all(path.startswith(twin) and path.endswith(".mp4") for path, twin in zip(paths, twins, strict=True))


def test_no_two_rows_can_bear_one_name(ledger: Database) -> None:
    ready(ledger, 1, 2)
    taken(ledger)
    keys = rows(ledger, "SELECT count(DISTINCT path_key) AS keys, count(*) AS videos FROM videos")
    assert [{"keys": 2, "videos": 2}] == keys
