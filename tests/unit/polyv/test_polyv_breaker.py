"""When Polyv is left alone, and when it is asked again."""

import asyncio

import pytest

from fetcher.domain.errors import CredentialsRefusedError, PolyvBlockedError, PolyvUnavailableError
from fetcher.polyv.breaker import CircuitBreaker


class _Time:
    """A monotonic clock that stands still until it is moved."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> _Time:
    return _Time()


@pytest.fixture
def breaker(time: _Time) -> CircuitBreaker:
    return CircuitBreaker(monotonic=time)


def _fail(breaker: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(PolyvUnavailableError, match="dead"), breaker.guard():
            raise PolyvUnavailableError("dead")


def _succeed(breaker: CircuitBreaker) -> None:
    with breaker.guard():
        pass


def test_five_unanswered_calls_in_a_row_open_it(breaker: CircuitBreaker) -> None:
    _fail(breaker, 5)

    with pytest.raises(PolyvBlockedError, match="300 s"):
        _succeed(breaker)
    assert 300.0 == breaker.retry_in_s()


def test_an_answer_in_between_starts_the_count_again(breaker: CircuitBreaker) -> None:
    _fail(breaker, 4)
    _succeed(breaker)
    _fail(breaker, 4)

    assert 0.0 == breaker.retry_in_s()


def test_a_refusal_is_an_answer(breaker: CircuitBreaker) -> None:
    _fail(breaker, 4)
    with pytest.raises(CredentialsRefusedError), breaker.guard():
        raise CredentialsRefusedError("no")
    _fail(breaker, 4)

    assert 0.0 == breaker.retry_in_s()


def test_a_cancelled_call_says_nothing(breaker: CircuitBreaker) -> None:
    _fail(breaker, 4)
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError
    _fail(breaker)

    assert 300.0 == breaker.retry_in_s()


def test_it_opens_for_as_long_as_it_says(breaker: CircuitBreaker, time: _Time) -> None:
    """F53."""
    _fail(breaker, 5)

    time.now += 299.0
    with pytest.raises(PolyvBlockedError, match=" 1 s"):
        _succeed(breaker)
    time.now += 1.0
    _succeed(breaker)


def test_one_trial_at_a_time(breaker: CircuitBreaker, time: _Time) -> None:
    _fail(breaker, 5)
    time.now += 300.0

    with breaker.guard(), pytest.raises(PolyvBlockedError):
        _succeed(breaker)
    assert 0.0 == breaker.retry_in_s()


def test_a_trial_that_is_answered_closes_it_for_good(breaker: CircuitBreaker, time: _Time) -> None:
    _fail(breaker, 5)
    time.now += 300.0
    _succeed(breaker)
    _fail(breaker, 4)

    assert 0.0 == breaker.retry_in_s()


def test_a_trial_that_fails_opens_it_anew(breaker: CircuitBreaker, time: _Time) -> None:
    """F53."""
    _fail(breaker, 5)
    time.now += 400.0
    _fail(breaker)

    assert 300.0 == breaker.retry_in_s()


def test_a_trial_that_was_cancelled_leaves_room_for_the_next(breaker: CircuitBreaker, time: _Time) -> None:
    _fail(breaker, 5)
    time.now += 300.0
    with pytest.raises(asyncio.CancelledError), breaker.guard():
        raise asyncio.CancelledError

    _succeed(breaker)
    assert 0.0 == breaker.retry_in_s()


def test_late_ends_of_earlier_calls_neither_prolong_nor_end_the_block(breaker: CircuitBreaker, time: _Time) -> None:
    answered, failing = breaker.guard(), breaker.guard()
    answered.__enter__()
    failing.__enter__()
    _fail(breaker, 5)
    time.now += 100.0

    answered.__exit__(None, None, None)
    late = PolyvUnavailableError("late")
    assert not failing.__exit__(PolyvUnavailableError, late, None)

    assert 200.0 == breaker.retry_in_s()
