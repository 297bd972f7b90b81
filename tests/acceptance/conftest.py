from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_case import ArchiveCase, archive_case
from crash.runs import Runs, runs_under
from raw_case import RawCase, prepared_archive, raw_case


@pytest.fixture
def case(tmp_path: Path) -> Iterator[ArchiveCase]:
    """An empty archive and a simulator."""
    with archive_case(tmp_path / "archive") as made:
        yield made


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that knows one task."""
    return prepared_archive(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def raw(prepared: Path, tmp_path: Path) -> Iterator[RawCase]:
    """A copy of it, with an API and an origin on raw sockets that behave."""
    with raw_case(prepared, tmp_path / "archive") as made:
        yield made


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """What runs commands by forking a process that has loaded them: in a third of the time."""
    with runs_under(None, tmp_path_factory.mktemp("runs")) as made:
        yield made


@pytest.fixture
def forked(raw: RawCase, runs: Runs) -> RawCase:
    """The same as ``raw``, for tests of many cases: its commands are loaded once."""
    raw.runs = runs
    return raw
