"""What a verification makes of a ledger and an archive that change while it is at work; and how much it holds."""

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from ledger_cases import NOW, SHA256, opened, raw, vid
from ledger_faults import fill_with_done
from sqlalchemy import Connection
from verify_cases import HOUR_MS

from fetcher.archive.home import Home
from fetcher.archive.quarantine import quarantine
from fetcher.archive.rereading import glance
from fetcher.domain.errors import ConflictError, StorageError
from fetcher.domain.verification import DoneFile, Kind
from fetcher.ledger.engine import Database
from fetcher.ledger.verifying import keep_verified, move, want_again
from fetcher.upkeep.course import Wish
from fetcher.upkeep.findings import Finding
from fetcher.upkeep.gone import Gone
from fetcher.upkeep.verifying import Verifying

_EMPTY: Final = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture(name="home")
def _home(tmp_path: Path) -> Home:
    """An archive with three done videos of one byte."""
    home = Home(tmp_path)
    home.parts.mkdir(parents=True)
    home.quarantine.mkdir()
    with opened(home.dot) as ledger:
        fill_with_done(ledger.path, first=1, last=3)
        with raw(ledger.path) as connection:
            connection.execute("UPDATE videos SET size = 0, sha256 = ?, verified_at = id", (_EMPTY,))
    for number in (1, 2, 3):
        (tmp_path / f"{number}.mp4").touch()
    return home


@pytest.fixture(name="ledger")
def _ledger(home: Home) -> Iterator[Database]:
    with opened(home.dot) as ledger:
        yield ledger


def done(number: int) -> DoneFile:
    """Return a done file as the ledger has it."""
    return DoneFile(video_id=number, vid=f"{number:032}_1", path=f"{number}.mp4", size=0, sha256=_EMPTY)


def rows_of(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Return rows of a ledger."""
    with raw(path) as connection:
        return connection.execute(query).fetchall()


def verified(home: Home, ledger: Database, wish: Wish, *, before: Callable[[int], None]) -> list[Finding]:
    """Verify; *before* is called before each look at the ledger, with its number."""
    looks = iter(range(1, 1000))

    @contextlib.contextmanager
    def reading() -> Iterator[Connection]:
        before(next(looks))
        with ledger.reading() as connection:
            yield connection

    return list(Verifying(home, reading, ledger.writing, wish, jobs=1, now=lambda: NOW).findings())


@pytest.mark.parametrize(("look", "is_quick"), [*((look, False) for look in range(1, 6)), (1, True), (2, True)])
def test_what_the_ledger_takes_back_meanwhile_is_no_damage(
    home: Home, ledger: Database, look: int, *, is_quick: bool
) -> None:
    """A run noticed that a file was cut, or another verification did: before it is told, whenever that is."""
    (home.root / "2.mp4").write_bytes(b"x")

    def take_back(number: int) -> None:
        if number == look:
            with raw(ledger.path) as connection:
                connection.execute("UPDATE videos SET status = 'wanted' WHERE id = 2")

    assert [] == verified(home, ledger, Wish(is_quick=is_quick), before=take_back)


def test_what_the_ledger_takes_back_before_it_is_told_is_not_missing(home: Home, ledger: Database) -> None:
    """As the look is over, and what is gone is looked up once more."""
    (home.root / "2.mp4").unlink()

    def take_back(number: int) -> None:
        if number == 4:
            with raw(ledger.path) as connection:
                connection.execute("UPDATE videos SET status = 'wanted' WHERE id = 2")

    assert [] == verified(home, ledger, Wish(is_quick=True), before=take_back)


def test_a_file_that_goes_after_the_first_look_is_told_once(home: Home, ledger: Database) -> None:
    """When its turn to be read comes; and it is not put back, for it may be the whole disk that is going."""

    def take_away(number: int) -> None:
        if number == 4:  # All are looked at by then: two pages of rows, and one of names.
            (home.root / "2.mp4").unlink()

    findings = verified(home, ledger, Wish(repairs=True), before=take_away)

    assert [(Kind.MISSING, "2.mp4", None)] == [(one.kind, one.path, one.action) for one in findings]
    with raw(ledger.path) as connection:
        assert [("done",)] == connection.execute("SELECT DISTINCT status FROM videos").fetchall()


def test_f67_a_clock_that_steps_back_meanwhile_has_nothing_read_twice(home: Home, ledger: Database) -> None:
    """One that runs eight hours ahead until it is set would have all read again and again for as long."""
    most = 1100  # More than are written down together.
    fill_with_done(ledger.path, first=4, last=most)
    with raw(ledger.path) as connection:
        connection.execute("UPDATE videos SET size = 0, sha256 = ?, verified_at = id", (_EMPTY,))
    for (path,) in rows_of(ledger.path, "SELECT path FROM videos"):
        (home.root / path).touch()
    clock = itertools.chain([NOW], range(NOW - 8 * HOUR_MS, NOW - 8 * HOUR_MS + 3 * most), itertools.repeat(NOW))
    verifying = Verifying(home, ledger.reading, ledger.writing, Wish(), jobs=1, now=lambda: next(clock))

    assert [] == list(verifying.findings())

    assert most == verifying.course.tally.files_read
    assert [(NOW, NOW)] == rows_of(ledger.path, "SELECT min(verified_at), max(verified_at) FROM videos")


@pytest.mark.parametrize("wish", [Wish(repairs=True), Wish(repairs=True, is_forced=True)])
def test_f81_where_the_disk_goes_meanwhile_nothing_is_put_back(home: Home, ledger: Database, wish: Wish) -> None:
    """However few its files are: an empty mount point says nothing of them, and Polyv would be paid again."""
    mounted = Home(home.root / "mounted")
    mounted.dot.mkdir(parents=True)

    def unmount(number: int) -> None:
        if number == 1:
            mounted.root.rename(home.root / "elsewhere")
            mounted.root.mkdir()

    with pytest.raises(StorageError, match="still mounted"):
        verified(mounted, ledger, wish, before=unmount)

    assert [("done",)] == rows_of(ledger.path, "SELECT DISTINCT status FROM videos")


def test_f106_a_file_that_is_moved_back_meanwhile_is_where_it_was(home: Home, ledger: Database) -> None:
    """The ledger takes in no place where nothing is."""
    (home.root / "2.mp4").rename(home.root / "two.mp4")

    def move_back(number: int) -> None:
        if number == 5:
            (home.root / "two.mp4").rename(home.root / "2.mp4")

    findings = verified(home, ledger, Wish(accepts_moves=True), before=move_back)

    assert [(Kind.MOVED, "2.mp4", None)] == [(one.kind, one.path, one.action) for one in findings]
    assert [("2.mp4",)] == rows_of(ledger.path, "SELECT path FROM videos WHERE id = 2")


def test_verified_is_only_what_still_has_the_digest_that_was_read(ledger: Database) -> None:
    with ledger.writing() as connection:
        keep_verified(connection, [(1, _EMPTY, NOW), (2, SHA256, NOW), (99, _EMPTY, NOW)])
    with raw(ledger.path) as connection:
        assert [(NOW,), (2,), (3,)] == connection.execute("SELECT verified_at FROM videos ORDER BY id").fetchall()


def test_put_back_is_only_what_is_as_it_was_looked_at(ledger: Database) -> None:
    """And what stands in the row of a done file goes with it."""
    with raw(ledger.path) as connection:
        connection.execute("UPDATE videos SET path = 'x', path_key = 'x' WHERE id = 2")
        connection.execute("UPDATE videos SET status = 'waiting' WHERE id = 3")
    with ledger.writing() as connection:
        assert {1} == want_again(connection, [(done(number), "gone") for number in (1, 2, 3)], now=NOW)
    with raw(ledger.path) as connection:
        told = "SELECT status, sha256, done_at, verified_at, detail, path FROM videos WHERE id = 1"
        assert ("wanted", None, None, None, "gone", "1.mp4") == connection.execute(told).fetchone()


def test_a_path_that_another_video_has_is_not_given_twice(ledger: Database) -> None:
    """However it is spelled."""
    with ledger.writing() as connection:
        assert not move(connection, done(1), "2.MP4", "2.mp4", now=NOW)
        assert move(connection, done(1), "Art/1.mp4", "art/1.mp4", now=NOW)
        assert not move(connection, done(1), "Art/2.mp4", "art/2.mp4", now=NOW), "it is not where it was"


def test_quarantine_overwrites_nothing_and_takes_only_what_was_looked_at(home: Home) -> None:
    (home.root / "1.mp4").write_text("damaged")
    name = f"v-{(home.root / '1.mp4').stat().st_ino}"
    (home.quarantine / name).write_text("older")
    (home.quarantine / f"{name}-2").symlink_to("nowhere")
    seen = glance(home.root, "1.mp4")

    kept = quarantine(home, "1.mp4", vid="v", identity=seen.identity)
    (home.root / "1.mp4").write_text("repaired by hand")
    with pytest.raises(ConflictError):
        quarantine(home, "1.mp4", vid="v", identity=seen.identity)

    assert f".fetcher/quarantine/{name}-3" == kept
    assert ("damaged", "older") == ((home.root / kept).read_text(), (home.quarantine / name).read_text())
    assert "repaired by hand" == (home.root / "1.mp4").read_text()


def test_f78_a_move_to_quarantine_that_was_broken_off_is_gone_on_with(home: Home) -> None:
    """Between its two names: the file is kept once, not twice."""
    file = home.root / "1.mp4"
    file.write_text("damaged")
    os.link(file, home.quarantine / f"v-{file.stat().st_ino}")

    kept = quarantine(home, "1.mp4", vid="v", identity=glance(home.root, "1.mp4").identity)

    assert [(home.root / kept).name] == os.listdir(home.quarantine)
    assert ("damaged", False) == ((home.root / kept).read_text(), file.exists())


def test_what_is_missing_is_found_by_id_and_told_apart(home: Home) -> None:
    gone = Gone()
    del home
    for number in (2, 5, 9):
        gone.add(DoneFile(video_id=number, vid=vid(number), path="", size=number, sha256=f"{number % 7:064x}"))

    assert [2, 5, 9] == [number for number in range(12) if number in gone]
    assert [False, True] == [gone.found("a", "f" * 64), gone.found("b", f"{5:064x}")]
    assert gone.found("c", f"{2:064x}")
    places = {number: gone.place(number) for number in (2, 5, 9)}
    assert [("c", False), ("b", True), None] == [
        place and (place.path, place.is_certain) for place in places.values()
    ], "2 and 9 have the same bytes"


_VERIFY: Final = """
import resource, sys
from pathlib import Path
from fetcher.archive.home import Home
from fetcher.ledger.opening import open_ledger
from fetcher.upkeep.course import Wish
from fetcher.upkeep.verifying import Verifying
home = Home(Path(sys.argv[1]))
ledger = open_ledger(home.ledger)
verifying = Verifying(home, ledger.reading, ledger.writing, Wish(is_quick=True), jobs=1, now=lambda: 10)
print(sum(1 for _ in verifying.findings()))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_rows(home: Home) -> None:
    """F103: page by page, even where every file is missing. FETCHER_TEST_ROWS sets how many rows."""
    rows, peaks_kib = int(os.environ.get("FETCHER_TEST_ROWS", "30000")), []
    shutil.rmtree(home.quarantine)
    for first, last in ((10, 1000), (1001, rows)):
        fill_with_done(home.ledger, first=first, last=last)
        ran = subprocess.run([sys.executable, "-c", _VERIFY, home.root], capture_output=True, text=True, check=True)
        findings, peak_kib = map(int, ran.stdout.split())
        assert last - 9 == findings
        peaks_kib.append(peak_kib)

    assert peaks_kib[1] < peaks_kib[0] + 24 * 1024
