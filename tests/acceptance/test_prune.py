"""'prune' removes what nobody needs: each kind of it, and nothing beside it."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import pytest
from archive_case import ArchiveCase
from ledger_cases import raw
from ledger_faults import contents
from verify_cases import filled, place, stocked

from fetcher.simulator.faults import Fault

_DAY_MS: Final = 86_400_000


def _told(case: ArchiveCase, *arguments: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the files that were removed, by path, and the summary."""
    ran = case.run("prune", "--json", *arguments)
    assert (0, "") == (ran.returncode, ran.stderr)
    *files, summary = map(json.loads, ran.stdout.splitlines())
    return {one["path"]: one["kind"] for one in files}, summary


def _killed_midway(case: ArchiveCase, size: int) -> Any:
    """Have a run killed when a part of a video has come; return the video."""
    video = case.simulator.library.add_video(size=size, faults=[Fault.drip(rate=3_000_000, times=1)])
    case.add(video)
    running = case.start("sync")
    parts = case.root / ".fetcher" / "parts"
    while sum(path.stat().st_size for path in parts.glob("*.part")) < 3 << 20:
        assert running.poll() is None
        time.sleep(0.01)
    running.kill()
    running.communicate()
    return video


def test_parts_of_nobody_go_and_what_a_later_try_goes_on_with_stays(case: ArchiveCase) -> None:
    """And the later try goes on with it, byte for byte."""
    (done,) = filled(case, 1)
    live = _killed_midway(case, 8 << 20)
    parts = case.root / ".fetcher" / "parts"
    kept = set(case.parts())
    with raw(case.ledger) as connection:
        ids = dict(connection.execute("SELECT vid, id FROM videos").fetchall())
    for name in ("99-00000001.part", "99-00000001.memo", f"{ids[done.vid]}-00000002.part", "7-00000003.memo~"):
        (parts / name).write_bytes(b"x" * 10_000)
    os.link(place(case, done), parts / f"{ids[done.vid]}-00000004.part")
    (parts / "98-00000005.part").symlink_to(place(case, done))
    (parts / "notes.part").write_bytes(b"mine")
    (parts / "97-00000006.part").mkdir()
    (case.root / ".fetcher" / "sidecar~").write_bytes(b"{")

    removed, summary = _told(case)

    assert {
        ".fetcher/parts/99-00000001.part": "part",
        ".fetcher/parts/99-00000001.memo": "memo",
        f".fetcher/parts/{ids[done.vid]}-00000002.part": "part",
        f".fetcher/parts/{ids[done.vid]}-00000004.part": "part",
        ".fetcher/parts/98-00000005.part": "part",
        ".fetcher/parts/7-00000003.memo~": "draft",
        ".fetcher/sidecar~": "draft",
    } == removed
    assert {"part": 4, "memo": 1, "draft": 2, "quarantine": 0} == summary["files"]
    assert 40_000 <= summary["bytes"] < 80_000, "what has another name frees nothing"
    assert {*kept, "notes.part", "97-00000006.part"} == set(case.parts())
    assert 0 == case.sync("--until-done").returncode
    case.require_right([done, live])
    assert case.fetched_bytes(live) < (8 << 20) + (2 << 20)


def test_f102_a_part_stays_where_an_older_ledger_was_put_back(case: ArchiveCase, tmp_path: Path) -> None:
    """Its number is another video's by then, and done; its memo says whose it is: it is gone on with."""
    filled(case, 1)
    assert 0 == case.run("ledger", "backup", str(tmp_path / "older.db")).returncode
    live = _killed_midway(case, 8 << 20)
    kept = case.parts()
    for path in (case.root / ".fetcher").glob("ledger.db*"):
        path.unlink()
    os.rename(tmp_path / "older.db", case.ledger)

    unnumbered = case.run("prune", "--json")
    (other,) = filled(case, 1)
    numbered = case.run("prune", "--json")
    still_kept = case.parts()
    case.add(live)

    assert [(0, [live.vid])] * 2 == [
        (ran.returncode, json.loads(ran.stdout.splitlines()[-1])["unknown"]) for ran in (unnumbered, numbered)
    ]
    assert "submitted or added again" in unnumbered.stderr
    assert live.vid in unnumbered.stderr
    assert kept == still_kept
    assert 0 == case.sync("--until-done").returncode
    case.require_right([live, other])
    assert case.fetched_bytes(live) < (8 << 20) + (2 << 20)
    assert [] == case.parts()


def test_success_is_silent_and_the_summary_says_what_is_freed(case: ArchiveCase) -> None:
    (case.root / ".fetcher" / "parts" / "99-00000001.part").write_bytes(b"x" * 10_000)

    dry, silent, spoken = case.run("prune", "-n"), case.run("prune"), case.run("-v", "prune", "--vacuum")

    assert "would remove .fetcher/parts/99-00000001.part (12288 bytes)" == dry.stdout.splitlines()[0]
    assert "would remove 1 part (12.0 KiB), 0 events, 0 runs" == dry.stdout.splitlines()[1]
    assert (0, "", "") == (silent.returncode, silent.stdout, silent.stderr)
    assert spoken.stderr.startswith("fetcher: removed no file (0 Bytes), 0 events, 0 runs; the ledger is ")


def test_quarantine_goes_only_where_both_flags_say_so_and_what_is_old(case: ArchiveCase) -> None:
    """Its age is the time there: the file's own may be years older."""
    quarantine = case.root / ".fetcher" / "quarantine"
    (quarantine / "1-2").write_bytes(b"kept")
    os.utime(quarantine / "1-2", (0, 0))
    (quarantine / "of a person").mkdir()

    halves = [case.run("prune", flag).returncode for flag in ("--quarantine", "--older-than=1d")]
    alone, young = _told(case)[0], _told(case, "--quarantine", "--older-than", "1h")[0]
    old = _told(case, "--quarantine", "--older-than", "0s")[0]

    assert [2, 2] == halves
    assert ({}, {}, {".fetcher/quarantine/1-2": "quarantine"}) == (alone, young, old)
    assert ["of a person"] == [path.name for path in quarantine.iterdir()]


def _events(case: ArchiveCase) -> list[tuple[str, str]]:
    with raw(case.ledger) as connection:
        told = "SELECT vid, kind FROM events JOIN videos ON videos.id = video ORDER BY events.id"
        return list(connection.execute(told).fetchall())


def test_of_old_history_the_last_of_each_kind_stays(case: ArchiveCase) -> None:
    """Of done videos; all of those that are not done stays, and all that is young."""
    done, other = stocked(case, 2)
    live, young = stocked(case, 2, first=11)
    with raw(case.ledger) as connection:
        now = int(time.time() * 1000)
        for vid in (done, other, live, young):
            at = now - (5 if vid == young else 500) * _DAY_MS
            for kind in ("LinkPublished", "TransferFailed", "LinkPublished", "TransferFailed", "FileVerified"):
                row = (at, kind, vid)
                connection.execute(
                    "INSERT INTO events (video, at, kind, from_status, to_status)"
                    " SELECT id, ?, ?, 'ready', 'ready' FROM videos WHERE vid = ?",
                    row,
                )
        connection.execute("UPDATE videos SET status = 'wanted' WHERE vid = ?", (live,))
    everything = _events(case)

    unchanged = _told(case, "--keep-history", "501d")[1]["events"]
    dry = _told(case, "-n")[1]["events"]
    before = _events(case)
    summary = _told(case)[1]

    assert (0, 4, 4) == (unchanged, dry, summary["events"])
    assert everything == before
    short = ["LinkPublished", "TransferFailed", "FileVerified"]
    left = _events(case)
    assert [short, short] == [[kind for one, kind in left if one == vid] for vid in (done, other)]
    assert [5, 5] == [sum(one == vid for one, _ in left) for vid in (live, young)]
    assert "FileVerified" in case.run("show", done).stdout


def test_a_dry_run_changes_nothing_and_needs_no_lock(case: ArchiveCase) -> None:
    (case.root / ".fetcher" / "parts" / "99-00000001.part").write_bytes(b"x")
    assert 0 == case.run("status").returncode
    before = contents(case.root)

    assert 0 == case.run("prune", "-n", "--vacuum").returncode

    after = contents(case.root)
    names = {name for name in before.keys() | after.keys() if not name.endswith(("-shm", "-wal"))}
    assert [] == [name for name in names if before.get(name) != after.get(name)]


def test_f100_a_run_and_its_parts_are_left_alone(case: ArchiveCase) -> None:
    """Exit code 11."""
    video = case.simulator.library.add_video(size=300_000, faults=[Fault.drip(rate=60_000)])
    case.add(video)
    running = case.start("sync")
    while not case.parts():
        assert running.poll() is None

    held = case.run("prune", "--vacuum")

    assert (11, True) == (held.returncode, bool(case.parts()))
    assert (b"", b"") == running.communicate(timeout=30)
    case.require_right([video])


def test_a_ledger_gives_its_room_back_and_stays_sound(case: ArchiveCase) -> None:
    """Its copy on the way lies beside it, for it holds links."""
    (vid,) = stocked(case, 1)
    with raw(case.ledger) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
            " INSERT INTO events (video, at, kind, from_status, to_status, detail)"
            " SELECT id, 1, 'LinkPublished', 'ready', 'ready', hex(randomblob(100)) FROM n, videos WHERE vid = ?",
            (vid,),
        )
    large = case.ledger.stat().st_size

    summary = _told(case, "--vacuum")[1]

    assert 19_999 == summary["events"]
    assert summary["ledger_bytes"] > 4_000_000
    assert case.ledger.stat().st_size < large - 4_000_000
    assert 0 == case.run("ledger", "check").returncode
    assert 0o600 == case.ledger.stat().st_mode & 0o777


@pytest.mark.parametrize("moment", range(3))
def test_f01_a_clearing_that_is_killed_is_gone_on_with(case: ArchiveCase, moment: int) -> None:
    """By kill -9, wherever: what is left is sound, and the next one ends it."""
    stocked(case, 30)
    parts = case.root / ".fetcher" / "parts"
    for number in range(2000):
        (parts / f"{90_000 + number}-00000001.part").write_bytes(b"x")
    running = case.start("prune")
    _wait_for_fewer(running, case, 2000 - moment * 900)
    running.kill()
    running.communicate()

    assert 0 == case.run("prune").returncode
    assert [] == case.parts()
    assert 0 == case.run("ledger", "check").returncode
    assert 30 == len(case.files())


def _wait_for_fewer(running: subprocess.Popen[bytes], case: ArchiveCase, count: int) -> None:
    while len(case.parts()) > count and running.poll() is None:
        time.sleep(0.001)
