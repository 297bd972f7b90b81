"""Which done files are to be verified, and what came of it: page by page, nothing loaded whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, Text, bindparam, func, select, tuple_, update
from sqlalchemy.sql.elements import ColumnElement

from fetcher.domain.errors import FetcherError
from fetcher.domain.events import FileDamaged, FileMoved
from fetcher.domain.status import Status
from fetcher.domain.verification import DoneFile
from fetcher.ledger.bulk import one_of, packed
from fetcher.ledger.changes import Change, apply, apply_all
from fetcher.ledger.paging import Reading, page_after, pages
from fetcher.ledger.schema import has_status, videos

PAGE: Final = 500
_FORGOTTEN: Final = 5000
_BY_AGE: Final = videos.c.done_at.is_not(None)
"""True of all that is done; with it SQLite takes the index of when each was verified."""
_FILE: Final = (videos.c.id, videos.c.vid, videos.c.path, videos.c.size, videos.c.sha256, videos.c.verified_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A done file, and since when nobody has read it."""

    done: DoneFile
    verified_at: int | None
    """ms UTC, None for never or for nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Videos that somebody named."""

    done: Sequence[DoneFile]
    others: Sequence[str]
    """Vids of those that are not done."""
    unknown: Sequence[str]


def due_after(connection: Connection, last: Due | None, *, before: int) -> list[Due]:
    """Return the next done files, the one verified least recently first; none behind the last one.

    Args:
        connection: In any transaction: what is verified between two pages goes behind *before*, and is not met.
        last: Of the page before, None for the first one.
        before: Only those that were last verified before, ms UTC.
    """
    rows: list[Due] = []
    if last is None or last.verified_at is None:
        last_id = 0 if last is None else last.done.video_id
        never = _done().where(_BY_AGE, videos.c.verified_at.is_(None), videos.c.id > last_id)
        rows = _dues(connection, never.order_by(videos.c.id).limit(PAGE))
    if rows:
        return rows
    since = (-1, 0) if last is None or last.verified_at is None else (last.verified_at, last.done.video_id)
    later = _done().where(_BY_AGE, tuple_(videos.c.verified_at, videos.c.id) > since, videos.c.verified_at < before)
    return _dues(connection, later.order_by(videos.c.verified_at, videos.c.id).limit(PAGE))


def done_files(reading: Reading) -> Iterator[DoneFile]:
    """Yield every done file, in the order in which the videos came to be known.

    Args:
        reading: Opens the ledger, for each page anew.
    """

    def read(last_id: int) -> list[DoneFile]:
        with reading() as connection:
            return [_file(row) for row in connection.execute(page_after(_done(), last_id, size=PAGE))]

    for page in pages(read, lambda done: done.video_id):
        yield from page


def done_of(connection: Connection, video_ids: Sequence[int]) -> list[DoneFile]:
    """Return those of *video_ids* that are done."""
    return [_file(row) for row in connection.execute(_done().where(videos.c.id.in_(one_of())), packed(video_ids))]


def named(connection: Connection, vids: Sequence[str]) -> Named:
    """Return the videos that are called *vids*."""
    found = select(*_FILE, videos.c.status).where(videos.c.vid.in_(one_of()))
    rows = {row.vid: row for row in connection.execute(found, packed(vids))}
    return Named(
        done=[_file(row) for row in rows.values() if row.status == Status.DONE.value],
        others=[row.vid for row in rows.values() if row.status != Status.DONE.value],
        unknown=[vid for vid in vids if vid not in rows],
    )


def total(connection: Connection) -> tuple[int, int]:
    """Return how many done files there are, and how many bytes they have."""
    size = func.coalesce(func.sum(videos.c.size), 0)
    row = connection.execute(select(func.count(), size).where(videos.c.done_at.is_not(None))).one()
    return row[0], row[1]


def is_still(connection: Connection, done: DoneFile) -> bool:
    """Tell whether the ledger says of a file what it said when it was looked at."""
    return connection.execute(select(videos.c.id).where(*_same(done))).first() is not None


def keep_verified(connection: Connection, verified: Sequence[tuple[int, str, int]]) -> None:
    """Write down of files that every byte was read and right.

    Args:
        connection: A write transaction.
        verified: Id, sha256 and moment (ms UTC) of each. What has other bytes by now is left as it is.
    """
    connection.execute(_KEEP, packed(verified))


def forget_future(connection: Connection, *, now: int) -> int:
    """Take back what was verified in the future, when the clock was wrong: it would not have its turn for long.

    Returns:
        How many; to be called again until there are none.
    """
    ahead = select(videos.c.id).where(_BY_AGE, videos.c.verified_at > now).limit(_FORGOTTEN)
    return connection.execute(update(videos).where(videos.c.id.in_(ahead)).values(verified_at=None)).rowcount


def want_again(connection: Connection, damaged: Sequence[tuple[DoneFile, str]], *, now: int) -> set[int]:
    """Put done videos back to what is wanted.

    Args:
        connection: A write transaction.
        damaged: The files, and what is wrong with each.
        now: ms UTC.

    Returns:
        The ids of those that were; what is not done any more stays as it is.
    """
    same = [(done, detail) for done, detail in damaged if is_still(connection, done)]
    changes = [Change(video_id=one.video_id, event=FileDamaged(at=now, detail=detail)) for one, detail in same]
    results = apply_all(connection, changes)
    pairs = zip(same, results, strict=True)
    return {done.video_id for (done, _), result in pairs if not isinstance(result, FetcherError)}


def move(connection: Connection, done: DoneFile, path: str, key: str, *, now: int) -> bool:
    """Give a done file the path where it is now; False where another video has that, or this one is not the same.

    Args:
        connection: A write transaction.
        done: The file.
        path: Below the archive.
        key: The same, folded.
        now: ms UTC.
    """
    taken = select(videos.c.id).where(videos.c.path_key == key, videos.c.id != done.video_id)
    if connection.execute(taken).first() is not None or not is_still(connection, done):
        return False
    event = FileMoved(at=now, path=path, path_key=key, before=done.path)
    apply(connection, Change(video_id=done.video_id, event=event))
    return True


def _done() -> Select[Any]:
    return select(*_FILE).where(has_status(Status.DONE))


def _same(done: DoneFile) -> tuple[ColumnElement[bool], ...]:
    same = (videos.c.id == done.video_id, videos.c.path == done.path, videos.c.sha256 == done.sha256)
    return *same, has_status(Status.DONE)


def _dues(connection: Connection, page: Select[Any]) -> list[Due]:
    return [Due(done=_file(row), verified_at=row.verified_at) for row in connection.execute(page)]


def _file(row: Any) -> DoneFile:
    return DoneFile(video_id=row.id, vid=row.vid, path=row.path, size=row.size, sha256=row.sha256)


def _keep() -> Any:
    each = func.json_each(bindparam("rows", type_=Text)).table_valued("value", name="each_row")
    fields = [func.json_extract(each.c.value, f"$[{number}]") for number in range(3)]
    same = (videos.c.id == fields[0], videos.c.sha256 == fields[1], has_status(Status.DONE))
    return update(videos).where(*same).values(verified_at=fields[2])


_KEEP: Final = _keep()
