"""The shapes of video ids and task ids, and how foreign text is shown."""

import re
from typing import Final

_VID: Final = re.compile(r"[0-9A-Za-z]{32}_[0-9A-Za-z]", re.ASCII)
_TASK_ID: Final = re.compile(r"[0-9A-Za-z_-]{8,64}", re.ASCII)
_SAMPLE: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHOWN: Final = 200


def is_vid(text: str) -> bool:
    """Tell whether *text* has a video id's shape: 32 letters or digits, ``_``, one more.

    Source: the samples of the vendor's API pages; old ids are not hexadecimal.
    """
    return _VID.fullmatch(text) is not None


def is_task_id(text: str) -> bool:
    """Tell whether *text* may be a task id: 8 to 64 letters, digits, ``_`` or ``-``.

    The vendor's samples are 32 hexadecimal digits; the shape is not promised, so a little more is taken.
    """
    return _TASK_ID.fullmatch(text) is not None


def looks_like_polyvs(task_id: str) -> bool:
    """Tell whether a task id looks like those of the vendor's samples: 32 lower-case hexadecimal digits."""
    return _SAMPLE.fullmatch(task_id) is not None


def printable(text: object, *, limit: int = _SHOWN) -> str:
    """Return foreign *text* fit for a terminal and a log: one line, no control or format characters."""
    plain = str(text)
    shown = plain[:limit]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)
    return shown if len(plain) <= limit else shown + "…"
