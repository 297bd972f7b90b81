"""What a vid and a task id are, and how foreign text is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetcher.domain.identifiers import is_task_id, is_vid, printable


@pytest.mark.parametrize("vid", ["1b448be32370f4822ac40fd926112a66_1", "Z" * 32 + "_z"])
def test_a_vid_is_32_letters_or_digits_a_line_and_one_more(vid: str) -> None:
    assert is_vid(vid)


@pytest.mark.parametrize("tail", ["", "_", "_12", "_1\n", "_é", "-1", "_1 "])
def test_anything_else_is_no_vid(tail: str) -> None:
    """F88."""
    assert not is_vid("a" * 32 + tail)
    assert not is_vid("../../etc/passwd")
    assert not is_vid("٣" * 32 + "_1")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a" * 8, True),
        ("a" * 64, True),
        ("a" * 7, False),
        ("a" * 65, False),
        ("a" * 8 + "\n", False),
        ("../" * 4, False),
        ("a-b_c-D9", True),
    ],
)
def test_a_task_id_is_8_to_64_letters_digits_and_lines(text: str, is_one: bool) -> None:  # noqa: FBT001
    """F62."""
    assert is_one == is_task_id(text)


def test_foreign_text_is_shown_without_what_drives_a_terminal() -> None:
    """F94."""
    assert "a\\u001b[31m\\u000ab\\u202e\\u009bc é 视频" == printable("a\x1b[31m\nb\u202e\x9bc é 视频")


@given(st.text(), st.integers(1, 50))
def test_what_is_shown_is_one_printable_line(text: str, limit: int) -> None:
    assert printable(text, limit=limit).isprintable()


@given(st.text(st.characters(codec="ascii", categories=["L", "N", "P"])), st.integers(1, 50))
def test_what_is_cut_says_so(text: str, limit: int) -> None:
    assert (text if len(text) <= limit else text[:limit] + "…") == printable(text, limit=limit)
