"""A library that answers as Polyv's API does, without a network between, and as badly as a test wants."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fetcher.domain.errors import PolyvRefusedError, VideoRefusedError


def vid(number: int) -> str:
    """Return the vid of video *number*."""
    return f"{number:032x}_1"


def row(number: int, **basic: Any) -> dict[str, Any]:
    """Return video *number* as Polyv lists it."""
    told = {
        "title": f"T{number}",
        "size": 1000 + number,
        "status": 61,
        "cateId": "1",
        "cateName": "root",
        "creationTime": f"2024-01-{1 + number // 86_400:02} {number // 3600 % 24:02}:{number // 60 % 60:02}:00",
    }
    return {"vid": vid(number), "basicInfo": {**told, **basic}}


class Shelf:
    """Videos in the order of their creation.

    Args:
        rows: As Polyv lists them.
        before: Called before each page of the list is made, with its number.
        told: Makes another answer of a page of the list.
        page_size: The most that a page has, whatever is asked for.
    """

    def __init__(
        self,
        rows: Sequence[dict[str, Any]],
        *,
        before: Callable[["Shelf", int], None] = lambda *_: None,
        told: Callable[[dict[str, Any]], Any] = lambda data: data,
        page_size: int = 1000,
    ) -> None:
        self.rows = list(rows)
        self.categories: dict[str, dict[str, Any]] = {"1": {"cateId": "1", "cateName": "root", "parentId": "0"}}
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self._before = before
        self._told = told
        self._page_size = page_size

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        """Answer one of the library's three calls."""
        call = path.rpartition("/")[2]
        self.asked.append((call, params))
        if call == "list-video":
            return self._list(params)
        return self._info(params) if call == "get-video-info" else self._category(params)

    def pages(self) -> list[int]:
        """Return the pages that were asked for, in their order."""
        return [int(params["page"]) for call, params in self.asked if call == "list-video"]

    def _list(self, params: Mapping[str, str]) -> Any:
        number, size = int(params["page"]), min(int(params["pageSize"]), self._page_size)
        self._before(self, number)
        contents = self.rows[(number - 1) * size : number * size]
        total = len(self.rows)
        return self._told(
            {
                "pageNumber": number,
                "totalPages": math.ceil(total / size),
                "pageSize": size,
                "totalItems": total,
                "contents": contents,
            }
        )

    def _info(self, params: Mapping[str, str]) -> Any:
        wanted = params["vids"].split(",")
        known = {one["vid"]: one for one in self.rows}
        if not known.keys() >= set(wanted):
            raise VideoRefusedError("no", code=400, error_code=2000, request_id=None)
        return {"contents": [known[one] for one in wanted]}

    def _category(self, params: Mapping[str, str]) -> Any:
        found = self.categories.get(params["cateId"])
        if found is None:
            raise PolyvRefusedError("no", code=400, error_code=2000, request_id=None)
        below = [one for one in self.categories.values() if one["parentId"] == params["cateId"]]
        number, size = int(params["page"]), int(params["pageSize"])
        return {
            "category": found,
            "subCategoryTotal": len(below),
            "subCategories": below[(number - 1) * size : number * size],
        }
