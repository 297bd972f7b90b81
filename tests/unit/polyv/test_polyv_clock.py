"""What a Date header says about our clock."""

import pytest

from fetcher.polyv.clock import PolyvClock, offset_from_date

_NOON = "Thu, 14 Sep 2023 12:00:00 GMT"
_NOON_S = 1_694_692_800.0


def test_the_offset_is_taken_from_the_middle_of_the_trip() -> None:
    assert 300.0 == offset_from_date(_NOON, None, sent_at=_NOON_S - 302, received_at=_NOON_S - 298)


@pytest.mark.parametrize("off_s", [-1e9, -3600.0, 0.0, 3600.0, 5e8])
def test_an_offset_may_be_large_either_way(off_s: float) -> None:
    assert -off_s == offset_from_date(_NOON, None, sent_at=_NOON_S + off_s, received_at=_NOON_S + off_s)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "yesterday",
        "0",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Thu, 14 Sep 9999 12:00:00 GMT",
        "Thu, 99 Sep 2023 12:00:00 GMT",
        "Thu, 14 Sep 99999999999999999999 12:00:00 GMT",
    ],
)
def test_a_date_that_no_clock_shows_corrects_nothing(header: str | None) -> None:
    """F68."""
    assert offset_from_date(header, None, sent_at=_NOON_S, received_at=_NOON_S) is None


def test_a_cached_answer_corrects_nothing() -> None:
    """F68."""
    assert offset_from_date(_NOON, "0", sent_at=_NOON_S, received_at=_NOON_S) is None


@pytest.mark.parametrize("took_s", [-1.0, 121.0])
def test_a_trip_without_a_middle_corrects_nothing(took_s: float) -> None:
    assert offset_from_date(_NOON, None, sent_at=_NOON_S, received_at=_NOON_S + took_s) is None


def test_a_date_without_a_zone_is_universal_time() -> None:
    assert 0.0 == offset_from_date(_NOON.replace("GMT", "-0000"), None, sent_at=_NOON_S, received_at=_NOON_S)


def test_the_clock_counts_milliseconds_and_obeys_the_latest_correction() -> None:
    clock = PolyvClock(lambda: 1000.5)
    assert 1_000_500 == clock.now_ms()

    clock.correct(100.0)
    clock.correct(-0.25)

    assert (1_000_250, 1000.5, -0.25) == (clock.now_ms(), clock.uncorrected_s(), clock.offset_s)


@pytest.mark.parametrize(
    ("offset", "trip_s", "expected"),
    [
        (60, 0.1, 60),
        (-180, 2, -180),
        (1.04, 0.1, 0),
        (1.06, 0.1, 1.06),
        (5, 10, 0),
        (186, 0.1, 0),
        (-86_400, 0.1, 0),
    ],
)
def test_f68_an_accepted_time_is_put_right_where_the_answer_tells_it_surely(
    offset: float, trip_s: float, expected: float
) -> None:
    """Not by less than an answer can tell, nor by more than Polyv would have accepted."""
    clock = PolyvClock(lambda: 0.0)
    clock.settle(offset, trip_s=trip_s)
    assert expected == clock.offset_s
