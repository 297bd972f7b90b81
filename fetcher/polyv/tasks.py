"""What Polyv says about a task: ``data`` in, rows that can be worked with out, each judged alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.identifiers import is_task_id, is_vid, printable
from fetcher.domain.status import Preparation

_EARLIEST_MS: Final = 1_262_304_000_000
"""2010-01-01: Polyv kept nothing before."""
_LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01."""
_DIGITS: Final = re.compile(r"\d{1,16}", re.ASCII)
_ODD_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskItem:
    """What Polyv says of one video in one task."""

    vid: str
    status: Preparation
    raw_status: str
    """What Polyv wrote, made printable."""
    url: str | None = field(repr=False)
    """The link as it came, a secret; None where there was none."""
    created_at: int | None
    """ms UTC; None where Polyv did not say, or nothing that can be."""
    success_at: int | None
    """ms UTC, the end of the preparation; None as above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAnswer:
    """One answer about one task."""

    items: tuple[TaskItem, ...]
    """One for each video, in Polyv's order. None at all means that Polyv has nothing to say yet."""
    odd: tuple[str, ...]
    """What was left out and why, printable."""


def parse_task(data: Any) -> TaskAnswer:
    """Return the usable rows of a task.

    A video that is named twice keeps the row that says most: a link ends the waiting, and a FAIL beside a row
    that is still being prepared is no end.

    Args:
        data: The envelope's ``data``; null and an empty list both mean that nothing is known yet.

    Raises:
        PolyvUnavailableError: It is no list.

    Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_get
    """
    if data is not None and not isinstance(data, list):
        raise PolyvUnavailableError(f"Polyv's answer about the task holds {_shown(data)} instead of a list")
    best: dict[str, TaskItem] = {}
    odd: list[str] = []
    for number, row in enumerate(data or (), start=1):
        item = _item(row)
        if isinstance(item, str):
            odd.append(f"row {number}: {item}")
        elif item.vid not in best or _rank(item) < _rank(best[item.vid]):
            best[item.vid] = item
    return TaskAnswer(items=tuple(best.values()), odd=_shortened(odd))


def parse_task_id(data: Any) -> str:
    """Return the id of a task that was created.

    Raises:
        PolyvUnavailableError: There is none; the task may exist all the same.

    Source: https://polyv.gitbook.io/document/docs/vod/api/private/video_source_task_create
    """
    task_id = data.get("taskId") if isinstance(data, dict) else None
    if not isinstance(task_id, str) or not is_task_id(task_id):
        raise PolyvUnavailableError(f"Polyv took the task and gave no usable taskId, but {_shown(task_id)}")
    return task_id


def _item(row: Any) -> TaskItem | str:
    """Return the row as an item, or what is wrong with it."""
    if not isinstance(row, dict):
        return f"{_shown(row)} instead of an object"
    vid, url = row.get("vid"), row.get("url")
    if not isinstance(vid, str) or not is_vid(vid):
        return f"{_shown(vid)} instead of a video id"
    return TaskItem(
        vid=vid,
        status=_preparation(row.get("status")),
        raw_status=_shown(row.get("status")),
        url=url if isinstance(url, str) and url else None,
        created_at=_instant(row.get("createTime")),
        success_at=_instant(row.get("successTime")),
    )


def _preparation(status: object) -> Preparation:
    is_known = isinstance(status, str) and status in Preparation.__members__
    return Preparation[str(status)] if is_known else Preparation.UNKNOWN


_SAYS_MOST_FIRST: Final = (
    Preparation.SUCCESS,
    Preparation.PROCESS,
    Preparation.INIT,
    Preparation.FAIL,
    Preparation.UNKNOWN,
)


def _rank(item: TaskItem) -> tuple[int, bool]:
    return _SAYS_MOST_FIRST.index(item.status), item.url is None


def _instant(value: object) -> int | None:
    """Return ms UTC of a time in ms or seconds, as a number or as digits; None where it cannot be meant."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # The two ranges lie three powers of ten apart, so a number is never both.
    if _EARLIEST_MS <= value * 1000 <= _LATEST_MS:
        value *= 1000
    return int(value) if _EARLIEST_MS <= value <= _LATEST_MS else None


def _shown(value: object) -> str:
    """Return *value* for a message. What has parts is named only: its text may be without end."""
    if value is None:
        return "null"
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    return printable(value, limit=40)


def _shortened(odd: Iterable[str]) -> tuple[str, ...]:
    every = tuple(odd)
    more = len(every) - _ODD_SHOWN
    return every if more <= 0 else (*every[:_ODD_SHOWN], f"and {more} more")
