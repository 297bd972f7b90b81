"""What is learned from looks at a growing count."""

import pytest

from fetcher.domain.throughput import Throughput


def _watched(*pieces: tuple[float, int, bool]) -> Throughput:
    """Look at pieces of time: seconds, bytes that come in them, whether anything is under way at their end."""
    throughput, now, fetched = Throughput(), 100.0, 0
    throughput.look(now=now, fetched=fetched, is_busy=False)
    for seconds, came, is_busy in pieces:
        now, fetched = now + seconds, fetched + came
        throughput.look(now=now, fetched=fetched, is_busy=is_busy)
    return throughput


def test_a_steady_line_is_known_by_its_rate() -> None:
    throughput = _watched(*[(0.2, 1000, True)] * 50)

    assert pytest.approx(5000) == throughput.bytes_per_s
    assert pytest.approx(5000) == throughput.measured
    assert pytest.approx(10) == throughput.busy_s


def test_idle_time_counts_for_nothing() -> None:
    """A minute of questions to Polyv between two halves of a download."""
    throughput = _watched(*[(1.0, 7000, True)] * 5, (60.0, 0, False), *[(1.0, 7000, True)] * 5)

    assert pytest.approx(7000) == throughput.bytes_per_s
    assert pytest.approx(7000) == throughput.measured


def test_a_line_that_becomes_slow_is_noticed_within_half_a_minute() -> None:
    throughput = _watched(*[(1.0, 10_000, True)] * 60, *[(1.0, 1000, True)] * 30)

    assert throughput.bytes_per_s is not None
    assert 1000 < throughput.bytes_per_s < 4000
    assert throughput.measured is not None
    assert throughput.measured > 5000


def test_too_little_tells_nothing() -> None:
    throughput = _watched((0.5, 100_000, True))

    assert (None, None) == (throughput.bytes_per_s, throughput.measured)


def test_f40_an_origin_that_takes_long_to_answer_has_no_slow_line() -> None:
    """Two seconds to the first bytes, in one look with few of them: by those, all that is ready would be lost."""
    wait, first, steady = [(0.2, 0, True)] * 10, [(0.2, 100, True)], [(0.2, 2000, True)] * 10

    assert _watched(*wait, *first, *steady[:3]).bytes_per_s is None
    throughput = _watched(*wait, *first, *steady, (9.0, 0, False), *wait, *first, *steady)
    assert pytest.approx(10_000) == throughput.bytes_per_s
    assert pytest.approx(10_000) == throughput.measured


def test_a_line_that_stands_is_no_line_of_rate_zero() -> None:
    assert _watched(*[(1.0, 0, True)] * 10).bytes_per_s is None


def test_what_earlier_runs_had_holds_until_there_is_something_newer() -> None:
    throughput = _watched((0.5, 100_000, True))
    throughput.known = 123.0
    assert throughput.bytes_per_s == pytest.approx(123)

    throughput.look(now=101.5, fetched=200_000, is_busy=True)

    assert throughput.bytes_per_s is not None
    assert throughput.bytes_per_s > 100_000


def test_an_outage_makes_no_line_slower() -> None:
    """A minute without a byte, then as before: whoever plans by it does not call everything lost meanwhile."""
    steady = [(1.0, 1000, True)] * 30
    still = [(1.0, 0, True)] * 60

    assert pytest.approx(1000) == _watched(*steady, *still).bytes_per_s
    assert pytest.approx(1000) == _watched(*steady, *still, *steady).bytes_per_s
    assert pytest.approx(60) == _watched(*steady, *still, *steady).busy_s


def test_a_line_whose_bytes_come_in_gusts_is_as_fast_as_they_are_together() -> None:
    """Looks between two of them see nothing come; that is time of work all the same."""
    gust = [(0.2, 0, True)] * 19 + [(0.2, 4000, True)]

    assert pytest.approx(1000, rel=0.01) == _watched(*gust * 10).bytes_per_s
