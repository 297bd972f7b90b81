import pytest

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.observation import Observation
from fetcher.domain.status import Preparation
from fetcher.poller import Poller
from fetcher.polyv.tasks import TaskAnswer, parse_task

_BORN_AT = 1694663401000
_NOW = 1_700_000_000_000
_VID = "1b448be32370f4822ac40fd926112a66_1"
_LINK = (
    "https://video-dl-2.videocc.net/1b448be323/6/a.mp4?auth_key=1694663401-3iwFnV2uJx-ac59aff03d-c71c8c4e01284d89"
)


class _Answers:
    """A source of answers, read by the real parser."""

    def __init__(self, rows: object) -> None:
        self._rows = rows

    async def get_task(self, task_id: str) -> TaskAnswer:
        del task_id
        return parse_task(self._rows)


async def _seen(rows: object, *, loopback_too: bool = False) -> tuple[list[Observation], list[str]]:
    warned: list[str] = []
    poller = Poller(
        source=_Answers(rows),
        now=lambda: _NOW,
        lifetime_s=lambda _: 1800,
        loopback_too=loopback_too,
        warn=warned.append,
    )
    return await poller.ask("task-0001"), warned


def _row(**changed: object) -> dict[str, object]:
    row = {
        "vid": _VID,
        "url": _LINK,
        "status": "SUCCESS",
        "createTime": 1694663401000,
        "successTime": 1694663401000,
    }
    return {**row, **changed}


async def test_a_success_with_a_link_has_a_deadline() -> None:
    (one,), warned = await _seen([_row()])

    assert (Preparation.SUCCESS, True, 1694663401000 + 1_800_000) == (one.said, one.is_final, one.deadline)
    assert one.link is not None
    assert (_LINK, _NOW, 1694663401000) == (one.link.url, one.link.obtained_at, one.link.success_at)
    assert [] == warned


@pytest.mark.parametrize(
    "url", [None, "", "/a.mp4", "ftp://h/a", "file:///etc/passwd", "https://h/a b", "https://h/\r\nX: y"]
)
async def test_a_success_without_a_usable_link_is_not_final(url: str | None) -> None:
    """F59: nothing is downloaded, and Polyv is asked again."""
    (one,), _ = await _seen([_row(url=url)])

    assert (None, False) == (one.link, one.is_final)


@pytest.mark.parametrize(("loopback_too", "expected"), [(False, False), (True, True)])
async def test_http_to_loopback_counts_only_where_the_api_is(loopback_too: bool, expected: bool) -> None:  # noqa: FBT001
    (one,), _ = await _seen([_row(url="http://127.0.0.1:9/a.mp4")], loopback_too=loopback_too)

    assert expected == (one.link is not None)


@pytest.mark.parametrize("status", ["EXPIRED", "success ", None, 3])
async def test_an_unknown_status_is_kept_and_told(status: object) -> None:
    """F58: never an end."""
    (one,), warned = await _seen([_row(status=status, url=None)])

    assert (Preparation.UNKNOWN, False) == (one.said, one.is_final)
    assert 1 == len(warned)


@pytest.mark.parametrize("rows", [None, []])
async def test_no_rows_are_no_news(rows: object) -> None:
    assert ([], []) == await _seen(rows)


async def test_an_unusable_row_does_not_cost_the_others() -> None:
    """F57: one bad row is told and left out."""
    rows = ["what?", {"vid": "../../etc/x"}, _row()]

    seen, warned = await _seen(rows)

    assert [_VID] == [one.vid for one in seen]
    assert 2 == len(warned)


async def test_an_answer_that_is_no_list_is_an_error() -> None:
    with pytest.raises(PolyvUnavailableError):
        await _seen({"vid": _VID})
