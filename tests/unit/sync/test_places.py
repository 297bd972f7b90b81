"""How many downloads may be under way where links would die otherwise."""

import pytest

from fetcher.settings import Settings
from fetcher.sync.outcome import Options
from fetcher.sync.wiring import most_jobs, most_places


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
    assert expected == most_places(Settings(limit_rate=limit_rate, jobs=jobs, jobs_max=jobs), options, jobs)


@pytest.mark.parametrize(
    ("limit_rate", "open_files_for", "expected"),
    [("", None, (32, 56)), ("", 40, (32, 40)), ("", 20, (20, 20)), ("", 3, (8, 8)), ("100K", None, (12, 12))],
)
def test_a_run_grows_as_far_as_files_and_rate_allow_and_leaves_places_for_links_that_would_die(
    limit_rate: str, open_files_for: int | None, expected: tuple[int, int]
) -> None:
    settings, options = Settings(limit_rate=limit_rate), Options(most_places=open_files_for)
    assert expected == (most_jobs(settings, options, 8), most_places(settings, options, 8))
