"""What Polyv says of one video's source to the main account: its size and its MD5."""

import re
from typing import Any, Final

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.vendor import NOTHING_SAID, Expected
from fetcher.polyv.sizes import bytes_or_none

_MD5: Final = re.compile(r"[0-9A-Fa-f]{32}", re.ASCII)


def parse_source(data: Any, *, vid: str) -> Expected:
    """Return what Polyv says of the source of *vid*; an MD5 that is empty or none is not known.

    Args:
        data: The envelope's ``data``: a list with the video's row, or that row.
        vid: Rows of other videos are no answer.

    Raises:
        PolyvUnavailableError: It is neither.

    Source: https://polyv.gitbook.io/document/docs/vod/api/video-management/search/get_video_msg
    """
    rows = [data] if isinstance(data, dict) else data or []
    if not isinstance(rows, list):
        raise PolyvUnavailableError("Polyv's answer about a source holds no video")
    row = next((one for one in rows if isinstance(one, dict) and one.get("vid") == vid), None)
    if row is None:
        return NOTHING_SAID
    md5 = row.get("md5checksum")
    is_md5 = isinstance(md5, str) and _MD5.fullmatch(md5) is not None
    return Expected(size=bytes_or_none(row.get("source_filesize")), md5=str(md5).lower() if is_md5 else None)
