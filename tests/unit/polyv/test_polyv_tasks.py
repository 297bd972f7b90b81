"""What Polyv says about a task, taken as tolerantly as it has to be."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.status import Preparation
from fetcher.polyv.tasks import TaskAnswer, TaskItem, parse_task, parse_task_id

_VID = "1b448be32370f4822ac40fd926112a66_1"
_OTHER = "1b448be32305bb29879b1eb06abd9fa1_1"
_LINK = "https://video-dl-2.videocc.net/1b448be323/6/a.mp4?auth_key=1694663401-x-y-ac59"
_MS = 1_694_663_401_000
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
_ROWS = st.fixed_dictionaries(
    {},
    optional={
        "vid": st.sampled_from([_VID, _OTHER]) | _JSON,
        "status": st.sampled_from(list(Preparation)) | _JSON,
        "url": _JSON,
        "createTime": _JSON,
        "successTime": _JSON,
    },
)


def _row(**fields: Any) -> dict[str, Any]:
    return {"vid": _VID, "url": None, "status": "INIT", "createTime": None, "successTime": None} | fields


def _only(row: dict[str, Any]) -> TaskItem:
    answer = parse_task([row])
    assert () == answer.odd
    (item,) = answer.items
    return item


def test_reads_the_vendors_sample() -> None:
    ready = _row(url=_LINK, status="SUCCESS", createTime=_MS, successTime=_MS)
    waiting = _row(vid=_OTHER, status="PROCESS", createTime=_MS)

    assert (
        TaskItem(
            vid=_VID,
            status=Preparation.SUCCESS,
            raw_status="SUCCESS",
            url=_LINK,
            created_at=_MS,
            success_at=_MS,
        ),
        TaskItem(
            vid=_OTHER,
            status=Preparation.PROCESS,
            raw_status="PROCESS",
            url=None,
            created_at=_MS,
            success_at=None,
        ),
    ) == parse_task([ready, waiting]).items


@pytest.mark.parametrize("data", [None, []])
def test_nothing_yet_is_no_error(data: Any) -> None:
    """F57."""
    assert TaskAnswer(items=(), odd=()) == parse_task(data)


@pytest.mark.parametrize("data", [{}, {"vid": _VID}, "SUCCESS", 3, True])
def test_anything_but_a_list_is_no_answer(data: Any) -> None:
    """F57."""
    with pytest.raises(PolyvUnavailableError):
        parse_task(data)


@pytest.mark.parametrize(
    "row", [None, 3, "x\n", [], {}, _row(vid=None), _row(vid=7), _row(vid=""), _row(vid="../\x1b[2J"), _row(vid={})]
)
def test_an_unusable_row_costs_nothing_but_itself(row: Any) -> None:
    """F57."""
    answer = parse_task([row, _row(vid=_OTHER)])

    assert [_OTHER] == [item.vid for item in answer.items]
    assert 1 == len(answer.odd)
    assert answer.odd[0].isprintable()
    assert "row 1" in answer.odd[0]


def test_many_unusable_rows_are_not_all_named() -> None:
    odd = parse_task([1] * 100_000).odd

    assert (21, "and 99980 more") == (len(odd), odd[-1])


@pytest.mark.parametrize(
    ("status", "raw"),
    [("EXPIRED", "EXPIRED"), ("success", "success"), (None, "null"), (3, "3"), ([], "a list"), ("\x07", "\\u0007")],
)
def test_an_unknown_status_is_kept_as_it_came(status: Any, raw: str) -> None:
    """F58."""
    item = _only(_row(status=status))

    assert (Preparation.UNKNOWN, raw) == (item.status, item.raw_status)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (_MS, _MS),
        (str(_MS), _MS),
        (1_694_663_401, _MS),
        ("1694663401", _MS),
        (1_694_663_401.5, _MS + 500),
        (None, None),
        (0, None),
        (-_MS, None),
        (True, None),
        ("", None),
        ("2023-09-14 12:00:00", None),
        ("9" * 5000, None),
        (1e308, None),
        (float("nan"), None),
        (1_262_303_999_999, None),
        (1_262_304_000_000, 1_262_304_000_000),
        (4_102_444_800_001, None),
        ([], None),
    ],
)
def test_times_are_ms_or_seconds_or_nothing(value: Any, expected: int | None) -> None:
    """F64."""
    item = _only(_row(createTime=value, successTime=value))

    assert (expected, expected) == (item.created_at, item.success_at)


@pytest.mark.parametrize("url", [None, "", 3, [], {"url": _LINK}])
def test_a_link_is_a_text_or_none(url: Any) -> None:
    """F59."""
    assert _only(_row(url=url)).url is None


def test_a_link_does_not_show_in_a_repr() -> None:
    assert "auth_key" not in repr(parse_task([_row(url=_LINK)]))


def test_of_two_rows_for_one_video_the_one_that_says_most_counts() -> None:
    """F63."""
    by_value: list[dict[str, Any]] = [
        _row(status="SUCCESS", url=_LINK),
        _row(status="SUCCESS"),
        _row(status="PROCESS"),
        _row(status="INIT"),
        _row(status="FAIL"),
        _row(status="odd"),
    ]
    for more, less in pairwise(by_value):
        expected = parse_task([more])
        assert expected == parse_task([more, less])
        assert expected == parse_task([less, more])


def test_a_missing_field_is_as_good_as_null() -> None:
    """F57."""
    item = _only({"vid": _VID})

    assert (Preparation.UNKNOWN, None, None, None) == (item.status, item.url, item.created_at, item.success_at)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=_JSON | st.lists(_ROWS | _JSON))
def test_anything_at_all_gives_printable_rows_or_an_error_of_ours(data: Any) -> None:
    try:
        answer = parse_task(data)
    except PolyvUnavailableError as error:
        assert str(error).isprintable()  # noqa: PT017 - the property is about whatever is raised
    else:
        assert all(text.isprintable() for text in (*answer.odd, *(item.raw_status for item in answer.items)))
        assert len({item.vid for item in answer.items}) == len(answer.items)


def test_a_created_task_has_its_id() -> None:
    assert "16661c08b9564c1ea6f4544ccd568e58" == parse_task_id({"taskId": "16661c08b9564c1ea6f4544ccd568e58"})


@pytest.mark.parametrize(
    "data", [None, [], {}, {"taskId": None}, {"taskId": 5}, {"taskId": "a b"}, {"taskId": "x" * 999}, "task-id-1"]
)
def test_a_created_task_without_an_id_is_no_answer(data: Any) -> None:
    with pytest.raises(PolyvUnavailableError) as caught:
        parse_task_id(data)

    assert 200 > len(json.dumps(str(caught.value)))
