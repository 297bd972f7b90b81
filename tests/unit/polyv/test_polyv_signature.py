"""The vendor's rule for signing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fetcher.polyv.signature import sign, sign_v2

_APP = {"appId": "a0Wmol5EwX", "timestamp": "1617950661602"}
_TWO_VIDS = "1b448be32370f4822ac40fd926112a66_1,1b448be32305bb29879b1eb06abd9fa1_1"
_OTHERS_SECRET = "testSecretKey0123456789"
_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(
    ("secret", "params", "expected"),
    [
        pytest.param(
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
            id="the vendor's own",
        ),
        pytest.param(
            _OTHERS_SECRET,
            {**_APP, "taskId": "16661c08b9564c1ea6f4544ccd568e58"},
            "82601B646C8D01FA9E1D12631C9803E1",
            id="get",
        ),
        pytest.param(
            _OTHERS_SECRET,
            {**_APP, "expireDays": "1", "vids": _TWO_VIDS},
            "8327555F90CA7C21169215CA4E36B917",
            id="create",
        ),
        pytest.param(
            _OTHERS_SECRET,
            {**_APP, "title": "测试 视频&a=1", "empty": ""},
            "222F233D751115CD45796E329D68D001",
            id="utf-8",
        ),
    ],
)
def test_signs_as_polyv_does(secret: str, params: dict[str, str], expected: str) -> None:
    assert expected == sign(params, secret)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=st.dictionaries(_TEXT, _TEXT), secret=_TEXT, data=st.data())
def test_the_order_of_parameters_does_not_matter(params: dict[str, str], secret: str, data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(params.items()))))

    assert sign(params, secret) == sign(shuffled, secret)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=st.dictionaries(_TEXT, _TEXT), secret=_TEXT, name=_TEXT)
def test_empty_values_do_not_matter(params: dict[str, str], secret: str, name: str) -> None:
    params.pop(name, None)

    assert sign(params, secret) == sign({**params, name: ""}, secret)


def test_the_older_rule_signs_the_vendors_own_vector() -> None:
    """Source: vod/api/video-management/search/get_video_msg."""
    assert "C2B1558D697EA3AF4ED2FC90152751860C1E2163" == sign_v2({"ptime": "1", "vid": "test1"}, "test2")
    assert "C2B1558D697EA3AF4ED2FC90152751860C1E2163" == sign_v2({"vid": "test1", "ptime": "1", "x": ""}, "test2")
