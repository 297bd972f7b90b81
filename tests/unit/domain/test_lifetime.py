"""How long links live, learned from what was seen of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.lifetime import Lifetime, Lifetimes

HOUR = 3_600_000
HALF = 1_800
"""Seconds, as configured."""


def test_where_nothing_was_seen_the_configuration_holds() -> None:
    assert HALF == Lifetime().seconds(HALF)


@pytest.mark.parametrize(
    ("worked_ms", "refused_ms", "expected"),
    [
        (None, None, 1800),
        (600_000, None, 1800),
        (HOUR, None, 3600),
        (None, HOUR, 1800),
        (None, 900_000, 900),
        (600_000, 900_000, 900),
        (HOUR, 2 * HOUR, 3600),
    ],
)
def test_what_was_seen_corrects_the_configuration_and_no_more(
    worked_ms: int | None, refused_ms: int | None, expected: int
) -> None:
    assert expected == Lifetime(worked_ms=worked_ms, refused_ms=refused_ms).seconds(HALF)


def test_the_oldest_that_worked_and_the_youngest_that_was_refused_are_kept() -> None:
    seen = Lifetime().after_working(HOUR).after_working(HOUR // 2).after_refusal(3 * HOUR).after_refusal(4 * HOUR)

    assert Lifetime(worked_ms=HOUR, refused_ms=3 * HOUR) == seen


def test_an_older_link_that_works_takes_back_what_a_refusal_seemed_to_say() -> None:
    seen = Lifetime().after_refusal(HOUR).after_working(2 * HOUR)

    assert Lifetime(worked_ms=2 * HOUR) == seen


def test_a_lifetime_that_was_made_shorter_is_learned() -> None:
    seen = Lifetime().after_working(2 * HOUR).after_refusal(HOUR + 1)

    assert HOUR + 1 == seen.refused_ms
    assert (3600, 3600) == (seen.seconds(HALF), seen.seconds(10 * HALF))


@pytest.mark.parametrize("age_ms", [-1, 0, 59_999, 31 * 24 * HOUR])
def test_a_refusal_that_no_age_can_explain_teaches_nothing(age_ms: int) -> None:
    """F38: dead at birth, or a clock that is wrong."""
    assert Lifetime() == Lifetime().after_refusal(age_ms)


def test_a_refusal_far_below_what_has_worked_teaches_nothing() -> None:
    seen = Lifetime().after_working(10 * HOUR)

    assert seen == seen.after_refusal(HOUR)


def _refused(lifetimes: Lifetimes, *ages_ms: int) -> int:
    for age_ms in ages_ms:
        lifetimes.refused("h", age_ms)
    return lifetimes.seconds("h")


def test_three_refusals_far_below_what_has_worked_are_believed() -> None:
    """A day was made half an hour, or a clock was wrong by hours when old links seemed to work."""
    lifetimes = Lifetimes(10 * HALF, {"h": Lifetime(worked_ms=24 * HOUR, signs_anew=False)})

    assert 24 * 3600 == _refused(lifetimes, HOUR, HOUR // 2 + 1000)
    assert 1802 == _refused(lifetimes, HOUR // 2 + 2000)
    assert {"h": Lifetime(refused_ms=HOUR // 2 + 2000, signs_anew=False)} == lifetimes.take_news()


def test_refusals_between_which_links_so_old_go_on_working_are_not() -> None:
    """One node's clock is wrong; the others' are right."""
    lifetimes = Lifetimes(HALF, {"h": Lifetime(worked_ms=24 * HOUR)})

    for _ in range(5):
        assert 24 * 3600 == _refused(lifetimes, HOUR, HOUR)
        lifetimes.worked("h", HOUR + 1)


@pytest.mark.parametrize("age_ms", [-5, 31 * 24 * HOUR])
def test_an_age_that_cannot_be_teaches_nothing(age_ms: int) -> None:
    """F38: a stamp that is a moment of expiry, or a clock that is wrong."""
    assert Lifetime() == Lifetime().after_working(age_ms)


@given(st.lists(st.tuples(st.booleans(), st.integers(-HOUR, 40 * 24 * HOUR))))
def test_whatever_is_seen_in_whatever_order_the_lifetime_is_one(seen: list[tuple[bool, int]]) -> None:
    """Contradictions included: never 0, never below what would make every link at risk at once."""
    known = Lifetime()
    for is_good, age_ms in seen:
        known = known.after_working(age_ms) if is_good else known.after_refusal(age_ms)

        assert 60 <= known.seconds(HALF) <= 30 * 86_400
        if known.worked_ms is not None and known.refused_ms is not None:
            assert known.worked_ms < known.refused_ms


def test_small_steps_are_no_news() -> None:
    lifetimes = Lifetimes(HALF)
    lifetimes.worked("h", HOUR)
    assert {"h": Lifetime(worked_ms=HOUR)} == lifetimes.take_news()

    lifetimes.worked("h", HOUR + 1000)
    assert {} == lifetimes.take_news()

    lifetimes.worked("h", 2 * HOUR)
    assert {"h": Lifetime(worked_ms=2 * HOUR)} == lifetimes.take_news()


def test_each_host_has_its_own() -> None:
    lifetimes = Lifetimes(HALF, {"a": Lifetime(worked_ms=2 * HOUR)})
    lifetimes.refused("b", 900_000)

    assert (7200, 900, HALF) == tuple(map(lifetimes.seconds, "abc"))


def test_what_this_run_has_seen_counts_before_what_the_ledger_says() -> None:
    lifetimes = Lifetimes(HALF)
    lifetimes.worked("a", 3 * HOUR)
    lifetimes.know({"a": Lifetime(worked_ms=2 * HOUR), "b": Lifetime(worked_ms=HOUR)})

    assert (3 * 3600, 3600) == (lifetimes.seconds("a"), lifetimes.seconds("b"))
    assert {"a": Lifetime(worked_ms=3 * HOUR)} == lifetimes.take_news()


def test_whether_links_are_signed_anew_is_the_latest_word_and_outlasts_what_is_learned_of_their_age() -> None:
    lifetimes = Lifetimes(HALF)
    assert (frozenset(), (HALF, False)) == (lifetimes.signing_anew(), lifetimes.rule("a"))

    lifetimes.signed("a", is_anew=False)
    lifetimes.signed("a", is_anew=True)
    lifetimes.worked("a", 2 * HOUR)
    lifetimes.refused("a", 3 * HOUR)
    assert (frozenset("a"), (7200, True)) == (lifetimes.signing_anew(), lifetimes.rule("a"))

    lifetimes.signed("a", is_anew=False)
    assert (frozenset(), (7200, False)) == (lifetimes.signing_anew(), lifetimes.rule("a"))


def test_a_word_about_signing_is_news_and_the_same_word_is_not() -> None:
    lifetimes = Lifetimes(HALF, {"a": Lifetime(signs_anew=True)})
    lifetimes.signed("a", is_anew=True)
    lifetimes.signed("b", is_anew=False)

    assert {"b": Lifetime(signs_anew=False)} == lifetimes.take_news()
    assert {"a": Lifetime(signs_anew=True), "b": Lifetime(signs_anew=False)} == lifetimes.written()
