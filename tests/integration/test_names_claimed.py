"""The names that ten thousand hostile titles get, one claim after the other."""

import itertools
import random
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from ledger_cases import FAR, MINUTE, NOW, opened, rows
from sqlalchemy import Connection

from fetcher.archive.names import SIDECAR, Facts, path_for, path_key
from fetcher.ledger.bulk import insert_rows
from fetcher.ledger.claims import Nameable, claim
from fetcher.ledger.engine import Database
from fetcher.ledger.schema import videos

_RESERVED: Final = {"con", "prn", "aux", "nul", *[f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)]}
_PIECES: Final = (
    "a", "A", "ä", "a\u0308", "Ａ", "ß", "SS", "ſs", "İ", "i\u0307", "K", "\u212a", "k", "ﬁ", "fi", "课", "課",
    "🎬", "👩\u200d👧", "👩👧", "\u202e", "\u200f", "אב", "ا", "\x00", "\x1b[31m", "\n", "\t", " ", ".", "..", "/",
    "\\", "／", "∕", ":", "*", "?", '"', "<", ">", "|", "~", "%2f", "{vid}", "-", "_", "CON", "con", "nul", "LPT1",
    "aux.", ".mp4", ".json", ".mp4.json", ".fetcher", "x" * 300, "视" * 120, "\u0301" * 90, "\ue000", "\ufeff",
    "\u00ad", "¹", "1",
)  # fmt: skip


def _vid(number: int) -> str:
    """Return a vid; every other one differs from the one before in case only."""
    letters = f"a{number // 2:031x}"
    return f"{letters.upper() if number % 2 else letters}_a"


_EXTENSIONS: Final = (".mp4", ".mp4", ".mp4", ".MP4", ".exe", ".mov")
_PAIR: Final = (2, 3)
"""Of eight videos those that have one title, and vids that differ in case only."""
_FOLDERS: Final = ("a", "a/a.mp4", "a/A.MP4/课", "a/a.mp4.json", "课", "课/ａ.mp4", "课/a.bin/a", None)
"""Categories that are called as files beside them, or beside these, may be."""


def _titles(chance: random.Random, count: int) -> Iterator[str]:
    for number in itertools.count():
        if number % 8 in _PAIR:
            yield "a"
        elif number % 4 == 0:  # What one of a pair would be called, as a twin and as a twin's twin.
            other = chance.randrange(count // 8) * 8 + _PAIR[1]
            yield f"a-{_vid(other)}{chance.choice(['', f'-{other + 1}'])}"
        else:
            yield "".join(chance.choices(_PIECES, k=chance.choice([0, 1, 1, 1, 2, 2, 3, 60])))


def _categories(chance: random.Random) -> Iterator[str | None]:
    while True:
        depth = chance.choice([0, 0, 0, 1, 1, 2, 3] + [50] * (chance.random() < 0.05))
        made = "/".join("".join(chance.choices(_PIECES, k=2)).replace("/", "_") for _ in range(depth))
        yield made or chance.choice(_FOLDERS)


def _stocked(connection: Connection, *, seed: int, count: int) -> None:
    chance = random.Random(seed)
    told = zip(range(count), _titles(chance, count), _categories(chance), strict=False)
    made = [
        {
            "vid": _vid(number),
            "status": "ready",
            "link": f"https://cdn.example/{number}{chance.choice(_EXTENSIONS)}",
            "link_obtained_at": NOW,
            "deadline": FAR,
            "added_at": NOW,
            "title": title.replace("\x00", "\x01"),  # A NUL never gets so far.
            "category": None if category is None else category.replace("\x00", "\x01"),
            "created_at": chance.choice([None, NOW, 0]),
        }
        for number, title, category in told
    ]
    insert_rows(connection, videos, made)


def _claim_all(ledger: Database, layout: str) -> dict[str, str]:
    """Return all paths, by vid, after every video was claimed."""

    def name(video: Nameable, is_twin: bool) -> tuple[str, str]:  # noqa: FBT001 - the ledger's own signature
        facts = Facts(
            vid=video.vid, url=video.url, title=video.title, category=video.category, created_at=video.created_at
        )
        path = path_for(layout, facts, is_twin=is_twin)
        return path, path_key(path)

    claimed = None
    while claimed != []:
        with ledger.writing() as connection:
            claimed = claim(connection, limit=512, owner="run", now=NOW, lease_ms=MINUTE, name=name)
    return {row["vid"]: row["path"] for row in rows(ledger, "SELECT vid, path FROM videos")}


@pytest.mark.parametrize(("layout", "count"), [("{title}{ext}", 10_000), ("{category}/{title}{ext}", 3000)])
def test_f84_ten_thousand_hostile_titles_get_names_that_every_file_system_keeps_apart(
    tmp_path: Path, layout: str, count: int
) -> None:
    """Unique when folded, portable, inside, of bounded length, no file where another one needs a directory."""
    with opened(tmp_path) as ledger:
        with ledger.writing() as connection:
            _stocked(connection, seed=len(layout), count=count)
        paths = _claim_all(ledger, layout)

    files = {path_key(path + ending) for path in paths.values() for ending in ("", SIDECAR)}
    assert (count, 2 * count) == (len(set(paths.values())), len(files))
    above = {path_key("/".join(steps)) for path in paths.values() for steps in _above(path)}
    assert set() == files & above
    assert [] == [path for path in paths.values() if not _is_portable(path)]
    assert max(len((path + SIDECAR).encode()) for path in paths.values()) < 2200

    if "/" in layout:
        root = tmp_path / "archive"
        for name in (name for path in paths.values() for name in (path, path + SIDECAR)):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).open("x").close()


def _above(path: str) -> Iterator[list[str]]:
    steps = path.split("/")
    return (steps[:depth] for depth in range(1, len(steps)))


def _is_portable(path: str) -> bool:
    return path == unicodedata.normalize("NFC", path) and all(map(_is_portable_step, path.split("/")))


def _is_portable_step(step: str) -> bool:
    return (
        0 < len(step.encode()) <= 255
        and step not in (".", "..", ".fetcher")
        and not set(step) & set('\\:*?"<>|')
        and not any(unicodedata.category(c)[0] == "C" for c in step)
        and step == step.strip() == step.rstrip(".")
        and step.split(".", maxsplit=1)[0].strip().lower() not in _RESERVED
    )
