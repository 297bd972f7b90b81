"""What finished files are called, whatever Polyv says."""

import unicodedata
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.archive.names import Facts, extension_of, is_portable, path_for, path_key, portable, require_layout
from fetcher.domain.errors import UsageError

_VID = "1b448be32370f4822ac40fd926112a66_1"
_URL = "https://cdn.example/v/a.mp4?auth_key=1"
_RESERVED = {"con", "prn", "aux", "nul", *[f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)]}
_HOSTILE = st.text(max_size=300) | st.sampled_from(
    [
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\x",
        "a\x00b",
        "CON",
        "con.mp4",
        "LPT1.",
        "nul ",
        ".fetcher",
        "x" * 10_000,
        "视频" * 200,
        "e\u0301" * 150,
        "\u202etxt.exe",
        "👩\u200d👩\u200d👧" * 40,
        "\ud800",
        "a\x1b[31m\r\nb",
        "trail. . .",
        "~",
        "{vid}",
        "\uff23\uff2f\uff2e",
    ]
)
_LAYOUTS = st.sampled_from(
    [
        "{vid}{ext}",
        "{title}{ext}",
        "{category}/{title}{ext}",
        "{created}/{category}/{title} [{vid}]{ext}",
        "{title}",
        "a {category} b/{vid}.old",
    ]
)


def _facts(**changed: object) -> Facts:
    return Facts(**({"vid": _VID, "url": _URL} | changed))  # type: ignore[arg-type]


def _require_portable(step: str) -> None:
    assert step
    assert len(step.encode()) <= 255
    assert step not in (".", "..", ".fetcher")
    assert not set(step) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(c)[0] == "C" or unicodedata.category(c) in ("Zl", "Zp") for c in step)
    assert step == step.strip() == step.rstrip(".")
    assert step.split(".", maxsplit=1)[0].strip().lower() not in _RESERVED


@given(
    layout=_LAYOUTS,
    title=st.none() | _HOSTILE,
    category=st.none() | _HOSTILE,
    vid=st.just(_VID) | _HOSTILE,
    created_at=st.none() | st.integers(0, 4_000_000_000_000),
    is_twin=st.booleans(),
)
def test_f84_f88_every_name_is_portable_and_stays_inside(
    *, layout: str, title: str | None, category: str | None, vid: str, created_at: int | None, is_twin: bool
) -> None:
    facts = _facts(vid=vid, title=title, category=category, created_at=created_at)
    path = path_for(layout, facts, is_twin=is_twin)

    for step in path.split("/"):
        _require_portable(step)
    assert path == path_for(layout, facts, is_twin=is_twin)
    assert path == unicodedata.normalize("NFC", path)


@given(title=_HOSTILE)
def test_f84_a_twin_has_another_name_for_every_file_system(title: str) -> None:
    facts = _facts(title=title)

    plain, twin = (path_for("{title}{ext}", facts, is_twin=is_twin) for is_twin in (False, True))

    assert path_key(plain) != path_key(twin)
    assert twin.endswith(f"-{_VID}.mp4")


@pytest.mark.parametrize(
    ("one", "other"), [("\uff21.mp4", "a.mp4"), ("É.mp4", "e\u0301.mp4"), ("STRASSE.mp4", "straße.mp4"), ("K", "k")]
)
def test_f84_names_that_a_file_system_takes_for_the_same_share_a_key(one: str, other: str) -> None:
    assert path_key(one) == path_key(other)


def test_the_default_layout_is_the_vid_with_the_links_extension() -> None:
    assert f"{_VID}.mp4" == path_for("{vid}{ext}", _facts())


def test_a_categorys_own_path_makes_directories() -> None:
    path = path_for("{category}/{title}{ext}", _facts(category="/Art/../ Sculpture /", title="One"))

    assert "Art/Sculpture/One.mp4" == path


def test_what_polyv_did_not_tell_has_a_stand_in() -> None:
    assert f"undated/-/{_VID}.mp4" == path_for("{created}/{category}/{title}{ext}", _facts())


def test_a_day_is_chinas_as_polyv_shows_it() -> None:
    facts = _facts(created_at=1_704_038_399_999)

    assert f"2023-12-31/{_VID}.mp4" == path_for("{created}/{vid}{ext}", facts)
    assert f"2024-01-01/{_VID}.mp4" == path_for("{created}/{vid}{ext}", _facts(created_at=1_704_038_400_000))


def test_f88_a_vid_that_is_none_never_reaches_a_name() -> None:
    path = path_for("{vid}{ext}", _facts(vid="../../etc/x"), is_twin=True)

    assert PurePosixPath(path).name == path
    assert "etc" not in path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (_URL, ".mp4"),
        ("https://cdn.example/a/b.MOV", ".MOV"),
        ("https://cdn.example/%E8%A7%86.m2ts?x=.exe", ".m2ts"),
        ("https://cdn.example/a.php", ".bin"),
        ("https://cdn.example/a.html", ".bin"),
        ("https://cdn.example/a.mp4/", ".bin"),
        ("https://cdn.example/a.mp4%2f..%2f..%2fpasswd", ".bin"),
        ("https://cdn.example/a.mp4%00.sh", ".bin"),
        ("https://cdn.example/a.m%0ap4", ".bin"),
        ("https://cdn.example/", ".bin"),
        ("https://cdn.example", ".bin"),
    ],
)
def test_f89_only_an_extension_of_a_medium_is_taken_from_a_link(url: str, expected: str) -> None:
    assert expected == extension_of(url)


def test_a_component_that_is_all_refuse_is_empty() -> None:
    assert "" == portable("\x00 .. \u200b")


def test_a_date_may_have_a_form_that_makes_directories() -> None:
    layout = "{created:%Y/%m}/{created:%H.%M.%S} {vid}{ext}"

    assert f"2024/01/08.00.01 {_VID}.mp4" == path_for(layout, _facts(created_at=1_704_067_201_000))
    assert f"undated/undated {_VID}.mp4" == path_for(layout, _facts())
    assert f"undated/undated {_VID}.mp4" == path_for(layout, _facts(created_at=1 << 62))


def test_a_title_with_a_slash_makes_no_directory() -> None:
    assert "1_2/see 1_2.mp4" == path_for("{title}/see {title}{ext}", _facts(title="1/2"))


@pytest.mark.parametrize("name", ["Clips.mp4", "a.JSON", "x.ｍｐ４", "b.bin"])
def test_f84_no_directory_is_called_as_a_file_beside_it_may_be(name: str) -> None:
    path = path_for("{category}/{title}{ext}", _facts(category=f"{name}/below", title="One"))

    assert f"{name}_/below/One.mp4" == path


@pytest.mark.parametrize(
    ("title", "expected"), [("con .mp4", "con_ .mp4"), ("LPT¹", "LPT¹_"), ("CONIN$ . x", "CONIN$_ . x")]
)
def test_f84_a_device_of_windows_is_no_name_whatever_stands_behind_it(title: str, expected: str) -> None:
    assert expected == portable(title)


def test_a_path_of_many_long_categories_is_bounded() -> None:
    path = path_for("{category}/{title}{ext}", _facts(category="/".join(["视" * 100] * 200), title="One"))

    assert len(path.encode()) <= 2048
    assert path.endswith("/One.mp4")


@pytest.mark.parametrize(
    "layout",
    [
        "{vid}{ext}",
        "{category}/{title}{ext}",
        "videos/{created}/{vid}{ext}",
        "{created:%Y/%m}/{vid}{ext}",
        "{created:%Y-%m-%d %H.%M}-{title}{ext}",
    ],
)
def test_a_layout_that_tells_videos_apart_is_taken(layout: str) -> None:
    require_layout(layout)


@pytest.mark.parametrize(
    "layout",
    [
        "{ext}",
        "video{ext}",
        "{vid}{size}",
        "{vid.__class__}",
        "{vid[0]}",
        "{}{vid}",
        "{vid",
        "/srv/{vid}",
        "../{vid}",
        "a/../{vid}",
        "a//{vid}",
        "{vid}/",
        "",
        "{created:%Y}{ext}",
        "{created:%c}/{vid}",
        "{created:}/{vid}",
        "{created:../%Y}/{vid}",
        "{created:/%Y}/{vid}",
        "{title:>9}",
    ],
)
def test_f101_a_layout_that_cannot_name_files_is_refused(layout: str) -> None:
    with pytest.raises(UsageError):
        require_layout(layout)


@given(title=_HOSTILE, category=_HOSTILE, is_twin=st.booleans())
def test_every_name_that_is_given_may_be_given_by_hand_too(title: str, category: str, *, is_twin: bool) -> None:
    """F106: a file that is moved to where another run would have put it is taken in."""
    facts = Facts(vid=_VID, url=_URL, title=title, category=category)
    assert is_portable(path_for("{category}/{title}{ext}", facts, is_twin=is_twin))


@pytest.mark.parametrize(
    "path",
    [
        "a:b.mp4",
        "con.mp4",
        "Art/aux/a.mp4",
        "Art./a.mp4",
        "a.mp4 ",
        ".fetcher/a.mp4",
        ".FETCHER/parts/a",
        "a.json",
        "a.JSON",
        "e\u0301.mp4",
        "x" * 251 + ".mp4",
        "/".join(["x" * 200] * 11),
        "../a.mp4",
        "a//b.mp4",
        "/a.mp4",
        "",
        "\udcff.mp4",
    ],
)
def test_a_name_that_not_every_file_system_takes_is_not_taken_in(path: str) -> None:
    """F84, F106: nor one that is a sidecar's or fetcher's own."""
    assert not is_portable(path)
