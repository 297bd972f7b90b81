"""A run against an API that misbehaves in one run and behaves in the next, each way by name."""

import pytest
from api_misbehaviours import APIS
from misbehaviours import require_expected, tried
from raw_case import RawCase


@pytest.mark.parametrize("name", APIS)
def test_an_api_that(forked: RawCase, name: str) -> None:
    """F38, F39, F47, F48, F52, F55 to F64, F66, F68: exit code, word, row, bytes, no secret."""
    require_expected(tried(forked, APIS[name]), APIS[name])
