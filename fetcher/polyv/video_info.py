"""What Polyv tells of single videos, up to a hundred in one call: the call and its answer, whoever asks."""

from collections.abc import Sequence
from typing import Any, Final

from fetcher.polyv.listing import Row, parse_page

GET_VIDEO_INFO: Final = "/v3/video/get-video-info"
MOST_VIDS: Final = 100
"""In one question about single videos, and in one task."""


def about(vids: Sequence[str]) -> dict[str, str]:
    """Return what is sent to ask about *vids*."""
    return {"vids": ",".join(vids), "filter": "basicInfo,metaData"}


def parse_videos(data: Any) -> tuple[Row, ...]:
    """Return what an answer tells of videos.

    Args:
        data: The envelope's ``data``: a list of videos, or an object with such a list as ``contents``; where there
            is none, nothing is told.

    Raises:
        PolyvUnavailableError: It is neither.

    Source: https://polyv.gitbook.io/document/docs/vod/api sub-account/sub_get_video_info
    """
    is_silent = data is None or (isinstance(data, dict) and data.get("contents") is None)
    return () if is_silent else parse_page(data).rows
