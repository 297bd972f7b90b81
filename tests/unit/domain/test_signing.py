"""What an answer shows of signing: links that outlive others, and dead ones that come again."""

from dataclasses import replace
from typing import Final

import pytest

from fetcher.domain.link import Link
from fetcher.domain.signing import KnownLink, evidence, is_signed_anew

NOW: Final = 1_750_000_000_000
READY: Final = NOW - 3_600_000
"""When the file was ready."""
SIGNED_S: Final = NOW // 1000 - 1800
HELD: Final = f"https://h/a.mp4?auth_key={SIGNED_S}-held-0-abc"
FRESH: Final = f"https://h/a.mp4?auth_key={NOW // 1000}-fresh-0-abc"
RESIGNED: Final = f"https://h/a.mp4?auth_key={SIGNED_S}-again-0-abc"
ELSEWHERE: Final = f"https://other/a.mp4?auth_key={SIGNED_S}-held-0-abc"
BARE: Final = "https://h/a.mp4"
KNOWN: Final = KnownLink(
    url=HELD, deadline=NOW + 1, success_at=READY, window_ends_at=NOW + 1, told_success_at=READY
)


def shown(
    url: str, known: KnownLink, *, deadline: int | None = NOW + 9, success_at: int | None = READY
) -> bool | None:
    """Return what a link that is given now shows."""
    return is_signed_anew(Link(url=url, obtained_at=NOW, success_at=success_at), deadline, known)


def test_a_link_that_outlives_the_one_that_the_task_gave_before_is_signed_anew() -> None:
    assert shown(FRESH, KNOWN)


@pytest.mark.parametrize(
    "known",
    [
        replace(KNOWN, url=None, deadline=None, success_at=None),
        replace(KNOWN, told_success_at=None),
        replace(KNOWN, told_success_at=READY - 1),
        replace(KNOWN, success_at=READY - 1),
        replace(KNOWN, success_at=None, told_success_at=None),
        replace(KNOWN, deadline=NOW + 9),
        replace(KNOWN, deadline=NOW + 10),
        replace(KNOWN, deadline=None),
        replace(KNOWN, url=BARE),
        replace(KNOWN, url=ELSEWHERE),
        replace(KNOWN, window_ends_at=NOW),
    ],
)
def test_a_link_that_may_be_of_another_task_or_file_or_lives_no_longer_shows_nothing(
    known: KnownLink,
) -> None:
    assert shown(FRESH, known) is None


def test_another_link_with_the_same_stamp_shows_nothing_whatever_is_learned_of_lifetimes() -> None:
    """The vendor's sample is stamped with the moment when the file was ready: another one would live no longer."""
    assert shown(RESIGNED, KNOWN) is None
    assert shown(FRESH, KNOWN, deadline=None) is None
    assert shown(FRESH, KNOWN, success_at=None) is None


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (KNOWN, None),
        (replace(KNOWN, is_expired=True), False),
        (replace(KNOWN, deadline=NOW), False),
        (replace(KNOWN, deadline=None), None),
        (replace(KNOWN, deadline=None, is_expired=True), False),
        (KnownLink(refused_url=HELD, window_ends_at=NOW + 1), None),
        (KnownLink(refused_url=FRESH), None),
        (KnownLink(refused_url=HELD, window_ends_at=NOW), None),
        (replace(KNOWN, deadline=NOW, window_ends_at=NOW), None),
    ],
)
def test_the_identical_link_says_no_where_it_is_dead_and_its_file_is_not(
    known: KnownLink,
    expected: bool | None,  # noqa: FBT001
) -> None:
    assert expected is shown(HELD, known)


@pytest.mark.parametrize(
    ("deadline", "window_ends_at", "expected"),
    [(NOW, NOW + 1, False), (NOW + 1, NOW + 1, None), (None, NOW + 1, None), (NOW, NOW, None)],
)
def test_one_that_was_refused_and_comes_again_says_no_where_it_has_lived(
    deadline: int | None, window_ends_at: int, *, expected: bool | None
) -> None:
    """An access list refuses links that live, too; whoever signs anew need not do so at each question."""
    assert expected is shown(HELD, KnownLink(refused_url=HELD, window_ends_at=window_ends_at), deadline=deadline)


def test_of_one_host_a_single_link_that_is_not_signed_anew_outweighs_all_others() -> None:
    fresh, same = Link(url=FRESH, obtained_at=NOW, success_at=READY), Link(url=HELD, obtained_at=NOW)
    dead = replace(KNOWN, is_expired=True)
    yes, no, nothing = (fresh, NOW + 9, KNOWN), (same, None, dead), (fresh, NOW + 9, KnownLink())

    assert {"h": True} == evidence([nothing, yes, yes, nothing])
    assert {"h": False} == evidence([yes, no]) == evidence([no, yes])
    assert {} == evidence([nothing])


def test_each_host_is_shown_for_itself() -> None:
    fresh = Link(url=FRESH, obtained_at=NOW, success_at=READY)
    other = Link(url=ELSEWHERE, obtained_at=NOW, success_at=READY)
    known = replace(KNOWN, url=ELSEWHERE, is_expired=True)

    assert {"h": True, "other": False} == evidence([(fresh, NOW + 9, KNOWN), (other, None, known)])


def test_no_link_is_repeated_by_what_is_known_of_it() -> None:
    assert "held" not in repr(replace(KNOWN, refused_url=HELD))
