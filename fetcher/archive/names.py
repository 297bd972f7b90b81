"""What a finished file is called: portable, stable, inside the archive whatever Polyv says."""

import functools
import hashlib
import re
import string
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from fetcher.domain.china_time import in_china
from fetcher.domain.errors import UsageError
from fetcher.domain.identifiers import is_vid

FIELDS: Final = frozenset({"vid", "ext", "title", "category", "created"})
SIDECAR: Final = ".json"
"""Behind a file's name. No video's name ends so, and no directory's, so it can be nobody else's."""
_LONGEST: Final = 255
"""Bytes of one component, a sidecar's too."""
_LONGEST_PATH: Final = 2048
"""Bytes of a path below the archive, which leaves as many for where the archive is."""
_DEEPEST: Final = 32
"""Directories; what lies deeper is put together."""
_CREATED: Final = re.compile(r"\{created:([^{}]*)\}")
_DATE_FORM: Final = re.compile(r"(?:%[YmdHMS]|[0-9A-Za-z_ ./-])+", re.ASCII)
_EXTENSION: Final = re.compile(r"\.[0-9A-Za-z]{1,10}", re.ASCII)
_PORTABLE: Final = re.compile(r"[0-9A-Za-z_]{12,200}", re.ASCII)
"""What needs no changes, as every vid: no name that Windows keeps for itself is so long without a full stop."""
_RESERVED: Final = re.compile(
    r"(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))", re.IGNORECASE
)
_KNOWN: Final = frozenset(
    (
        "3g2 3gp aac ac3 aif aiff amr ape asf avi bin dat divx dv f4v flac flv m1v m2t m2ts m2v m4a "
        "m4b m4p m4v mka mkv mov mp2 mp3 mp4 mpe mpeg mpg mpv mts mxf oga ogg ogm ogv opus qt ra rm "
        "rmvb swf ts vob wav webm wma wmv "
    ).split()
)


_FILES_ALONE: Final = _KNOWN | {"bin", SIDECAR[1:]}
"""Extensions of files, by which no directory's name ends."""
_OURS: Final = ".fetcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a name may be made of."""

    vid: str
    url: str
    """The link; only its path's extension is used."""
    title: str | None = None
    category: str | None = None
    created_at: int | None = None
    """ms UTC."""


def require_layout(layout: str) -> None:
    """See that *layout* can name files.

    Raises:
        UsageError: It has unknown fields, or none that tells videos apart.
    """
    if strange := [form for form in _CREATED.findall(layout) if not _DATE_FORM.fullmatch(form)]:
        raise UsageError(f"layout {layout!r}: {strange[0]!r} is no form of a date; %Y %m %d %H %M %S are known")
    layout = _CREATED.sub(lambda found: found[1].replace("%", ""), layout)
    try:
        pieces = list(string.Formatter().parse(layout))
    except ValueError as exc:
        raise UsageError(f"layout {layout!r} is no template: {exc}") from exc
    fields = {name for _, name, _, _ in pieces if name is not None}
    if any(form or conversion for _, _, form, conversion in pieces):
        raise UsageError(f"layout {layout!r}: a field is written {{vid}}; only {{created:%Y/%m}} may have a form")
    if unknown := fields - FIELDS:
        raise UsageError(f"layout {layout!r} has unknown fields {sorted(unknown)}; there are {sorted(FIELDS)}")
    if not fields & {"vid", "title"}:
        raise UsageError(f"layout {layout!r} gives every video the same name; use {{vid}} or {{title}}")
    if layout.split("/", maxsplit=1)[0].casefold() == _OURS:
        raise UsageError(f"layout {layout!r}: .fetcher/ is for fetcher itself")
    if layout.startswith("/") or any(step in ("", ".", "..") for step in layout.split("/")):
        raise UsageError(f"layout {layout!r} leaves the archive")


def path_for(layout: str, facts: Facts, *, is_twin: bool = False) -> str:
    """Return the path of a video's file below the archive, with ``/``.

    Args:
        layout: A template that passed ``require_layout``.
        facts: What is known of the video.
        is_twin: Whether the plain path is taken by another video; the vid then makes the difference.
    """
    extension = extension_of(facts.url)
    vid = (
        facts.vid if is_vid(facts.vid) else "vid-" + hashlib.sha256(facts.vid.encode(errors="replace")).hexdigest()
    )
    values = {
        "vid": vid,
        "ext": "",
        "title": portable(facts.title or "") or vid,
        "category": facts.category or "-",
        "created": _date(facts.created_at, "%Y-%m-%d"),
    }
    layout = _CREATED.sub(lambda form: _date(facts.created_at, form[1]), layout)
    *above, last = layout.split("/")
    steps = [step for part in above for step in _directories(part, values)]
    stem = last.removesuffix("{ext}").format_map(values)
    if is_twin:
        extension = f"-{vid}{extension}"
    room = _LONGEST - len((extension + SIDECAR).encode())
    name = _cut(portable(stem) or vid, room=room) + extension
    return "/".join([*_shortened(steps, room=_LONGEST_PATH - _LONGEST), name])


def path_key(path: str) -> str:
    """Return what two paths share that a file system may take for the same: case and composition folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


def is_portable(path: str) -> bool:
    """Tell whether a finished file may be called so: all common file systems take it, and no sidecar is."""
    if path.casefold().endswith(SIDECAR):
        return False
    steps = path.split("/")
    longest = max(len(step.encode(errors="replace")) for step in (*steps, steps[-1] + SIDECAR))
    is_short = longest <= _LONGEST and len(path.encode(errors="replace")) <= _LONGEST_PATH
    return is_short and steps[0].casefold() != _OURS and all(step == portable(step) != "" for step in steps)


def extension_of(url: str) -> str:
    """Return the extension of a link's path as it is written there, ``.bin`` for one that is no medium's."""
    last = unquote(urlsplit(url).path).rpartition("/")[2]
    extension = "." + last.rpartition(".")[2] if "." in last else ""
    if _EXTENSION.fullmatch(extension) and extension[1:].lower() in _KNOWN:
        return extension
    return ".bin"


def portable(text: str) -> str:
    """Return foreign *text* as one path component that every common file system takes; '' where nothing is left."""
    if _PORTABLE.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFC", text)
    plain = "".join(
        c for c in plain if unicodedata.category(c)[0] != "C" and unicodedata.category(c) not in ("Zl", "Zp")
    )
    plain = re.sub(r'[/\\:*?"<>|]', "_", plain).strip().strip(".").strip()
    plain = _cut(plain, room=_LONGEST)
    if not plain:
        return ""
    import pathvalidate  # noqa: PLC0415 - settings check a layout here at every start, and need none of it

    safe = pathvalidate.sanitize_filename(plain, platform="universal", replacement_text="_", max_len=_LONGEST)
    return _cut(_unreserved(str(safe)), room=_LONGEST)  # It makes some longer, too.


def _unreserved(text: str) -> str:
    """Return *text* as a name that Windows keeps for no device, whatever stands behind a blank or full stop.

    Source: learn.microsoft.com, "Naming Files, Paths, and Namespaces"; pathvalidate knows no blanks.
    """
    found = _RESERVED.match(text)
    return text if found is None else f"{found[1]}_{text[len(found[1]) :]}"


def _directories(part: str, values: dict[str, str]) -> list[str]:
    """Return the directories that one step of the layout makes; a category's own path makes several."""
    if part == "{category}":
        steps = [_directory(step) for step in values["category"].split("/")]
        return [step for step in steps if step] or ["-"]
    return [_directory(part.format_map(values)) or "-"]


@functools.lru_cache(maxsize=1024)  # Most videos share theirs with many others, and this takes a while.
def _directory(text: str) -> str:
    """Return foreign *text* as a directory's name, which no file of ours beside it can have."""
    step = portable(text)
    extension = path_key(step).rpartition(".")[2] if "." in step else ""
    return f"{_cut(step, room=_LONGEST - 1)}_" if extension in _FILES_ALONE else step


def _shortened(steps: list[str], *, room: int) -> list[str]:
    """Return directories that take no more than *room* bytes; names are told apart without them, too."""
    if len(steps) > _DEEPEST:
        steps = [*steps[: _DEEPEST - 1], _directory(" ".join(steps[_DEEPEST - 1 :]))]
    if sum(len(step.encode()) + 1 for step in steps) <= room:
        return steps
    return [_directory(_cut(step, room=room // len(steps) - 2)) or "-" for step in steps]


def _date(created_at: int | None, form: str) -> str:
    """Return the day, or more of the moment, as China's calendar has it: so does Polyv's console."""
    if created_at is None:
        return "undated"
    try:
        return in_china(created_at).strftime(form)
    except ValueError:
        return "undated"


def _cut(text: str, *, room: int) -> str:
    """Return the beginning of *text* that fits into *room* bytes of UTF-8, no character cut in two."""
    return text.encode()[:room].decode(errors="ignore").rstrip(". ")
