"""What the vendor's pages sign, and what it comes to: the client and the simulator are held to it, each alone."""

from collections.abc import Mapping
from typing import Final

_APP: Final = {"appId": "a0Wmol5EwX", "timestamp": "1617950661602"}
_TWO_VIDS: Final = "1b448be32370f4822ac40fd926112a66_1,1b448be32305bb29879b1eb06abd9fa1_1"
_OTHERS_SECRET: Final = "testSecretKey0123456789"
V3: Final[Mapping[str, tuple[str, Mapping[str, str], str]]] = {
    "the vendor's own": (
        "fsq2k5weced1h8vui657xtdva66whf0g",
        {
            "appId": "g4rqgmmjuo",
            "channelIds": "2477096,2272655",
            "startDay": "2022-05-20",
            "endDay": "2022-06-18",
            "timestamp": "1660270926732",
            "page": "",
            "size": "",
        },
        "0D2BDA2FD04D93A2B8832B91FD973C4D",
    ),
    "get": (
        _OTHERS_SECRET,
        {**_APP, "taskId": "16661c08b9564c1ea6f4544ccd568e58"},
        "82601B646C8D01FA9E1D12631C9803E1",
    ),
    "create": (
        _OTHERS_SECRET,
        {**_APP, "expireDays": "1", "vids": _TWO_VIDS},
        "8327555F90CA7C21169215CA4E36B917",
    ),
    "utf-8": (
        _OTHERS_SECRET,
        {**_APP, "title": "测试 视频&a=1", "empty": ""},
        "222F233D751115CD45796E329D68D001",
    ),
}
"""Secret, parameters and signature, by what they are taken from."""
V2: Final = ("test2", {"ptime": "1", "vid": "test1"}, "C2B1558D697EA3AF4ED2FC90152751860C1E2163")
"""The same by the older rule. Source: vod/api/video-management/search/get_video_msg."""
