"""The simulator's library: lists, categories, and what it tells of one video."""

import hashlib
import time
from collections.abc import Callable

import pytest
from simulator_client import CATEGORY, INFO, LIST, SIZE, Client, add, whole

from fetcher.simulator.library import Library
from fetcher.simulator.signature import sign_v2


def test_lists_videos_in_pages(client: Client) -> None:
    library = client.simulator.library
    vids = [library.add_video(size=10, created_at=1_700_000_000.0 + n).vid for n in range(25)]

    pages = [client.ask(LIST, page=str(n), sort="creationTimeAsc").json()["data"] for n in (1, 2, 3, 4)]
    assert vids == [each["vid"] for page in pages for each in page["contents"]]
    assert (3, 3, 10, 25) == tuple(
        pages[2][name] for name in ("pageNumber", "totalPages", "pageSize", "totalItems")
    )
    assert 1000 == client.ask(LIST, pageSize="5000").json()["data"]["pageSize"]
    assert vids[-1] == client.ask(LIST).json()["data"]["contents"][0]["vid"]


def test_lists_what_the_filters_ask_for(client: Client) -> None:
    library = client.simulator.library
    parent = library.add_category("parent")
    child = library.add_category("child", parent_id=parent.category_id)
    above = library.add_video(title="above", category_id=parent.category_id, created_at=1000.0)
    below = library.add_video(title="below", category_id=child.category_id, created_at=2000.0)
    library.add_video(title="waiting", status=10, created_at=3000.0)

    def titles(**params: str) -> list[str]:
        contents = client.ask(LIST, sort="creationTimeAsc", **params).json()["data"]["contents"]
        return [each["basicInfo"]["title"] for each in contents]

    assert [above.title] == titles(cateId=parent.category_id)
    assert [above.title, below.title] == titles(cateId=parent.category_id, containSubCate="Y")
    assert ["waiting"] == titles(status="10")
    assert [below.title] == titles(startTime="2000000", endTime="2999999")
    assert [below.title] == titles(title="elo")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (lambda library, vids: setattr(library.videos[vids[0]], "status", 10), [1, 2]),
        (lambda library, vids: setattr(library.videos[vids[0]], "created_at", 9000.0), [1, 2, 0]),
        (lambda library, vids: library.videos.pop(vids[1]), [0, 2]),
        (lambda library, vids: setattr(library.videos[vids[2]], "category_id", "elsewhere"), [0, 1]),
    ],
    ids=["unpublished", "of another age", "removed", "moved"],
)
def test_a_listing_shows_what_changed_since_the_page_before(
    client: Client, change: Callable[[Library, list[str]], object], shown: list[int]
) -> None:
    library = client.simulator.library
    folder = library.add_category("folder")
    library.add_category("elsewhere", category_id="elsewhere")
    vids = [library.add_video(category_id=folder.category_id, created_at=1000.0 + n).vid for n in range(3)]
    asked = {"sort": "creationTimeAsc", "status": "61", "cateId": folder.category_id}

    def listed() -> list[str]:
        return [each["vid"] for each in client.ask(LIST, **asked).json()["data"]["contents"]]

    assert vids == listed()
    change(library, vids)
    assert [vids[number] for number in shown] == listed()


def test_basic_info_tells_the_listed_size_and_the_chinese_time(client: Client) -> None:
    client.simulator.library.add_video(title="课程", size=10, listed_size=11, created_at=1_700_000_000.0)
    info = client.ask(LIST).json()["data"]["contents"][0]["basicInfo"]
    assert ("课程", 11, 61, "1") == tuple(info[name] for name in ("title", "size", "status", "cateId"))
    assert "2023-11-15 06:13:20" == info["creationTime"]


def test_video_info_tells_format_and_size(client: Client) -> None:
    video = client.simulator.library.add_video(extension=".MOV", size=77)
    data = client.ask(INFO, vids=video.vid, filter="basicInfo,metaData").json()["data"]
    assert ("mov", 77) == tuple(data["contents"][0]["metaData"][name] for name in ("format", "size"))
    assert 2000 == client.ask(INFO, vids="unknown").json()["error"]["code"]


def test_categories_are_told_one_level_a_call_and_in_pages(client: Client) -> None:
    library = client.simulator.library
    names = [library.add_category(f"c{n}") for n in range(3)]
    deep = library.add_category("deep", parent_id=names[0].category_id)

    root = client.ask(CATEGORY, cateId="1", page="2", pageSize="2").json()["data"]
    assert 3 == root["subCategoryTotal"]
    assert ["c2"] == [each["cateName"] for each in root["subCategories"]]
    below = client.ask(CATEGORY, cateId=names[0].category_id).json()["data"]
    assert {"cateId": deep.category_id, "cateName": "deep", "parentId": names[0].category_id} in below[
        "subCategories"
    ]
    assert "c0" == below["category"]["cateName"]


def test_a_malformed_number_is_refused(client: Client) -> None:
    assert 400 == client.ask(LIST, page="one").json()["code"]


def test_the_v2_call_tells_the_md5_or_none(client: Client) -> None:
    simulator = client.simulator
    videos = [add(simulator), simulator.library.add_video(md5checksum="")]
    url = f"{simulator.url}/v2/video/{simulator.user_id}/get-video-msg"
    for video, expected in zip(videos, [hashlib.md5(whole(videos[0])).hexdigest(), ""], strict=True):
        params = {"ptime": str(int(time.time() * 1000)), "vid": video.vid}
        sent = params | {"sign": sign_v2(params, simulator.user_secret)}
        row = client.http.get(url, params=sent).json()["data"][0]
        assert (expected, SIZE) == (row["md5checksum"], row["source_filesize"])
    assert 403 == client.http.get(url, params=params | {"sign": "0"}).status_code
