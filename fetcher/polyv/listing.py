"""What Polyv's answers about the library say: ``data`` in, values that can be worked with out, each row alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fetcher.domain.china_time import china_ms
from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.identifiers import is_vid
from fetcher.polyv.sizes import told_size

_NUMBER: Final = re.compile(r"-?\d{1,15}", re.ASCII)
_LONGEST_TEXT: Final = 1000
_UNSHOWN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]+")
_CATEGORY_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One video of a page."""

    vid: str
    title: str | None
    category_id: str | None
    category_name: str | None
    size: int | None
    """Bytes of the source; None where Polyv does not say, or says two that differ."""
    created_at: int | None
    """ms UTC."""
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the list."""

    rows: tuple[Row, ...]
    length: int
    """How many rows came, those that cannot be read included."""
    total_pages: int | None
    total_items: int | None
    page_size: int | None
    """What Polyv says of itself; None where it says nothing that can be meant."""

    @property
    def odd(self) -> int:
        """How many rows could not be read."""
        return self.length - len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRow:
    """A category: its id, its name, and the id of the one above it."""

    category_id: str
    name: str | None
    parent_id: str | None


def parse_page(data: Any) -> Page:
    """Return a page of ``list-video``, or the answer of ``get-video-info``, which has the same rows.

    Raises:
        PolyvUnavailableError: It holds no list of videos.

    Source: dev.polyv.net, v-api-subaccount/list-video and sub_get_video_info.
    """
    fields = data if isinstance(data, dict) else {"contents": data}
    contents = fields.get("contents")
    if not isinstance(contents, list):
        raise PolyvUnavailableError("Polyv's answer about the library holds no list of videos")
    return Page(
        rows=tuple(_rows(contents)),
        length=len(contents),
        total_pages=_count(fields.get("totalPages")),
        total_items=_count(fields.get("totalItems")),
        page_size=_count(fields.get("pageSize")),
    )


def parse_categories(data: Any) -> tuple[list[CategoryRow], int | None]:
    """Return a category and those right below it, the category first, and how many are below it in all.

    Raises:
        PolyvUnavailableError: It is no object.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_categories
    """
    if not isinstance(data, dict):
        raise PolyvUnavailableError("Polyv's answer about a category is no object")
    below = data.get("subCategories")
    told = [data.get("category"), *(below if isinstance(below, list) else [])]
    found = [_category(row) for row in told]
    return [row for row in found if row is not None], _count(data.get("subCategoryTotal"))


def clean(text: object) -> str | None:
    """Return foreign text on one line, without control characters, not too long; None where nothing is left."""
    if not isinstance(text, str):
        return None
    return _UNSHOWN.sub(" ", text[: 4 * _LONGEST_TEXT]).strip()[:_LONGEST_TEXT] or None


def is_category_id(text: str) -> bool:
    """Tell whether *text* may be a category's id."""
    return _CATEGORY_ID.fullmatch(text) is not None


def _rows(contents: list[Any]) -> Iterator[Row]:
    for content in contents:
        vid = content.get("vid") if isinstance(content, dict) else None
        if isinstance(vid, str) and is_vid(vid):
            basic = content.get("basicInfo")
            yield _row(vid, basic if isinstance(basic, dict) else {}, size=told_size(content))


def _row(vid: str, basic: dict[str, Any], *, size: int | None) -> Row:
    created = basic.get("creationTime")
    return Row(
        vid=vid,
        title=clean(basic.get("title")),
        category_id=_id(basic.get("cateId")),
        category_name=clean(basic.get("cateName")),
        size=size,
        created_at=china_ms(created) if isinstance(created, str) else None,
        status=_number(basic.get("status")),
    )


def _category(row: object) -> CategoryRow | None:
    category_id = _id(row.get("cateId")) if isinstance(row, dict) else None
    if category_id is None or not isinstance(row, dict):
        return None
    return CategoryRow(category_id=category_id, name=clean(row.get("cateName")), parent_id=_id(row.get("parentId")))


def _id(value: object) -> str | None:
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and is_category_id(text) else None


def _number(value: object) -> int | None:
    """Return a whole number that was told as one or as digits."""
    text = str(value) if type(value) is int else value
    return int(text) if isinstance(text, str) and _NUMBER.fullmatch(text) else None


def _count(value: object) -> int | None:
    number = _number(value)
    return number if number is not None and number >= 0 else None
