from collections.abc import Iterator
from pathlib import Path

import pytest
from archive_case import ArchiveCase, archive_case


@pytest.fixture
def case(tmp_path: Path) -> Iterator[ArchiveCase]:
    """An empty archive and a simulator."""
    with archive_case(tmp_path / "archive") as made:
        yield made
