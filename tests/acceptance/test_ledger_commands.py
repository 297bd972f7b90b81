"""'ledger check', 'backup' and 'upgrade' as they are called; a ledger that is put back, and what comes of it."""

import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_case import ArchiveCase
from ledger_cases import at_revision, raw
from ledger_faults import fill_with_done, spoil_page

from fetcher.ledger.schema import REVISIONS
from fetcher.simulator.faults import Fault


def test_check_is_silent_where_all_is_in_order_and_names_what_is_not(case: ArchiveCase) -> None:
    """F78, F98: nothing for cron's mail; else each finding on stdout, one line on stderr, exit code 9."""
    cut, gone, right = (case.simulator.library.add_video() for _ in range(3))
    case.add(cut, gone, right)
    assert 0 == case.sync().returncode

    silent, told = case.run("ledger", "check"), case.run("-v", "ledger", "check")
    os.truncate(case.root / f"{cut.vid}.mp4", 10)
    (case.root / f"{gone.vid}.mp4").rename(case.root / "moved.mp4")
    found, as_json = case.run("ledger", "check"), case.run("ledger", "check", "--json")
    healed = case.sync("--until-done")

    assert (0, "", "") == (silent.returncode, silent.stdout, silent.stderr)
    assert "3 done files are as the ledger says" in told.stderr
    assert (9, 9) == (found.returncode, as_json.returncode)
    assert [f"wrong_size  {cut.vid} {cut.vid}.mp4: 10 bytes instead of {cut.size}"] == [
        line for line in found.stdout.splitlines() if cut.vid in line
    ]
    (line,) = found.stderr.splitlines()
    assert "'fetcher verify' tells what was only moved; 'fetcher sync' fetches again" in line
    *findings, summary = map(json.loads, as_json.stdout.splitlines())
    assert {("wrong_size", cut.vid), ("missing", gone.vid)} == {(one["kind"], one["vid"]) for one in findings}
    assert {
        "type": "summary",
        "exit_code": 9,
        "done_files": 3,
        "unknown_files": 1,
        "findings": {"wrong_size": 1, "missing": 1},
    } == summary
    assert 0 == healed.returncode
    case.require_right([cut, gone, right])
    assert 1 == len(case.simulator.requests.of(right.vid))


def test_a_damaged_ledger_is_told_by_check_and_not_copied(case: ArchiveCase, tmp_path: Path) -> None:
    """F73: exit code 10 for both, the ledger as it was, and no copy that would pass for a good one."""
    case.add(case.simulator.library.add_video())
    spoil_page(case.ledger, "ix_tasks_due")
    before = case.ledger.read_bytes()

    checked = case.run("ledger", "check")
    copied = case.run("ledger", "backup", str(tmp_path / "copy.db"))

    assert (10, 10) == (checked.returncode, copied.returncode)
    assert "damaged" in checked.stderr
    assert "no copy was made" in copied.stderr
    assert ([], before) == (list(tmp_path.glob("copy.db*")), case.ledger.read_bytes())


def _cut(ledger: Path) -> None:
    os.truncate(ledger, ledger.stat().st_size // 2)


def _blank(ledger: Path) -> None:
    """Put zeros in the place of every third page, as a disk that lost them does."""
    with ledger.open("r+b") as file:
        for start in range(40 * 4096, ledger.stat().st_size, 3 * 4096):
            file.seek(start)
            file.write(bytes(4096))


@pytest.mark.parametrize(
    ("harm", "told", "named"),
    [
        (
            lambda ledger: spoil_page(ledger, "videos"),
            "table videos, or an index of it, ",
            True,
        ),
        (
            lambda ledger: spoil_page(ledger, "alembic_version"),
            "table alembic_version, or an index of it, ",
            True,
        ),
        (
            lambda ledger: spoil_page(ledger, "sqlite_schema"),
            "the list of its tables cannot be read",
            True,
        ),
        (_blank, "table videos, or an index of it, ", True),
        (_cut, "It was cut: ", False),
    ],
    ids=["a table", "the version", "the list of tables", "every third page", "half of it"],
)
def test_f73_what_is_damaged_is_named_and_what_to_do(
    case: ArchiveCase, harm: Callable[[Path], object], told: str, *, named: bool
) -> None:
    """F73: which tables, as far as SQLite can tell, in a bounded list; then what to do, and the newest copy."""
    fill_with_done(case.ledger, first=1, last=2000)
    with raw(case.ledger) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    older, newer = (f"ledger.db.before-{one}.000000" for one in ("0009-20250101T000000", "0008-20260101T000000"))
    for name in (older, newer, f"{newer}.unfinished"):
        case.ledger.with_name(name).touch()
    harm(case.ledger)
    before = case.ledger.read_bytes()

    ended, as_json = case.run("ledger", "check"), case.run("ledger", "check", "--json")

    assert (10, 10, before) == (ended.returncode, as_json.returncode, case.ledger.read_bytes())
    assert told in (ended.stdout if named else ended.stderr)
    assert len(ended.stdout.splitlines()) <= 110
    assert "fetcher ledger rebuild" in ended.stderr
    assert ended.stderr.endswith(f"The newest copy that an upgrade left beside it is {newer}.\n")
    if named:
        *findings, summary = map(json.loads, as_json.stdout.splitlines())
        assert {"ledger"} == {one["kind"] for one in findings}
        assert {"ledger": len(findings)} == summary["findings"]


def test_a_run_may_be_under_way(case: ArchiveCase, tmp_path: Path) -> None:
    """F76: what it claims and fetches is no finding; a copy made meanwhile is whole by itself, and private."""
    case.add(
        *(case.simulator.library.add_video(size=6_000_000, faults=[Fault.drip(rate=60_000)]) for _ in range(3))
    )
    running = case.start("sync")
    while not case.parts():
        assert running.poll() is None

    checked = case.run("ledger", "check")
    before = os.umask(0)
    try:
        copied = case.run("ledger", "backup", str(tmp_path / "copy.db"))
    finally:
        os.umask(before)
    assert running.poll() is None
    running.kill()
    running.communicate()

    assert (0, "") == (checked.returncode, checked.stdout)
    assert (0, "", "") == (copied.returncode, copied.stdout, copied.stderr)
    assert ["copy.db"] == [path.name for path in tmp_path.glob("copy.db*")]
    assert 0o600 == stat.S_IMODE((tmp_path / "copy.db").stat().st_mode)
    with raw(tmp_path / "copy.db") as connection:
        assert [(3,)] == connection.execute("SELECT count(*) FROM videos WHERE lease_owner IS NOT NULL").fetchall()


def test_a_backup_overwrites_nothing_and_a_dry_run_makes_none(case: ArchiveCase, tmp_path: Path) -> None:
    """Nor is a link followed; what cannot be made is told with exit code 2."""
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_text("precious")
    link.symlink_to(tmp_path / "made-through-a-link")

    refused = [case.run("ledger", "backup", str(path)) for path in (there, link, tmp_path / "no" / "such")]
    dry = case.run("ledger", "backup", "-n", str(tmp_path / "copy.db"))

    assert [2, 2, 2] == [one.returncode for one in refused]
    assert ("precious", True) == (there.read_text(), link.is_symlink())
    assert (0, True) == (dry.returncode, "would copy" in dry.stdout)
    assert {"there", "link", "archive"} == {path.name for path in tmp_path.iterdir()}


def _put_back(copy: Path, case: ArchiveCase) -> None:
    """Restore a ledger as README.md says."""
    for end in ("", "-wal", "-shm"):
        Path(f"{case.ledger}{end}").unlink(missing_ok=True)
    shutil.copy2(copy, case.ledger)


def test_a_ledger_that_is_put_back_is_brought_up_to_the_archive(case: ArchiveCase, tmp_path: Path) -> None:
    """F76: what was done before the copy stays done, what came after is kept in place, what is off is told."""
    before, removed, after, later = (case.simulator.library.add_video(size=100_000) for _ in range(4))
    case.add(before, removed)
    assert 0 == case.sync().returncode
    task_id = case.add(after)
    assert 0 == case.run("ledger", "backup", str(tmp_path / "copy.db")).returncode
    late_task_id = case.add(later)
    assert 0 == case.sync().returncode
    (case.root / f"{removed.vid}.mp4").unlink()
    in_place = {path: (case.root / path).stat().st_ino for path in case.files()}
    case.ledger.write_bytes(os.urandom(8192))
    assert 10 == case.sync().returncode

    _put_back(tmp_path / "copy.db", case)
    checked = case.run("ledger", "check", "--json")
    again = case.run("add", task_id, late_task_id)
    synced = case.sync("--until-done")

    *findings, summary = map(json.loads, checked.stdout.splitlines())
    assert [("missing", removed.vid)] == [(one["kind"], one["vid"]) for one in findings]
    assert (9, 2) == (checked.returncode, summary["unknown_files"])
    assert (0, 0) == (again.returncode, synced.returncode)
    case.require_right([before, removed, after, later])
    assert in_place.items() <= {path: (case.root / path).stat().st_ino for path in case.files()}.items()
    assert 0 == case.run("ledger", "check").returncode
    assert [1, 2] == [len(case.simulator.requests.of(video.vid)) for video in (before, removed)]


def test_f74_an_older_ledger_is_upgraded_when_it_is_told_to_and_a_copy_of_it_stays(case: ArchiveCase) -> None:
    case.ledger.unlink()
    at_revision(case.ledger, REVISIONS[-2]).close()

    dry = case.run("ledger", "upgrade", "-n")
    before = [path.name for path in case.ledger.parent.glob("ledger.db.before-*")]
    upgraded, again = case.run("ledger", "upgrade"), case.run("-v", "ledger", "upgrade")

    assert (0, []) == (dry.returncode, before)
    assert f"would upgrade {case.ledger} from schema {REVISIONS[-2]} to {REVISIONS[-1]}" in dry.stdout
    (copy,) = case.ledger.parent.glob("ledger.db.before-*")
    told = f"{case.ledger} is of schema {REVISIONS[-1]} now; as it was, of {REVISIONS[-2]}, it is {copy.name}\n"
    assert (0, told, "") == (upgraded.returncode, upgraded.stdout, upgraded.stderr)
    assert (0, "") == (again.returncode, again.stdout)
    assert f"schema {REVISIONS[-1]}" in again.stderr
    for path, revision in ((case.ledger, REVISIONS[-1]), (copy, REVISIONS[-2])):
        with raw(path) as connection:
            assert [(revision,)] == connection.execute("SELECT version_num FROM alembic_version").fetchall()


@pytest.mark.parametrize("version", [("9999",), ()], ids=["newer", "none"])
def test_f74_a_newer_ledger_and_one_without_a_schema_are_not_upgraded(
    case: ArchiveCase, version: tuple[str, ...]
) -> None:
    with raw(case.ledger) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.executemany("INSERT INTO alembic_version VALUES (?)", [(one,) for one in version])
    before = case.ledger.read_bytes()

    refused = case.run("ledger", "upgrade")

    assert (10, "", before) == (refused.returncode, refused.stdout, case.ledger.read_bytes())
    assert 1 == len(refused.stderr.splitlines())
