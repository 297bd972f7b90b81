"""A run against an origin that misbehaves in one run and behaves in the next, each way by name."""

import pytest
from misbehaviours import require_expected, tried
from origin_misbehaviours import ORIGINS
from raw_case import RawCase


@pytest.mark.parametrize("name", ORIGINS)
def test_an_origin_that(forked: RawCase, name: str) -> None:
    """F12 to F29, F31 to F35, F37, F42 to F46, F48, F52, F54: exit code, word, row, bytes, no secret."""
    require_expected(tried(forked, ORIGINS[name]), ORIGINS[name])
