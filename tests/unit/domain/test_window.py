"""What comes of a video whose thaw window has closed."""

import pytest

from fetcher.domain.events import GivenUp, WindowClosed
from fetcher.domain.status import Reason
from fetcher.domain.window import MOST_RESUBMITS, after_window

CLOSED = WindowClosed(at=1, detail="cold")


def test_a_person_is_told_what_to_type() -> None:
    event = after_window(CLOSED, vid="abc_1", resubmits=0, was_done=False, resubmit_expired=False)

    assert isinstance(event, GivenUp)
    assert (Reason.WINDOW_CLOSED, "cold; ask for it again: fetcher submit abc_1") == (event.reason, event.detail)


@pytest.mark.parametrize(("resubmits", "expected"), [(0, WindowClosed), (MOST_RESUBMITS - 1, WindowClosed)])
def test_where_it_may_be_asked_for_again_it_is(resubmits: int, expected: type[object]) -> None:
    assert expected is type(
        after_window(CLOSED, vid="v", resubmits=resubmits, was_done=False, resubmit_expired=True)
    )


def test_not_for_ever() -> None:
    """Each task costs."""
    assert isinstance(
        after_window(CLOSED, vid="v", resubmits=MOST_RESUBMITS, was_done=False, resubmit_expired=True), GivenUp
    )


def test_what_was_archived_once_is_not_asked_for_again_by_itself() -> None:
    """Somebody has taken the file away, and nobody has said that it is to be paid for a second time."""
    assert isinstance(after_window(CLOSED, vid="v", resubmits=0, was_done=True, resubmit_expired=True), GivenUp)
