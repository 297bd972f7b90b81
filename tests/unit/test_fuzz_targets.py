"""The targets of the fuzzing by hand hold for what it begins with: they are run by nobody else day by day."""

import pytest
from fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_for_what_its_fuzzing_begins_with(name: str) -> None:
    target, beginnings = TARGETS[name]
    for beginning in beginnings:
        for data in (beginning, beginning[:-1], beginning[1:], beginning * 2, b""):
            target(data)
