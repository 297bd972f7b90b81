"""One rate for all: never more than it, all of it, in equal shares, and an end to waiting at once."""

import heapq
import itertools
import threading
import time
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.errors import TransferStoppedError
from fetcher.transfer.meter import Meter
from fetcher.transfer.pace import Pace, Schedule, jobs_within

_MADE_UP_S = 0.25
_STEPS = st.tuples(st.floats(0, 10), st.integers(1, 1 << 20))
_LONG_S = 20.0


@given(rate=st.integers(1, 1 << 30), steps=st.lists(_STEPS, min_size=1, max_size=30), first=st.integers(0, 29))
def test_no_stretch_of_time_sees_more_than_the_rate_and_what_it_makes_up(
    rate: int, steps: list[tuple[float, int]], first: int
) -> None:
    """Whatever is asked for, and whenever: from the beginning not a byte, later a quarter of a second's worth."""
    schedule, now, booked = Schedule(rate, began_at=0.0), 0.0, []
    for pause, count in steps:
        now += pause
        booked.append((now, count, schedule.book(count, now=now)))

    later = booked[min(first, len(booked) - 1) :]
    due_at = later[-1][2]
    slack = 1e-9 * due_at
    assert sum(count for _, count, _ in later) / rate <= due_at - (later[0][0] - _MADE_UP_S) + slack
    assert sum(count for _, count, _ in booked) / rate <= due_at + slack


@given(rate=st.integers(64, 1 << 30), pause=st.floats(0, _MADE_UP_S - 0.01))
def test_a_short_hindrance_costs_nothing_of_the_rate(rate: int, pause: float) -> None:
    """Between two payments there are reads, writes and digests."""
    schedule, piece, due_at = Schedule(rate, began_at=0.0), rate // 64, 0.0
    for number in range(40):
        due_at = schedule.book(piece, now=due_at + (pause if number == 3 else 0.0))

    assert 40 * piece / rate == pytest.approx(due_at)


def test_a_silence_saves_up_a_quarter_of_a_second_and_no_more() -> None:
    schedule = Schedule(1000, began_at=0.0)

    assert [3600.0, 3600.75] == [schedule.book(250, now=3600.0), schedule.book(750, now=3600.0)]


def _shares(rate: int, line_rates: list[float], *, seconds: float) -> Counter[int]:
    """Return how many bytes each transfer gets whose line brings so many bytes a second; in made-up time."""
    piece = Pace(rate).piece
    schedule, shares = Schedule(rate, began_at=0.0), Counter[int]()
    coming = [(piece / line_rate, number) for number, line_rate in enumerate(line_rates) if line_rate]
    heapq.heapify(coming)
    while coming[0][0] < seconds:
        now, number = heapq.heappop(coming)
        shares[number] += piece
        due_at = max(schedule.book(piece, now=now), now)
        heapq.heappush(coming, (due_at + piece / line_rates[number], number))
    return shares


@pytest.mark.parametrize("rate", [65_536, 1 << 20, 200 << 20])
def test_all_jobs_get_the_same_share(rate: int) -> None:
    shares = _shares(rate, [rate * 10] * 8, seconds=30)

    assert 8 == len(shares)
    assert max(shares.values()) - min(shares.values()) <= 2 * Pace(rate).piece
    assert 30 * rate == pytest.approx(shares.total(), rel=0.01)


def test_what_slow_and_dead_lines_leave_goes_to_the_others() -> None:
    """A line that stands holds back nothing; a slow one gets what it can bring."""
    rate = 1 << 20
    shares = _shares(rate, [0, 0, rate / 100, rate * 10, rate * 10], seconds=30)

    assert {2, 3, 4} == shares.keys()
    assert 30 * rate / 100 == pytest.approx(shares[2], rel=0.2)
    assert shares[3] == pytest.approx(shares[4], rel=0.01)
    assert 30 * rate == pytest.approx(shares.total(), rel=0.01)


@pytest.mark.parametrize(
    ("rate", "piece"), [(1, 1), (63, 1), (65_536, 1024), (64 << 20, 1 << 20), (10 << 30, 1 << 20)]
)
def test_pieces_are_small_at_low_rates_and_never_more_than_the_buffer(rate: int, piece: int) -> None:
    assert piece == Pace(rate).piece


@pytest.mark.parametrize(("rate", "jobs"), [(None, 8), (1, 1), (8192, 1), (20_000, 2), (65_536, 8), (200 << 20, 8)])
def test_at_tiny_rates_fewer_transfers_run_so_that_none_looks_dead(rate: int | None, jobs: int) -> None:
    assert jobs == jobs_within(rate, 8)


def test_many_threads_together_keep_within_the_rate() -> None:
    rate, jobs, seconds = 4 << 20, 8, 0.5
    pace, stopped, counted = Pace(rate), threading.Event(), Counter[int]()
    began = time.monotonic()

    def transfer(number: int) -> None:
        while not stopped.is_set():
            pace.wait(pace.piece, stopped=stopped)
            counted[number] += 0 if stopped.is_set() else pace.piece

    threads = [threading.Thread(target=transfer, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    came, took = counted.total(), time.monotonic() - began
    stopped.set()
    for thread in threads:
        thread.join()

    assert jobs == len([share for share in counted.values() if share])
    assert came <= rate * took


def test_f08_an_abort_ends_the_waiting_of_whoever_owes_for_hours() -> None:
    meter = Meter(pace=Pace(1))
    transfer = threading.Thread(target=meter.add, args=(100_000,), daemon=True)
    transfer.start()
    while meter.fetched < 100_000:
        time.sleep(0.001)

    meter.abort(TransferStoppedError("enough"))
    transfer.join(_LONG_S)

    assert not transfer.is_alive()
    with pytest.raises(TransferStoppedError):
        meter.raise_if_aborted()


def test_f46_nothing_is_expected_of_the_origin_while_the_rate_is_waited_for() -> None:
    meter = Meter(pace=Pace(1))
    meter.is_receiving = True
    transfer = threading.Thread(target=meter.add, args=(100_000,), daemon=True)
    transfer.start()

    until = time.monotonic() + _LONG_S
    while meter.is_receiving:
        assert time.monotonic() < until
        time.sleep(0.001)
    meter.abort(TransferStoppedError("enough"))
    transfer.join(_LONG_S)

    assert meter.is_receiving


def test_many_small_transfers_pay_too() -> None:
    """Each is less than a piece; together they are what the rate gives in a quarter of a second."""
    rate = 64_000
    began = time.monotonic()
    pace = Pace(rate)
    for _ in range(160):
        meter = Meter(pace=pace)
        meter.add(pace.piece // 10)
        meter.settle()

    assert time.monotonic() - began >= 160 * (pace.piece // 10) / rate


def test_a_transfer_may_read_what_it_has_not_paid_for_up_to_a_piece() -> None:
    ticks = itertools.count(0.0, 1000.0)
    meter = Meter(pace=Pace(64_000, monotonic=ticks.__next__))

    allowances = []
    for count in (300, 600, 100, 1000):
        allowances.append(meter.allowance)
        meter.add(count)

    assert [1000, 700, 100, 1000] == allowances
    assert Meter().allowance is None
