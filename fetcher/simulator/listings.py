"""Which videos a listing shows, in its order: chosen and sorted once, not once a page."""

from collections.abc import Mapping, Sequence
from typing import Final

from fetcher.simulator.envelope import RefusedError
from fetcher.simulator.library import Library, Video

_BAD_PARAMETER: Final = 2000
_CHOOSING: Final = ("cateId", "containSubCate", "endTime", "sort", "startTime", "status", "title")


class Listings:
    """The last listing that was asked for, kept until a video comes, goes or changes.

    It is read by the one thread that answers; videos may change in any other.

    Args:
        library: What is listed.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._key: object = None
        self._found: Sequence[Video] = ()

    def found(self, params: Mapping[str, str]) -> Sequence[Video]:
        """Return all videos that a listing shows, whatever the page.

        Raises:
            RefusedError: A parameter that is no number.
        """
        key = (self._library.edition(), *(params.get(name) for name in _CHOOSING))
        if key != self._key:
            self._found, self._key = self._chosen(params), key
        return self._found

    def _chosen(self, params: Mapping[str, str]) -> Sequence[Video]:
        found = [video for video in list(self._library.videos.values()) if self._is_asked_for(video, params)]
        newest_first = params.get("sort") != "creationTimeAsc"
        found.sort(key=lambda video: video.created_at, reverse=newest_first)
        return found

    def _is_asked_for(self, video: Video, params: Mapping[str, str]) -> bool:
        status, title = params.get("status", ""), params.get("title", "")
        return (
            (not status or str(video.status) in status.split(","))
            and title in video.title
            and self._lies_in_category(video, params)
            and _was_created_between(video, params)
        )

    def _lies_in_category(self, video: Video, params: Mapping[str, str]) -> bool:
        category_id = params.get("cateId")
        if not category_id:
            return True
        deep = params.get("containSubCate") == "Y"
        return video.category_id in (self._library.below(category_id) if deep else {category_id})


def number(params: Mapping[str, str], name: str, default: int) -> int:
    """Return a parameter that is a number.

    Raises:
        RefusedError: It is none.
    """
    text = params.get(name) or str(default)
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(_BAD_PARAMETER, f"{name}: a number expected")
    return int(text)


def _was_created_between(video: Video, params: Mapping[str, str]) -> bool:
    created_ms = int(video.created_at * 1000)
    return number(params, "startTime", 0) <= created_ms <= number(params, "endTime", created_ms)
