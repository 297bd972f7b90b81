"""The power goes at every call of a run, and the disk keeps what it likes of what was not flushed."""

import itertools
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from crash.counts import points, seeds
from crash.disk import Disk
from crash.lanes import Lane
from crash.power import SEEDED, Everything, Nothing, Remains, Survival, after_power_cut
from crash.records import Call, read_calls
from crash.shim import Injection, Mode
from crash.small_library import SYNCED, Standing, read_rows
from telling import Tell

_RECORDED: Final = {
    "one run": [Injection()],
    "one run, no hard links": [Injection(links=False)],
    "one killed at a link": [Injection(mode=Mode.AFTER, point=1, only="link:late/"), Injection()],
    "one killed at a memo": [Injection(mode=Mode.AFTER, point=1, only="rename:.memo"), Injection()],
    "one killed at a commit": [Injection(mode=Mode.AFTER, point=1, only="fsync:ledger.db-wal"), Injection()],
    "one killed at a flush": [Injection(mode=Mode.AFTER, point=1, only="fsync:.part"), Injection()],
}
"""One run after the other; the last of them goes to its end."""


@pytest.fixture(params=list(_RECORDED))
def recording(request: pytest.FixtureRequest, lane: Lane, tmp_path: Path) -> Sequence[Call]:
    """Return all calls of a run to its end, and of the one before that was killed, if there was one."""
    log = tmp_path / "log"
    codes = [lane.sync(replace(injection, log=log)).code for injection in _RECORDED[request.param]]
    assert codes in ([0], [-9, 0])
    return read_calls(log, root=lane.root)


def _cuts(beginning: Path, calls: Sequence[Call]) -> Iterator[tuple[int, Disk]]:
    """Yield the disk after each call that changes it, and how many calls were made."""
    disk = Disk.holding(beginning)
    for count, call in enumerate(calls, start=1):
        disk.apply(call)
        if call.is_change:
            yield count, disk


def _survivals(seed_numbers: Sequence[int]) -> list[Survival]:
    return [Nothing(), Everything(), *(kind(seed) for seed in seed_numbers for kind in SEEDED)]


def _require_kept_promise(lane: Lane, remains: Remains) -> Standing:
    """See that no file is wrong and no row ahead of its file."""
    return lane.library.require_right(remains.finished(), read_rows(remains.put_ledger(lane.scratch)))


def test_no_power_cut_leaves_a_row_ahead_of_its_file(lane: Lane, recording: Sequence[Call], tell: Tell) -> None:
    """F05, F06: whatever the disk keeps, what is done is whole and has its name; no wrong file has a final name."""
    wanted = set(points(sum(1 for call in recording if call.is_change), usual=80))
    tried = cuts = 0
    for number, (count, disk) in enumerate(_cuts(lane.library.beginning, recording), start=1):
        if number not in wanted:
            continue
        cuts += 1
        for survival in _survivals(seeds(usual=1)):
            try:
                _require_kept_promise(lane, after_power_cut(disk, survival))
            except AssertionError as exc:
                raise AssertionError(f"power lost after {recording[count - 1]}, left: {survival}: {exc}") from exc
            tried += 1

    tell(f"{tried} states after {cuts} power cuts")
    assert cuts > 50


def test_a_run_after_a_power_cut_ends_with_all_done(
    lane: Lane, recording: Sequence[Call], tell: Tell, tmp_path: Path
) -> None:
    """F05, F06: in another boot no more than the durable bytes of a part are gone on with, and all gets done."""
    boot_id = tmp_path / "boot_id"
    boot_id.write_text("00000000-0000-4000-8000-000000000000\n", encoding="ascii")
    wanted = set(points(sum(1 for call in recording if call.is_change), usual=3))
    survivals = itertools.cycle(_survivals(seeds(usual=1)))
    tried = resumed = 0
    for count, (_, disk) in enumerate(_cuts(lane.library.beginning, recording), start=1):
        if count not in wanted:
            continue
        remains = after_power_cut(disk, next(survivals))
        shutil.rmtree(lane.root)
        remains.put(lane.root)
        lane.require_healing(_require_kept_promise(lane, remains).done, Injection(boot_id=boot_id))
        for asked in lane.library.asked_for().get(lane.library.late, []):
            assert asked in {None, f"bytes={SYNCED}-"}
            resumed += asked is not None
        tried += 1

    tell(f"{tried} runs after a power cut, {resumed} of them went on with a part")
    assert tried


def test_no_power_cut_of_the_run_after_a_power_cut_does_either(lane: Lane, tell: Tell, tmp_path: Path) -> None:
    """F05, F06: up to three runs in a row lose power at random calls, each in a boot of its own."""
    tried = rows = 0
    for seed in seeds(usual=1):
        chance = random.Random(seed)
        lane.begin()
        for boot in range(3):
            log, boot_id = tmp_path / f"log-{seed}-{boot}", tmp_path / f"boot-{boot}"
            boot_id.write_text(f"boot {boot}\n", encoding="ascii")
            disk = Disk.holding(lane.root)
            assert 0 == lane.sync(Injection(log=log, boot_id=boot_id)).code
            calls = read_calls(log, root=lane.root)
            lost_at = chance.randrange(len(calls))
            for call in calls[: lost_at + 1]:
                disk.apply(call)
                for kind in SEEDED:
                    _require_kept_promise(lane, after_power_cut(disk, kind(seed)))
                    tried += 1
            shutil.rmtree(lane.root)
            after_power_cut(disk, chance.choice(SEEDED)(seed)).put(lane.root)
        lane.require_healing(lane.require_kept_promise().done)
        rows += 1

    tell(f"{tried} states in {rows} rows of power cuts")
    assert rows
