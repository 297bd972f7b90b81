"""The calls that tell what the library holds."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, TypeVar

from fetcher.simulator.envelope import RefusedError
from fetcher.simulator.library import ROOT, Category, Video
from fetcher.simulator.listings import number
from fetcher.simulator.world import World

LARGEST_PAGE: Final = 1000
MOST_VIDS: Final = 100
_BAD_PARAMETER: Final = 2000
_CHINA: Final = timezone(timedelta(hours=8))
_BYTES_PER_SECOND: Final = 250_000
T = TypeVar("T")


def list_video(world: World, params: Mapping[str, str]) -> dict[str, Any]:
    """Answer one page of videos.

    Source: https://dev.polyv.net v-api-subaccount/list-video
    """
    found = world.listings.found(params)
    page, size = _paging(params)
    return {
        "pageNumber": page,
        "totalPages": math.ceil(len(found) / size),
        "pageSize": size,
        "totalItems": len(found),
        "contents": [
            {"vid": video.vid, "basicInfo": _basic_info(world, video)} for video in _page(found, page, size)
        ],
    }


def get_video_info(world: World, params: Mapping[str, str]) -> dict[str, Any]:
    """Answer what is known of some videos; unknown ones refuse the whole call.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_video_info
    """
    vids = [vid for vid in params.get("vids", "").split(",") if vid]
    if not 1 <= len(vids) <= MOST_VIDS or not world.library.videos.keys() >= set(vids):
        raise RefusedError(_BAD_PARAMETER)
    wanted = params.get("filter", "").split(",")
    return {"contents": [_details(world, world.library.videos[vid], wanted) for vid in vids]}


def get_category(world: World, params: Mapping[str, str]) -> dict[str, Any]:
    """Answer a category and one page of those right below it.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_categories
    """
    category = _category(world, params.get("cateId", ROOT))
    children = [each for each in list(world.library.categories.values()) if each.parent_id == category.category_id]
    page, size = _paging(params)
    return {
        "category": _category_row(category),
        "subCategoryTotal": len(children),
        "subCategories": [_category_row(each) for each in _page(children, page, size)],
    }


def get_video_msg(world: World, params: Mapping[str, str]) -> list[dict[str, Any]]:
    """Answer the v2 call's rows about one video, the vendor's MD5 among them.

    Source: https://polyv.gitbook.io/document/docs/vod/api/video-management/search/get_video_msg
    """
    video = world.library.videos.get(params.get("vid", ""))
    if video is None:
        raise RefusedError(_BAD_PARAMETER)
    return [
        {
            "vid": video.vid,
            "title": video.title,
            "status": str(video.status),
            "md5checksum": video.md5() if video.md5checksum is None else video.md5checksum,
            "source_filesize": video.listed_size,
        }
    ]


def _paging(params: Mapping[str, str]) -> tuple[int, int]:
    page, size = number(params, "page", 1), number(params, "pageSize", 10)
    return max(page, 1), min(max(size, 1), LARGEST_PAGE)


def _page(rows: Sequence[T], page: int, size: int) -> Sequence[T]:
    return rows[(page - 1) * size : page * size]


def _basic_info(world: World, video: Video) -> dict[str, Any]:
    created = datetime.fromtimestamp(video.created_at, UTC).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "title": video.title,
        "description": "",
        "duration": _duration(video),
        "coverURL": "",
        "creationTime": created,
        "updateTime": created,
        "size": video.listed_size,
        "status": video.status,
        "cateId": video.category_id,
        "cateName": _category(world, video.category_id).name,
        "tags": "",
        "uploader": "simulator",
    }


def _details(world: World, video: Video, wanted: Sequence[str]) -> dict[str, Any]:
    details: dict[str, Any] = {"vid": video.vid}
    if "basicInfo" in wanted or wanted == [""]:
        details["basicInfo"] = _basic_info(world, video)
    if "metaData" in wanted:
        details["metaData"] = _meta_data(video)
    return details


def _meta_data(video: Video) -> dict[str, Any]:
    return {
        "size": video.listed_size,
        "format": video.extension.lstrip(".").lower(),
        "duration": _duration(video),
        "bitrate": _BYTES_PER_SECOND * 8,
        "fps": 25,
        "height": 720,
        "width": 1280,
        "codec": "h264",
    }


def _duration(video: Video) -> int:
    return max(1, video.size // _BYTES_PER_SECOND)


def _category(world: World, category_id: str) -> Category:
    root = Category(category_id=ROOT, name="默认分类", parent_id="0")
    known = world.library.categories.get(category_id)
    if known is None and category_id != ROOT:
        raise RefusedError(_BAD_PARAMETER, "category not exist")
    return known or root


def _category_row(category: Category) -> dict[str, str]:
    return {
        "cateId": category.category_id,
        "cateName": category.name,
        "parentId": category.parent_id,
    }
