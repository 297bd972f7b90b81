"""The installed command against an origin that misbehaves in one run and behaves in the next, each way by name."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest
from misbehaviours import Trial, chosen, require_expected, trials_of
from origin_misbehaviours import ORIGINS

_AT_ONCE = 3


@pytest.fixture(scope="module")
def trials(
    request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Trial]]]:
    """Yield what comes of those that are asked for."""
    with trials_of(
        chosen(request, ORIGINS), prepared, tmp_path_factory.mktemp("origins"), at_once=_AT_ONCE
    ) as begun:
        yield begun


@pytest.mark.parametrize("name", ORIGINS)
def test_an_origin_that(trials: Mapping[str, Future[Trial]], name: str) -> None:
    """F12 to F29, F31 to F35, F37, F42 to F46, F48, F52, F54: exit code, word, row, bytes, no secret."""
    require_expected(trials[name].result(), ORIGINS[name])
