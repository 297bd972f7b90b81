"""What Polyv's answers about sources mean, however odd."""

from typing import Any

import pytest

from fetcher.domain.errors import PolyvUnavailableError
from fetcher.domain.vendor import NOTHING_SAID, Expected
from fetcher.polyv.video_info import parse_videos
from fetcher.polyv.video_msg import parse_source

_VID = "1b448be32370f4822ac40fd926112a66_1"
_MD5 = "900150983cd24fb0d6963f7d28e17f72"


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        (7, {"basicInfo": {"size": 7}}),
        (7, {"basicInfo": {"size": "7"}, "metaData": {"size": 7}}),
        (7, {"metaData": {"size": 7}}),
        (0, {"basicInfo": {"size": 0}}),
        (None, {"basicInfo": {"size": 7}, "metaData": {"size": 8}}),
        (None, {"basicInfo": {"size": None}}),
        (None, {"basicInfo": {"size": True}}),
        (None, {"basicInfo": {"size": 7.5}}),
        (None, {"basicInfo": {"size": -1}}),
        (None, {"basicInfo": {"size": "7 MB"}}),
        (None, {"basicInfo": {"size": 1 << 60}}),
        (None, {"basicInfo": {"size": [7]}}),
        (None, {"basicInfo": "7"}),
        (None, {}),
    ],
)
def test_a_size_is_a_number_of_bytes_that_polyv_does_not_contradict(expected: int | None, row: Any) -> None:
    (found,) = parse_videos({"contents": [{"vid": _VID, **row}]})

    assert (_VID, expected) == (found.vid, found.size)


@pytest.mark.parametrize("data", [None, [], {}, {"contents": None}, [None, 7, {}, {"vid": 7}]])
def test_f57_an_answer_without_videos_tells_of_none(data: Any) -> None:
    """F57: whatever stands in the place of a row."""
    assert () == parse_videos(data)


def test_f57_a_list_alone_is_read_too() -> None:
    assert [(_VID, 7)] == [(row.vid, row.size) for row in parse_videos([{"vid": _VID, "basicInfo": {"size": 7}}])]


@pytest.mark.parametrize("data", ["a", 7, {"contents": "a"}, {"contents": {}}])
def test_f57_what_is_no_list_is_no_answer(data: Any) -> None:
    with pytest.raises(PolyvUnavailableError):
        parse_videos(data)


@pytest.mark.parametrize(
    ("expected", "row"),
    [
        (Expected(size=7, md5=_MD5), {"md5checksum": _MD5, "source_filesize": 7}),
        (Expected(size=7, md5=_MD5), {"md5checksum": _MD5.upper(), "source_filesize": "7"}),
        (Expected(size=7), {"md5checksum": "", "source_filesize": 7}),
        (Expected(), {"md5checksum": None}),
        (Expected(), {"md5checksum": _MD5[:31]}),
        (Expected(), {"md5checksum": _MD5 + "\n"}),
        (Expected(), {"md5checksum": 7, "source_filesize": [7]}),
    ],
)
def test_an_md5_is_32_hex_digits_or_not_known(expected: Expected, row: Any) -> None:
    assert expected == parse_source([{"vid": _VID, **row}], vid=_VID)
    assert expected == parse_source({"vid": _VID, **row}, vid=_VID)


@pytest.mark.parametrize("data", [None, [], {}, "", [None], [{"vid": "other", "md5checksum": _MD5}]])
def test_another_videos_md5_is_no_answer(data: Any) -> None:
    assert NOTHING_SAID == parse_source(data, vid=_VID)
