"""The installed command against an API that misbehaves in one run and behaves in the next, each way by name."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path

import pytest
from api_misbehaviours import APIS
from misbehaviours import Trial, chosen, require_expected, trials_of

_AT_ONCE = 16
"""Between two questions most of them wait."""


@pytest.fixture(scope="module")
def trials(
    request: pytest.FixtureRequest, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Trial]]]:
    """Yield what comes of those that are asked for."""
    with trials_of(chosen(request, APIS), prepared, tmp_path_factory.mktemp("apis"), at_once=_AT_ONCE) as begun:
        yield begun


@pytest.mark.parametrize("name", APIS)
def test_an_api_that(trials: Mapping[str, Future[Trial]], name: str) -> None:
    """F38, F39, F47, F48, F52, F55 to F64, F66, F68: exit code, word, row, bytes, no secret."""
    require_expected(trials[name].result(), APIS[name])
