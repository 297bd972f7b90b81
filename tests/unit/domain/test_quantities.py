"""Sizes and durations as people write them."""

import math

import pytest

from fetcher.domain.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("500", 500),
        ("1k", 1024),
        ("20M", 20 << 20),
        ("1.5G", 3 << 29),
        ("2 TiB", 2 << 40),
        ("7KB", 7168),
        (" 1G ", 1 << 30),
        ("9007199254740993", 9007199254740993),
    ],
)
def test_sizes_are_powers_of_1024_to_the_byte(text: str, expected: int) -> None:
    assert expected == parse_size(text)


@pytest.mark.parametrize("text", ["", "G", "-1", "1e3", "1,5G", "20m", "5X", "1G2", "٣", "nan", "inf", "9" * 400])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no size; write 500M"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("90s", 90),
        ("50m", 3000),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("1d1h1m1s", 90061),
        ("0", 0),
    ],
)
def test_durations_add_up(text: str, expected: float) -> None:
    assert expected == parse_duration(text)


@pytest.mark.parametrize("text", ["", " ", "m", "-1h", "1m1h", "1 h", "1H", "soon", "1e3", "inf", "9" * 400])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration; write 90s"):
        parse_duration(text)


@pytest.mark.parametrize("text", [f"{size}{unit}" for size in ("1", "999999999999999999.5") for unit in "dhms"])
def test_every_duration_is_a_finite_number(text: str) -> None:
    assert math.isfinite(parse_duration(text))
