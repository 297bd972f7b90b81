"""Tell a file's container by its first bytes. One that is not known is told, and seldom refused.

Source files are whatever was uploaded, so there is no list of what may come; but text is no video, and of what
nothing else speaks for, the first bytes have to.

Source: ISO/IEC 14496-12 (boxes), RFC 9559 (Matroska: the EBML header), ISO/IEC 13818-1 (transport and program
streams) and 11172-3 (MPEG audio), RFC 3533 (Ogg), SMPTE ST 377-1 (MXF), Microsoft's ASF and RIFF, Adobe's FLV,
ID3v2.
"""

import re
from collections.abc import Iterable
from typing import Final

from fetcher.domain.errors import NotAVideoError

TEXT_CAME: Final = "text came instead of a video: is a proxy or login in between?"
LOOKED_AT: Final = 1024
"""Bytes that are enough to tell."""
UNKNOWN: Final = "unknown"

_BOXES: Final = frozenset(
    {b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"moof", b"styp", b"sidx", b"uuid"}
)
_BRANDS: Final = {b"qt  ": "mov", b"3gp": "3gp", b"3g2": "3g2", b"M4A": "m4a", b"M4V": "m4v", b"f4v": "f4v"}
_RIFF: Final = {b"AVI ": "avi", b"WAVE": "wav"}
_MAGICS: Final = (
    (b"\x1aE\xdf\xa3", "matroska"),
    (b"FLV\x01", "flv"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "asf"),
    (b"OggS", "ogg"),
    (b".RMF", "realmedia"),
    (b".ra\xfd", "realmedia"),
    (b"\x00\x00\x01\xba", "mpeg-ps"),
    (b"\x00\x00\x01\xb3", "mpeg-video"),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", "mxf"),
    (b"ID3", "mp3"),
    (b"fLaC", "flac"),
    (b"#!AMR", "amr"),
    (b"DKIF", "ivf"),
    (b"\x8aMNG\r\n\x1a\n", "mng"),
)
_TS_PACKETS: Final = ((0, 188), (4, 192), (0, 204))
"""Where a transport stream's first sync byte lies, and how far apart they are: plain, Blu-ray's, with parity."""
_SYNC: Final = 0x47
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_LONGEST_CHARACTER: Final = 4


def container_of(opening: bytes) -> str | None:
    """Return the container that a file begins, None where it is no known one's.

    Args:
        opening: The file's first ``LOOKED_AT`` bytes, or all of it.
    """
    named = next((name for magic, name in _MAGICS if opening.startswith(magic)), None)
    return named or _box(opening) or _riff(opening) or _transport_stream(opening) or _audio_frame(opening)


def _box(opening: bytes) -> str | None:
    kind = opening[4:8]
    if kind == b"ftyp":
        brand = opening[8:12]
        return next((name for start, name in _BRANDS.items() if brand.startswith(start)), "mp4")
    return "mov" if kind in _BOXES else None


def _riff(opening: bytes) -> str | None:
    return _RIFF.get(opening[8:12]) if opening[:4] in (b"RIFF", b"RF64") else None


def _transport_stream(opening: bytes) -> str | None:
    """Tell a stream by three sync bytes at their distance: one alone is a letter."""
    for first, step in _TS_PACKETS:
        if _are_syncs(opening[first::step][:3]):
            return "mpeg-ts"
    return None


def _are_syncs(found: Iterable[int]) -> bool:
    syncs = list(found)
    return len(syncs) == 3 and all(byte == _SYNC for byte in syncs)  # noqa: PLR2004 - three, as said above


def _audio_frame(opening: bytes) -> str | None:
    """Tell a bare stream of AAC (ADTS) or MPEG audio by its sync word, and by what its fields may not be."""
    if len(opening) < 4 or opening[0] != 0xFF:  # noqa: PLR2004 - a frame's header
        return None
    second, third = opening[1], opening[2]
    if second & 0xF6 == 0xF0:  # noqa: PLR2004 - sync, layer 0
        return "aac"
    is_audio = second & 0xE0 == 0xE0 and second & 0x18 != 0x08 and second & 0x06 and third & 0xF0 not in (0, 0xF0)  # noqa: PLR2004
    return "mp3" if is_audio and third & 0x0C != 0x0C else None  # noqa: PLR2004


def is_text(opening: bytes) -> bool:
    """Tell whether *opening* is text throughout: UTF-8 without a control character that no text has."""
    if _CONTROL.search(opening):
        return False
    for cut in range(_LONGEST_CHARACTER):  # The last character may lie across the end of what was read.
        try:
            opening[: len(opening) - cut].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return bool(opening)
    return False


def require_container(opening: bytes, *, is_polyvs: bool, has_evidence: bool) -> str:
    """Return the container of a whole file, ``UNKNOWN`` where its first bytes are no known one's.

    Args:
        opening: Its first ``LOOKED_AT`` bytes, or all of it; no page (see opening.py).
        is_polyvs: Whether it has the size or the MD5 that Polyv names.
        has_evidence: Whether anything at all was compared, sizes included.

    Raises:
        NotAVideoError: It is text that Polyv does not vouch for, or nothing but its first bytes could speak for it.
    """
    found = container_of(opening)
    if found is not None or is_polyvs:
        return found or UNKNOWN
    if is_text(opening):
        raise NotAVideoError(TEXT_CAME)
    if not has_evidence:
        raise NotAVideoError("it opens like no video, and nothing is known of it to compare it with")
    return UNKNOWN
