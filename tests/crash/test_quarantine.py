"""Damaged files on their way to quarantine: what is told of one is where it is, whatever call fails."""

import errno
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_case import ArchiveCase, archive_case
from crash.runs import Runs, runs_under
from crash.shim import Injection, Mode
from verify_cases import filled, flip, place

from fetcher.simulator.library import Video

_DAMAGE = 9


@pytest.fixture
def case(tmp_path: Path) -> Iterator[ArchiveCase]:
    with archive_case(tmp_path / "archive") as made:
        yield made


@pytest.fixture
def harmed(case: ArchiveCase) -> Video:
    """Return a done video whose file has changed."""
    (video,) = filled(case, 1)
    flip(place(case, video))
    return video


@pytest.fixture(scope="module")
def runs(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    with runs_under(shim, tmp_path_factory.mktemp("runs")) as made:
        yield made


def _repaired(case: ArchiveCase, runs: Runs, only: str) -> tuple[dict[str, str | None], str]:
    """Verify while the first call of a kind fails; return what is told of the file, and stderr."""
    failing = Injection(mode=Mode.FAIL, point=1, error=errno.EIO, only=only)
    ran = runs.run("verify", "--repair", "--json", root=case.root, environ=case.environ, injection=failing)
    assert _DAMAGE == ran.code, ran.stderr
    finding, summary = map(json.loads, ran.stdout.splitlines())
    assert (finding["action"] == "put_back") == (summary["put_back"] == 1)
    return finding, ran.stderr


def test_f07_f78_a_flush_that_fails_when_the_file_is_moved_is_told_and_it_counts_as_moved(
    case: ArchiveCase, harmed: Video, runs: Runs
) -> None:
    before = place(case, harmed).read_bytes()

    finding, said = _repaired(case, runs, "fsync:.fetcher/quarantine")

    (kept,) = (case.root / ".fetcher" / "quarantine").iterdir()
    where = kept.relative_to(case.root).as_posix()
    assert ("put_back", True) == (finding["action"], f"kept as {where}" in (finding["detail"] or ""))
    assert f"{harmed.vid}.mp4 is {where} now, but the disk does not say that this is for good" in said
    assert "stays where it is" not in said
    assert before == kept.read_bytes()
    assert 0 == case.sync("--until-done").returncode
    case.require_right([harmed])


def test_f78_a_file_that_cannot_be_moved_stays_and_is_not_fetched_again(
    case: ArchiveCase, harmed: Video, runs: Runs
) -> None:
    finding, said = _repaired(case, runs, "rename:.fetcher/quarantine")

    assert (None, "done") == (finding["action"], case.rows()[harmed.vid]["status"])
    assert f"{harmed.vid}.mp4 stays where it is, and is not fetched again" in said
    assert place(case, harmed).exists()
