"""All files on their way: which there are, whose they are, and what is gone on with."""

import asyncio
import contextlib
import os
import re
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Final

from fetcher.archive.memos import Memo, read_memo
from fetcher.archive.part import Part

NAME: Final = re.compile(r"(\d{1,19})-([0-9a-f]{8})\.(part|memo)(~?)", re.ASCII)
"""Of what lies among the parts: a video's number, an incarnation, what it is, and ``~`` where it is a draft."""


class Parts:
    """All parts of an archive. Used by the one run that holds the archive's lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._found: dict[int, Part] = {}
        self._others: list[Part] = []
        """Parts under a number that is another video's."""
        self._unknown: dict[str, Part] = {}
        """Parts by vid of videos that the ledger does not know, or not yet."""

    async def scan(self) -> None:
        """Find the parts that earlier runs left; drop what cannot be gone on with.

        Only files and links that bear a name of ours are touched. ``settle`` says whose the parts are.
        """
        names = {name for name in os.listdir(self._directory) if NAME.fullmatch(name)}
        ours = {name for name in names if not (self._directory / name).is_dir()}
        for name in sorted(ours):
            await self._sort_out(name, ours)

    async def _sort_out(self, name: str, names: set[str]) -> None:
        stem, _, kind = name.partition(".")
        if kind == "memo":
            await self._adopt(stem)
        elif kind == "part" and f"{stem}.memo" not in names:
            self._keep_if_placed(stem)
        elif kind.endswith("~"):
            (self._directory / name).unlink()

    def _keep_if_placed(self, stem: str) -> None:
        """A part without a memo is of use only where it has a final name too."""
        part = self._named(stem, None)
        if part.path.lstat().st_nlink > 1 and part.video_id not in self._found:
            self._found[part.video_id] = part
        else:
            part.discard()

    async def _adopt(self, stem: str) -> None:
        """A part with a memo that can be read is gone on with."""
        part = self._named(stem, await asyncio.to_thread(read_memo, self._directory / f"{stem}.memo"))
        before = self._found.setdefault(part.video_id, part) if part.memo is not None and part.is_plain() else None
        if before is None or (before is not part and before.vid == part.vid):
            part.discard()
        elif before is not part:
            self._others.append(part)

    def _named(self, stem: str, memo: Memo | None) -> Part:
        video_id, _, token = stem.partition("-")
        return Part(self._directory, int(video_id), token, memo)

    def ids(self) -> list[int]:
        """Return the numbers under which parts or memos were found."""
        return list(self._found)

    def vids(self) -> set[str]:
        """Return whose they are by their memos."""
        return {part.vid for part in (*self._found.values(), *self._others) if part.vid is not None}

    def settle(self, owners: Mapping[str, int | None], unended: Container[int]) -> None:
        """Keep the parts of videos that are still to be fetched, drop those of others.

        By the vid in its memo, not by the number in its name: a ledger that was brought back from a copy gives the
        numbers of what it does not know any more to other videos. What it does not know is left where it is, until
        somebody asks for that video again.

        Args:
            owners: By vid, the number of each video that is known; None where it has come to its end.
            unended: Numbers of the videos that have not, for parts without a memo.
        """
        found, self._found, self._others = [*self._found.values(), *self._others], {}, []
        for part in sorted(found, key=lambda one: one.video_id != owners.get(one.vid or "")):
            if part.vid is not None and part.vid not in owners:
                self._unknown[part.vid] = part
                continue
            by_number = part.video_id if part.video_id in unended else None
            number = by_number if part.vid is None else owners[part.vid]
            if number is None or number in self._found:
                part.discard()
                continue
            if number != part.video_id:
                part.renumber(number)
            self._found[number] = part

    def sizes(self) -> dict[int, int]:
        """Return the bytes that are here of each video whose part nobody works on."""
        sizes: dict[int, int] = {}
        for video_id, part in self._found.items():
            with contextlib.suppress(OSError):  # A memo alone.
                sizes[video_id] = part.path.lstat().st_size
        return sizes

    def take(self, video_id: int, vid: str) -> Part:
        """Return the part of a video, a new one where there is none."""
        if video_id not in self._found and (unknown := self._unknown.pop(vid, None)):
            unknown.renumber(video_id)
            return unknown
        known = self._found.pop(video_id, None)
        return known or Part.new(self._directory, video_id)

    def keep(self, video_id: int, part: Part) -> None:
        """Note that *part* stays: for a later try, or until the ledger says ``done``."""
        self._found[video_id] = part

    def drop(self, video_id: int) -> None:
        """Remove a video's part, if it has one."""
        part = self._found.pop(video_id, None)
        if part is not None:
            part.discard()
