"""What is counted of how downloads have ended."""

import pytest

from fetcher.domain.events import Event, GivenUp
from fetcher.domain.status import Reason
from fetcher.downloader.orders import TryAgain
from fetcher.sync.ends import Ends

_IN_VAIN = TryAgain(detail="no connection", is_node_down=True)


def test_files_that_nobody_can_be_reached_for_are_counted_once_each() -> None:
    ends = Ends()
    for video_id in (1, 2, 1, 3):
        ends.take(video_id, _IN_VAIN)

    assert {1, 2, 3} == ends.unreached


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(TryAgain(detail="429", is_crowded=True), id="asked for patience"),
        pytest.param(GivenUp(at=0, reason=Reason.GONE, detail="404"), id="gone"),
    ],
)
def test_any_answer_shows_that_the_line_is_there(answer: Event | TryAgain) -> None:
    ends = Ends()
    ends.take(1, _IN_VAIN)
    ends.take(2, answer)

    assert set() == ends.unreached
