"""What an answer does to a video: the whole table of what stands and what is said."""

import itertools
from typing import Final

import pytest

from fetcher.domain.events import Event, LinkPublished, PreparationFailed, TaskNamed
from fetcher.domain.link import Link
from fetcher.domain.observation import Observation, Standing, event_of
from fetcher.domain.status import Preparation, Status
from fetcher.domain.transitions import TRANSITIONS

INIT, PROCESS, SUCCESS, FAIL, UNKNOWN = Preparation
WANTED, WAITING, READY, DONE, FAILED = Status
FRESH: Final = "https://h/a.mp4?auth_key=fresh"
HELD: Final = "https://h/a.mp4?auth_key=held"
REFUSED: Final = "https://h/a.mp4?auth_key=refused"
LINKS: Final = (None, FRESH, HELD, REFUSED)
TABLE: Final = list(itertools.product(Status, Preparation, LINKS, (True, False), (True, False)))


def outcome(status: Status, said: Preparation, url: str | None, *, is_news: bool, hope: bool) -> Event | None:
    """Return what an answer does to a video that holds or was refused a link."""
    link = None if url is None else Link(url=url, obtained_at=1)
    return event_of(
        Observation(vid="v", said=said, raw=said.value, link=link, deadline=9),
        Standing(
            status=status,
            link=HELD if status is READY else None,
            refused_link=REFUSED,
            is_news=is_news,
            has_other_hope=hope,
            deadline=7,
        ),
        task_id="task",
        now=5,
        expire_days=7,
    )


def due(status: Status, said: Preparation, url: str | None, *, is_news: bool, hope: bool) -> type[Event] | None:
    """Say the rules once more, as a person would."""
    if status is DONE:
        return None
    if said is FAIL:
        return PreparationFailed if status in (WANTED, WAITING) and not hope else None
    if said is SUCCESS and url is not None:
        is_known = url == REFUSED or (url == HELD and status is READY)
        return None if is_known or (status is FAILED and not is_news) else LinkPublished
    return TaskNamed if status is WANTED or (status is FAILED and is_news) else None


@pytest.mark.parametrize(("status", "said", "url", "is_news", "hope"), TABLE)
def test_each_answer_does_to_each_video_what_the_rules_say(
    status: Status,
    said: Preparation,
    url: str | None,
    is_news: bool,  # noqa: FBT001
    hope: bool,  # noqa: FBT001
) -> None:
    """F57 to F61: null, unknown, FAIL, backwards, and a link without SUCCESS."""
    event = outcome(status, said, url, is_news=is_news, hope=hope)

    assert due(status, said, url, is_news=is_news, hope=hope) == (None if event is None else type(event))
    assert event is None or (status, type(event)) in TRANSITIONS


@pytest.mark.parametrize(("said", "url", "is_news", "hope"), [row[1:] for row in TABLE if row[0] is DONE])
def test_a_done_video_never_leaves(said: Preparation, url: str | None, is_news: bool, hope: bool) -> None:  # noqa: FBT001
    """F61: what Polyv says later may be less than what it said before."""
    assert outcome(DONE, said, url, is_news=is_news, hope=hope) is None


@pytest.mark.parametrize("said", [INIT, PROCESS, FAIL, UNKNOWN])
def test_a_ready_video_never_loses_its_link_to_an_answer(said: Preparation) -> None:
    """F61."""
    assert outcome(READY, said, None, is_news=True, hope=False) is None


@pytest.mark.parametrize(
    ("held_until", "fresh_until", "is_refused", "expected"),
    [
        (10_000_000, 20_000_000, False, False),
        (10_000_000, 20_000_000, True, True),
        (300_000, 20_000_000, False, True),
        (300_000, 200_000, False, False),
        (300_000, None, False, True),
        (None, 20_000_000, False, False),
        (None, None, True, True),
    ],
)
def test_a_link_is_replaced_when_it_is_refused_or_about_to_die(
    held_until: int | None,
    fresh_until: int | None,
    is_refused: bool,  # noqa: FBT001
    expected: bool,  # noqa: FBT001
) -> None:
    """Each answer signs a whole task anew; what changes nothing is not written down."""
    link = Link(url=FRESH, obtained_at=1)
    event = event_of(
        Observation(vid="v", said=SUCCESS, raw="SUCCESS", link=link, deadline=fresh_until),
        Standing(
            status=READY,
            link=HELD,
            is_news=False,
            has_other_hope=False,
            deadline=held_until,
            is_link_refused=is_refused,
        ),
        task_id="task",
        now=5,
        expire_days=7,
    )
    assert expected == isinstance(event, LinkPublished)


@pytest.mark.parametrize(("given_at", "expected"), [(9_600_000, True), (9_300_000, False)])
def test_f66_how_long_a_link_has_to_live_is_told_by_the_clock_of_the_answer(
    given_at: int, *, expected: bool
) -> None:
    """This machine's may be hours behind: each question for a fresh link would be in vain."""
    link = Link(url=FRESH, obtained_at=given_at)
    event = event_of(
        Observation(vid="v", said=SUCCESS, raw="SUCCESS", link=link, deadline=20_000_000),
        Standing(status=READY, link=HELD, is_news=False, has_other_hope=False, deadline=10_000_000),
        task_id="task",
        now=1_000_000,
        expire_days=7,
    )
    assert expected == isinstance(event, LinkPublished)


def test_an_event_carries_what_the_answer_said() -> None:
    event = outcome(WAITING, SUCCESS, FRESH, is_news=True, hope=False)
    assert LinkPublished(at=5, task_id="task", link=Link(url=FRESH, obtained_at=1), deadline=9, start_by=9) == event


@pytest.mark.parametrize(
    ("said", "url", "is_final"),
    [
        (SUCCESS, FRESH, True),
        (SUCCESS, None, False),
        (FAIL, None, True),
        (PROCESS, None, False),
        (INIT, None, False),
        (UNKNOWN, None, False),
    ],
)
def test_only_a_link_or_a_fail_is_a_last_word(said: Preparation, url: str | None, is_final: bool) -> None:  # noqa: FBT001
    """F58, F59: an unknown word and a SUCCESS without a usable link are asked about again."""
    link = None if url is None else Link(url=url, obtained_at=1)
    assert is_final == Observation(vid="v", said=said, raw="", link=link).is_final


@pytest.mark.parametrize(
    ("status", "closed_success_at", "success_at", "expected"),
    [
        (WANTED, 100, 100, False),
        (WAITING, 100, 90, False),
        (WAITING, 100, 101, True),
        (WAITING, 100, None, True),
        (WANTED, None, 90, True),
    ],
)
def test_a_link_of_the_window_that_was_found_closed_is_not_taken(
    status: Status,
    closed_success_at: int | None,
    success_at: int | None,
    expected: bool,  # noqa: FBT001
) -> None:
    """F35: its old task goes on signing links for a file that has gone cold."""
    event = event_of(
        Observation(
            vid="v", said=SUCCESS, raw="SUCCESS", link=Link(url=FRESH, obtained_at=200, success_at=success_at)
        ),
        Standing(status=status, is_news=True, has_other_hope=False, closed_success_at=closed_success_at),
        task_id="task",
        now=500,
        expire_days=7,
    )

    assert expected == isinstance(event, LinkPublished)


def test_a_link_says_until_when_its_file_is_thawed() -> None:
    event = event_of(
        Observation(vid="v", said=SUCCESS, raw="SUCCESS", link=Link(url=FRESH, obtained_at=200, success_at=90)),
        Standing(status=WAITING, is_news=True, has_other_hope=False),
        task_id="task",
        now=500,
        expire_days=2,
    )

    assert isinstance(event, LinkPublished)
    assert 90 + 2 * 86_400_000 == event.window_ends_at
