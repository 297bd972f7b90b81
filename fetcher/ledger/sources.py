"""What Polyv says of sources: whose size or MD5 is not known yet, and what it answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, select

from fetcher.domain.status import Status
from fetcher.domain.vendor import Expected
from fetcher.ledger.bulk import as_one, fetch, one_of, packed, update_rows
from fetcher.ledger.schema import videos

_ASKED_AGAIN_MS: Final = 3 * 86_400_000


class Source(msgspec.Struct, array_like=True, frozen=True):
    """What is known of a video's source."""

    id: int
    vid: str
    status: str
    size_expected: int | None
    size_listed: int | None
    md5_expected: str | None
    size_asked_at: int | None
    md5_asked_at: int | None

    def lacks_size(self, *, now: int) -> bool:
        """Tell whether Polyv is to be asked for the size at *now*, ms UTC: once in some days, until it is done."""
        return self.status != Status.DONE and self.size_expected is None and _is_due(self.size_asked_at, now)

    def lacks_md5(self, *, now: int) -> bool:
        """Tell the same of the MD5."""
        return self.status != Status.DONE and self.md5_expected is None and _is_due(self.md5_asked_at, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What Polyv said of one source, and what it was asked: it may know less."""

    expected: Expected
    listed_size: int | None = None
    """As Polyv's list has it, in bytes; the main account may be told another, which is ``expected`` then."""
    of_size: bool
    of_md5: bool


def known_sources(connection: Connection, *, vids: Iterable[str]) -> dict[str, Source]:
    """Return what is known of *vids*; those that the ledger does not know are left out."""
    return {source.vid: source for source in fetch(connection, _SELECT, packed(vids), _ROWS)}


def keep_told(connection: Connection, told: Mapping[str, Told], *, now: int) -> None:
    """Keep what Polyv said by vid, and that it was asked at *now*, ms UTC. What it does not say stays known."""
    if not told:  # As after most questions.
        return
    known = known_sources(connection, vids=told)
    update_rows(connection, videos, [_row(source, told[vid], now) for vid, source in known.items()])


def _row(source: Source, told: Told, now: int) -> dict[str, Any]:
    expected = told.expected
    size = source.size_expected if expected.size is None else expected.size
    listed = _first_known(told.listed_size, source.size_listed, source.size_expected)
    return {
        "id": source.id,
        "size_expected": size,
        "size_listed": None if listed == size else listed,
        "md5_expected": expected.md5 or source.md5_expected,
        "size_asked_at": now if told.of_size else source.size_asked_at,
        "md5_asked_at": now if told.of_md5 else source.md5_asked_at,
    }


def _first_known(*sizes: int | None) -> int | None:
    return next((size for size in sizes if size is not None), None)


def _is_due(asked_at: int | None, now: int) -> bool:
    """Tell whether to ask again; a moment that lies ahead was written by a wrong clock."""
    return asked_at is None or not 0 <= now - asked_at < _ASKED_AGAIN_MS


_ROWS: Final = msgspec.json.Decoder(list[Source])
_SELECT: Final = as_one(
    select(*(videos.c[name] for name in Source.__struct_fields__)).where(videos.c.vid.in_(one_of()))
)
