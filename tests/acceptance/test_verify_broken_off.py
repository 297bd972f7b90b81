"""A verification that is killed, stopped or out of time keeps what it did; and it may run beside a 'sync'."""

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Final

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw
from verify_cases import add_sparse, stocked, told, verified_at

from fetcher.simulator.faults import Fault

_LONG: Final = 1 << 40
"""Bytes that nobody reads in the time of a test."""


def _wait_until(running: subprocess.Popen[bytes], has_happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not has_happened():
        assert running.poll() is None
        assert time.monotonic() < until
        time.sleep(0.02)


def _verified_since(case: ArchiveCase, at: int) -> set[str]:
    return {vid for vid, verified in verified_at(case).items() if verified > at}


def test_f01_what_a_killed_verification_did_is_kept_and_the_next_one_goes_on(case: ArchiveCase) -> None:
    """By kill -9: no file that was written down is read again before others, and none is called verified unread."""
    vids = stocked(case, 3000, size=64)
    long = add_sparse(case, _LONG, at=10_000)
    running = case.start("verify", "--jobs", "2")
    _wait_until(running, lambda: len(_verified_since(case, 10_000)) == len(vids))
    running.kill()
    running.communicate()
    before = verified_at(case)
    assert 10_000 == before[long]
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET verified_at = 1 WHERE vid IN (?, ?)", tuple(vids[:2]))

    next_one = case.run("verify", "--jobs", "1", "--max-duration", "0.000001s")

    after = verified_at(case)
    assert 8 == next_one.returncode
    assert {vids[0]} <= {vid for vid, at in after.items() if at != before[vid]} <= set(vids[:2])


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_f08_f09_a_signal_ends_it_at_once_and_what_was_verified_is_kept(
    case: ArchiveCase, number: int, code: int
) -> None:
    """In the middle of a file that is long; that one has its turn again."""
    vids = stocked(case, 10)
    long = add_sparse(case, _LONG, at=10_000)
    running = case.start("verify", "--jobs", "1", "--json")
    _wait_until(running, lambda: _verified_since(case, 10_000) == set(vids))
    (case.root / "000001.mp4").write_bytes(b"later")  # Nobody looks again.

    sent_at = time.monotonic()
    running.send_signal(number)
    stdout, _ = running.communicate(timeout=60)

    assert code == running.returncode
    assert time.monotonic() - sent_at < 20, "the file takes hours"
    summary = json.loads(stdout.splitlines()[-1])
    assert (code, False, 10) == (summary["exit_code"], summary["is_whole"], summary["counts"]["ok"])
    assert 10_000 == verified_at(case)[long]


def test_the_least_recently_verified_come_first_and_each_time_the_next_ones(case: ArchiveCase) -> None:
    """Run after run that has no time at all: a file each, by age, until all were read; then the first again."""
    vids = stocked(case, 6)
    order = [vids[number] for number in (3, 0, 5, 1, 4, 2)]
    with raw(case.ledger) as connection:
        for age, vid in enumerate(order):
            at = None if age == 0 else age
            connection.execute("UPDATE videos SET verified_at = ? WHERE vid = ?", (at, vid))

    codes: list[int] = []
    read: list[str] = []
    while len(read) < len(order) + 1:
        before = verified_at(case)
        codes.append(case.run("verify", "--jobs", "1", "--max-duration", "0.000001s").returncode)
        now_read = {vid for vid, at in verified_at(case).items() if at != before[vid]}
        assert 1 <= len(now_read) <= 2, "what is in the reader's hand may be so small that it is read as well"
        assert max(before[vid] or 0 for vid in now_read) <= min(before[vid] or 0 for vid in {*vids} - now_read)
        read += sorted(now_read, key=lambda vid: before[vid] or 0)

    assert order == read[: len(order)]
    assert {8} == set(codes)


def test_however_short_the_time_is_one_file_is_read_to_its_end(case: ArchiveCase) -> None:
    """One that takes longer than it would else never be verified."""
    vid, digest = add_sparse(case, 768 << 20, at=1), hashlib.sha256()
    for _ in range(768):
        digest.update(bytes(1 << 20))
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET sha256 = ?", (digest.hexdigest(),))

    code, _, summary = told(case, "--max-duration", "0.000001s")

    assert (8, 1, False) == (code, summary["counts"]["ok"], summary["is_whole"])
    assert {vid} == _verified_since(case, 5000)


def test_time_that_is_over_is_told_and_damage_comes_before_it(case: ArchiveCase) -> None:
    vids = stocked(case, 3)
    add_sparse(case, _LONG, at=5000)

    began = time.monotonic()
    code, _, summary = told(case, "--max-duration", "2s", "--jobs", "1")
    took = time.monotonic() - began
    (case.root / "000001.mp4").write_bytes(b"x")
    with raw(case.ledger) as connection:
        connection.execute("UPDATE videos SET verified_at = 1 WHERE vid = ?", (vids[0],))
    damaged, _, _ = told(case, "--max-duration", "2s", "--jobs", "1")

    assert (8, 3, False) == (code, summary["counts"]["ok"], summary["is_whole"])
    assert 1.9 < took < 60, "the file takes hours"
    assert set(vids[1:]) == _verified_since(case, 5000)
    assert 9 == damaged


def test_f100_beside_a_run_nothing_of_it_is_missing_or_extra(case: ArchiveCase) -> None:
    """What is claimed, fetched, placed and recorded meanwhile, one small file after the other."""
    done = stocked(case, 20)
    videos = [case.simulator.library.add_video(size=30_000) for _ in range(150)]
    slow = case.simulator.library.add_video(size=200_000, faults=[Fault.drip(rate=40_000)])
    case.add(*videos, slow)
    running = case.start("sync", FETCHER_SIDECARS="true")

    rounds = 0
    while running.poll() is None:
        code, findings, summary = told(case)
        assert (0, []) == (code, findings)
        rounds += summary["counts"]["ok"] >= len(done)
    running.communicate()

    assert 0 == running.returncode
    assert rounds >= 1
    case.require_right([*videos, slow])
    assert 171 == told(case)[2]["counts"]["ok"]


def test_two_at_once_get_into_nobodys_way(case: ArchiveCase) -> None:
    stocked(case, 500)
    both = [case.start("verify") for _ in range(2)]
    assert [(b"", b""), (b"", b"")] == [one.communicate(timeout=60) for one in both]
    assert [0, 0] == [one.returncode for one in both]


def test_a_missing_file_is_not_asked_for_again_where_there_was_no_time_to_look_whether_it_was_moved(
    case: ArchiveCase,
) -> None:
    """Polyv would be paid for what is there: one as large was not read to its end."""
    vid = add_sparse(case, _LONG, at=5000)
    (case.root / case.rows()[vid]["path"]).rename(case.root / "elsewhere.mp4")

    ended = case.run("verify", "--repair", "--max-duration", "2s")

    assert (9, "done") == (ended.returncode, case.rows()[vid]["status"])
    assert "there was no time to look whether it was moved" in ended.stdout
    assert "1 file is missing or moved; 'fetcher verify' with more --max-duration tells which" in ended.stderr
