"""Done files that are missing, and where their bytes are now."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fetcher.domain.verification import DoneFile
from fetcher.ledger.paging import Reading
from fetcher.ledger.verifying import PAGE, done_of

_MOST_SOUGHT: Final = 100_000
"""So many missing files are looked for under other names; where more are gone, they were not moved one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the bytes of a missing file are now."""

    path: str
    is_certain: bool
    """Whether no other file and no other video comes into question."""


class Gone:
    """Done files that are missing: eight bytes each, and more only as long as they are looked for."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._sizes: set[int] = set()
        self._digests: dict[bytes, int] = {}
        self._twins: set[bytes] = set()
        self._places: dict[int, Place] = {}
        self._others: set[int] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, video_id: object) -> bool:
        if not isinstance(video_id, int):
            return False
        at = bisect_left(self._ids, video_id)
        return at < len(self._ids) and self._ids[at] == video_id

    @property
    def moved(self) -> int:
        """How many were found elsewhere."""
        return len(self._places)

    def add(self, done: DoneFile) -> None:
        """Take in a missing file. They come by id."""
        self._ids.append(done.video_id)
        if len(self._ids) > _MOST_SOUGHT:
            self._sizes, self._digests, self._twins = set(), {}, set()
            return
        digest = bytes.fromhex(done.sha256)
        self._sizes.add(done.size)
        if self._digests.setdefault(digest, done.video_id) != done.video_id:
            self._twins.add(digest)

    def is_sought(self, size: int | None) -> bool:
        """Tell whether a file of that size may be one of them."""
        return size in self._sizes

    def seen(self, size: int) -> None:
        """Take in the size of a file that no video has and nobody reads."""
        self._others.add(size)

    def may_be_moved(self, done: DoneFile) -> bool:
        """Tell whether one of those is as large as a missing file."""
        return done.size in self._others

    def found(self, path: str, sha256: str) -> bool:
        """Take in a file that no video has; tell whether it is one of them."""
        digest = bytes.fromhex(sha256)
        video_id = self._digests.get(digest)
        if video_id is None:
            return False
        known = self._places.get(video_id)
        is_certain = known is None and digest not in self._twins
        self._places[video_id] = Place(path=path if known is None else known.path, is_certain=is_certain)
        return True

    def place(self, video_id: int) -> Place | None:
        """Return where a missing file is, None where nobody knows."""
        return self._places.get(video_id)

    def pages(self, reading: Reading) -> Iterator[Sequence[DoneFile]]:
        """Yield them by id, some hundred at a time, as the ledger has them by then."""
        for start in range(0, len(self._ids), PAGE):
            with reading() as connection:
                page = done_of(connection, list(self._ids[start : start + PAGE]))
            yield page
