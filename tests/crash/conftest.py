"""Fixtures of the crash tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from crash.lanes import Lane, Lanes, lanes_in
from crash.shim import build_shim


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built shim."""
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="session")
def lanes(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lanes]:
    """Yield places to run in under the shim."""
    with lanes_in(tmp_path_factory.mktemp("crash"), shim) as made:
        yield made


@pytest.fixture
def lane(lanes: Lanes) -> Iterator[Lane]:
    """Yield one of them, with an archive at its beginning."""
    with lanes.one() as one:
        one.begin()
        yield one


@pytest.fixture(scope="session")
def total(lanes: Lanes) -> int:
    """Return how many calls a run makes that nothing happens to."""
    with lanes.one() as one:
        one.begin()
        ended = one.sync()
        assert (0, "") == (ended.code, ended.stderr)
        one.library.require_all_done(one.root, one.scratch)
    return ended.calls
