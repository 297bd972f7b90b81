"""How many downloads may be under way where links would die otherwise."""

import pytest

from fetcher.settings import Settings
from fetcher.sync.outcome import Options
from fetcher.sync.wiring import most_places


@pytest.mark.parametrize(
    ("limit_rate", "open_files_for", "jobs", "expected"),
    [
        ("", None, 8, 32),
        ("", 20, 8, 20),
        ("", 8, 8, 8),
        ("", 3, 8, 8),
        ("16K", None, 2, 2),
        ("100K", None, 8, 12),
        ("20M", None, 8, 32),
    ],
)
def test_places_beyond_the_usual_ones_have_files_and_a_rate_that_is_no_silence(
    limit_rate: str, open_files_for: int | None, jobs: int, expected: int
) -> None:
    """Two lines of 8 KiB/s are all that 16 KiB/s allow: origins hang up on those that hardly read."""
    options = Options(most_places=open_files_for)
    assert expected == most_places(Settings(limit_rate=limit_rate), options, jobs)
