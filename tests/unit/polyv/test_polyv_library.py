"""Reading Polyv's library page by page, whatever moves, lies or is missing."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from library_cases import Shelf, row, vid

from fetcher.domain.errors import PolyvRefusedError, PolyvUnavailableError, UsageError
from fetcher.domain.library import ListedVideo
from fetcher.polyv.categories import Categories
from fetcher.polyv.library import Listing, tell_of
from fetcher.polyv.listing import clean, parse_categories, parse_page


def _read(shelf: Shelf, **options: Any) -> tuple[list[ListedVideo], Listing]:
    """Read a whole shelf."""
    listing = Listing(shelf, Categories(shelf), **{"page_size": 10, **options})

    async def read() -> list[ListedVideo]:
        return [video async for page in listing.pages() for video in page]

    return asyncio.run(read()), listing


def _numbers(videos: list[ListedVideo]) -> list[int]:
    return [int(video.vid[:32], 16) for video in videos]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 35])
def test_every_video_is_read_once_in_the_order_of_creation(count: int) -> None:
    videos, listing = _read(Shelf([row(number) for number in range(count)]))

    assert list(range(count)) == _numbers(videos)
    assert (True, count, count) == (listing.is_whole, listing.read, listing.told)


@settings(max_examples=200, deadline=None)
@given(removals=st.lists(st.tuples(st.integers(1, 6), st.lists(st.integers(0, 44), max_size=4)), max_size=6))
def test_f109_videos_that_are_deleted_while_the_list_is_read_hide_no_other(
    removals: list[tuple[int, list[int]]],
) -> None:
    """All that follow a deleted one move up, over the border between a page that was read and the next.

    Less than a page of them may go before a border is looked at once more, which is two questions later.
    """
    left = dict(removals)
    gone: set[int] = set()

    def remove(shelf: Shelf, number: int) -> None:
        for index in left.pop(number, []):
            if index < len(shelf.rows):
                gone.add(int(shelf.rows.pop(index)["vid"][:32], 16))

    videos, listing = _read(Shelf([row(number) for number in range(45)], before=remove))

    assert set(range(45)) - gone <= set(_numbers(videos))
    assert len(videos) == len(set(_numbers(videos)))
    assert listing.is_whole


def test_videos_that_come_while_the_list_is_read_are_met() -> None:
    def upload(shelf: Shelf, number: int) -> None:
        if len(shelf.rows) < 60 and number > 1:
            shelf.rows += [row(len(shelf.rows) + more) for more in range(5)]

    videos, listing = _read(Shelf([row(number) for number in range(25)], before=upload))

    assert list(range(60)) == sorted(_numbers(videos))
    assert listing.is_whole


def test_an_empty_page_in_the_midst_is_not_the_end() -> None:
    """And what it should have held is found when it is read once more."""
    shelf = Shelf([row(number) for number in range(45)])
    empty = [2]
    told = shelf.get

    async def get(path: str, params: Any) -> Any:
        data = await told(path, params)
        is_empty = path.endswith("list-video") and int(params["page"]) in empty
        if is_empty:
            empty.clear()
        return {**data, "contents": []} if is_empty else data

    shelf.get = get  # type: ignore[method-assign]
    videos, listing = _read(shelf)

    assert list(range(45)) == sorted(_numbers(videos))
    assert listing.is_whole


@pytest.mark.parametrize(
    ("told", "is_whole"),
    [
        (lambda data: {**data, "totalPages": 1, "totalItems": 3}, True),
        (lambda data: {**data, "totalPages": 99, "totalItems": 3}, False),
        (lambda data: {**data, "totalPages": 1, "totalItems": 900}, False),
        (lambda data: {"contents": data["contents"]}, True),
        (lambda data: data["contents"], True),
        (lambda data: {**data, "totalPages": "5", "totalItems": "45", "pageSize": -3}, True),
        (lambda data: {**data, "totalPages": [], "totalItems": 1.5, "pageSize": "many"}, True),
    ],
)
def test_totals_that_lie_neither_end_nor_prolong_a_list(*, told: Callable[[Any], Any], is_whole: bool) -> None:
    shelf = Shelf([row(number) for number in range(45)], told=told)

    videos, listing = _read(shelf)

    assert list(range(45)) == _numbers(videos)
    assert is_whole == listing.is_whole
    assert max(shelf.pages()) <= 8


def test_a_page_that_comes_again_and_again_comes_to_an_end() -> None:
    first = [row(number) for number in range(10)]
    shelf = Shelf([row(number) for number in range(45)], told=lambda data: {**data, "contents": first})

    videos, listing = _read(shelf)

    assert (list(range(10)), False) == (_numbers(videos), listing.is_whole)
    assert max(shelf.pages()) <= 5


def test_smaller_pages_than_were_asked_for_are_taken_as_they_come() -> None:
    videos, listing = _read(Shelf([row(number) for number in range(45)], page_size=4))

    assert (list(range(45)), True) == (_numbers(videos), listing.is_whole)


def test_a_page_behind_the_last_may_be_refused() -> None:
    def refuse(_: Shelf, number: int) -> None:
        if number > 2:
            raise PolyvRefusedError("no", code=400, error_code=2000, request_id=None)

    videos, listing = _read(Shelf([row(number) for number in range(20)], before=refuse))

    assert (20, True) == (len(videos), listing.is_whole)


def test_a_page_that_is_refused_in_the_midst_is_an_error() -> None:
    def refuse(_: Shelf, number: int) -> None:
        if number == 2:
            raise PolyvRefusedError("no", code=400, error_code=2000, request_id=None)

    with pytest.raises(PolyvRefusedError):
        _read(Shelf([row(number) for number in range(45)], before=refuse))


def test_only_what_is_old_enough_is_read_although_polyv_does_not_heed_it() -> None:
    shelf = Shelf([row(number * 60) for number in range(30)])

    videos, _ = _read(shelf, since=1_704_038_400_000 + 20 * 60_000)

    assert [number * 60 for number in range(20, 30)] == _numbers(videos)
    assert str(1_704_038_400_000 + 20 * 60_000) == shelf.asked[0][1]["startTime"]


# Rows


def test_a_row_says_what_it_can() -> None:
    (video,), _ = _read(
        Shelf([row(7, title="课\x00 1\r\n\x1b[31m", creationTime="2024-02-30 00:00:00", size="12")])
    )

    expected = ListedVideo(vid=vid(7), title="课  1 [31m", category="root", size=12, created_at=None, status=61)
    assert expected == video


@pytest.mark.parametrize(
    "odd",
    [None, 7, "x", [], {}, {"vid": 7}, {"vid": "../../etc/passwd"}, {"vid": "\ud800" * 34}, {"basicInfo": row(1)}],
)
def test_a_row_that_is_none_is_left_out_and_counted(odd: Any) -> None:
    videos, listing = _read(Shelf([row(0), odd, row(1)]))

    assert ([0, 1], 1, True) == (_numbers(videos), listing.odd, listing.is_whole)


@given(
    basic=st.dictionaries(
        st.sampled_from(["title", "size", "status", "cateId", "cateName", "creationTime"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3000) | st.lists(st.none()),
    )
)
def test_no_value_of_a_row_does_harm(basic: dict[str, Any]) -> None:
    (made,) = parse_page([{"vid": vid(1), "basicInfo": basic}]).rows

    assert made.size is None or 0 <= made.size <= 1 << 44
    for text in (made.title, made.category_name):
        assert text is None or (0 < len(text) <= 1000 and text == text.strip())
        assert text is None or not set(text) & {chr(code) for code in (*range(32), *range(127, 160))}
    assert isinstance(made.status, int | None)


@pytest.mark.parametrize("data", [None, 7, "x", {}, {"contents": None}, {"contents": {}}])
def test_what_is_no_list_is_an_error_and_no_empty_library(data: Any) -> None:
    with pytest.raises(PolyvUnavailableError):
        parse_page(data)


def test_a_text_of_nothing_but_controls_is_none() -> None:
    assert clean("\x00\x1f \u2028\ud800") is None


# Categories


def _shelf_of(*categories: tuple[str, str, str]) -> Shelf:
    """Return a shelf with categories: id, name, parent's id."""
    shelf = Shelf([])
    for category_id, name, parent_id in categories:
        shelf.categories[category_id] = {"cateId": category_id, "cateName": name, "parentId": parent_id}
    return shelf


def _path(shelf: Shelf, category_id: str, name: str | None = None) -> str | None:
    return asyncio.run(Categories(shelf).path_of(category_id, name=name))


def test_a_category_is_told_with_all_above_it_but_the_root() -> None:
    shelf = _shelf_of(("2", "Art/Craft", "1"), ("3", "课程", "2"))

    assert ("Art_Craft/课程", "Art_Craft", "root") == (_path(shelf, "3"), _path(shelf, "2"), _path(shelf, "1"))


def test_forty_categories_of_one_level_are_one_question() -> None:
    shelf = _shelf_of(*((str(number), f"C{number}", "1") for number in range(2, 42)))
    categories = Categories(shelf)

    async def ask() -> list[str | None]:
        return [await categories.path_of(str(number)) for number in range(2, 42)]

    assert [f"C{number}" for number in range(2, 42)] == asyncio.run(ask())
    assert 1 == len(shelf.asked)


@pytest.mark.parametrize(
    "categories",
    [
        (("2", "A", "3"), ("3", "B", "2")),
        (("2", "A", "2"),),
        tuple((str(n), "x", str(n + 1)) for n in range(2, 99)),
    ],
)
def test_categories_in_a_circle_or_without_end_come_to_one(categories: tuple[tuple[str, str, str], ...]) -> None:
    path = _path(_shelf_of(*categories), "2")

    assert path is not None
    assert path.count("/") < 32


def test_a_category_that_polyv_does_not_tell_of_has_the_name_that_the_list_gave() -> None:
    assert "A_B" == _path(Shelf([]), "77", name="A/B")
    assert _path(Shelf([]), "77") is None


@pytest.mark.parametrize("category_id", ["", "a b", "1" * 65, "../1"])
def test_what_is_no_category_id_is_not_asked_for(category_id: str) -> None:
    shelf = Shelf([])
    with pytest.raises(UsageError):
        asyncio.run(Categories(shelf).require(category_id))
    assert [] == shelf.asked


@pytest.mark.parametrize("data", [{"category": 7, "subCategories": [None, {}, {"cateId": []}]}, {}])
def test_categories_that_are_none_are_left_out(data: Any) -> None:
    assert [] == parse_categories(data)[0]


# Single videos


def test_a_batch_that_is_refused_is_halved_until_the_stranger_stands_alone() -> None:
    shelf = Shelf([row(number) for number in range(99)])
    asked = [vid(number) for number in (*range(50), 777, *range(50, 99))]

    told = asyncio.run(tell_of(shelf, Categories(shelf), asked))

    assert ((vid(777),), 99) == (told.unknown, len(told.videos))
    assert sum(call == "get-video-info" for call, _ in shelf.asked) <= 15


def test_a_video_that_is_left_out_without_a_word_is_unknown() -> None:
    class Silent:
        async def get(self, path: str, params: Any) -> Any:
            return {"contents": [row(0, cateId=None), row(9)]} if params["vids"] else path

    shelf = Silent()
    told = asyncio.run(tell_of(shelf, Categories(shelf), [vid(0), vid(1)]))

    assert ((vid(1),), [vid(0)]) == (told.unknown, [video.vid for video in told.videos])
