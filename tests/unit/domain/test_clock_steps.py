"""A clock that was set back, told by another one that cannot be."""

from fetcher.domain.clock_steps import ClockSteps


def test_only_a_step_back_is_told_and_once() -> None:
    steps = ClockSteps()
    looks = [(100_000, 1), (101_000, 2), (901_000, 3), (902_000, 4), (302_000, 5), (303_000, 6), (303_500, 7)]

    told = [steps.set_back_ms(wall_ms=wall_ms, monotonic_s=monotonic_s) for wall_ms, monotonic_s in looks]

    assert [0, 0, 0, 0, 601_000, 0, 0] == told


def test_a_step_that_is_asked_about_first_is_told_all_the_same() -> None:
    steps = ClockSteps()
    assert not steps.is_set_back(wall_ms=100_000, monotonic_s=1)
    steps.set_back_ms(wall_ms=100_000, monotonic_s=1)

    assert not steps.is_set_back(wall_ms=100_500, monotonic_s=2)
    assert steps.is_set_back(wall_ms=41_000, monotonic_s=2)
    assert 60_000 == steps.set_back_ms(wall_ms=41_000, monotonic_s=2)
    assert not steps.is_set_back(wall_ms=41_000, monotonic_s=2)
