"""What the first bytes of a file say of it."""

import pytest

from fetcher.domain.errors import NotAVideoError
from fetcher.domain.opening import require_video


@pytest.mark.parametrize(
    "opening",
    [
        b"",
        b"<!DOCTYPE html><html>",
        b"  \r\n<HTML>",
        b"\r\n  <html lang=zh>",
        b"\xef\xbb\xbf<html lang=zh>",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
        b'<?xml version="1.0"?><Error><Code>InvalidObjectState',
        b"<Error><Code>AccessDenied",
        b"<head>",
        b"<head><title>login</title>",
        b"<!-- portal --><p>",
        b'{"code":403,"status":"error"}',
        b'{"code": 403}',
        b'{ "error" : null }',
        b'{ "error" :1}',
    ],
)
def test_f31_f32_a_page_or_an_error_document_is_no_video(opening: bytes) -> None:
    with pytest.raises(NotAVideoError):
        require_video(opening)


@pytest.mark.parametrize(
    "opening",
    [
        b"\0\0\0\x20ftypisom",
        b"\0\0\0\x18ftypmp42",
        b"FLV\x01",
        b"\x1aE\xdf\xa3",
        b"G@\0\x10",
        b"G@\x11",
        b"ID3\x04",
        b"\x3c\x68\x74\x6dmdat",
        b"RIFF",
        b"RIFF\0\0\0\0AVI ",
        b"\0" * 64,
        b"{not json",
        b"{\0",
        b"<",
        b"<\0\x01",
    ],
)
def test_anything_else_may_be_a_video(opening: bytes) -> None:
    """Source files are whatever was uploaded: even a box whose length spells ``<htm``."""
    require_video(opening)
