"""What can be wrong inside of a ledger, and what it says of what lies beside it: nothing is loaded whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import CheckConstraint, Connection, Table, func, select, text
from sqlalchemy.exc import DatabaseError

from fetcher.domain.identifiers import printable
from fetcher.domain.status import Status
from fetcher.ledger.bulk import one_of, packed
from fetcher.ledger.damage import damaged, require_damage
from fetcher.ledger.paging import row_pages
from fetcher.ledger.schema import metadata, runs, videos

_PAGE: Final = 500
_MOST_FAULTS: Final = 100
_NO_FAULTS: Final = ("ok", "*** in database main ***")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldVideo:
    """A video that a run has claimed and nobody works on any more."""

    vid: str
    owner: str
    held_until: int
    """ms UTC."""


def faults(connection: Connection) -> Iterator[str]:
    """Yield what is wrong with pages, indexes, keys and constraints; the first hundred of each.

    Where SQLite finds faults, the tables that have them come first; what cannot be read then is not told twice.

    Source: SQLite, PRAGMA integrity_check (its texts name tables and indexes, never a row's values) and
    PRAGMA foreign_key_check.
    """
    is_told = False
    try:
        for fault in _faults_of_pages(connection):
            if not is_told:
                is_told = True
                yield from damaged(connection)
            yield fault
        yield from _faults_of_rows(connection)
    except DatabaseError as exc:
        require_damage(exc)
        if is_told:
            return
        for fault in damaged(connection):
            is_told = True
            yield fault
        if not is_told:
            raise


def _faults_of_pages(connection: Connection) -> Iterator[str]:
    for (told,) in connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST_FAULTS})").all():
        # Faults of one page come as one text of several lines, below the database's name.
        yield from (printable(line) for line in told.splitlines() if line not in _NO_FAULTS)


def _faults_of_rows(connection: Connection) -> Iterator[str]:
    pointing = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(_MOST_FAULTS)
    for table, row_id, parent, _ in pointing:
        yield f"row {row_id} of {table} points to a row of {parent} that is not there"
    for table in metadata.sorted_tables:
        yield from _broken_constraints(connection, table)


def _broken_constraints(connection: Connection, table: Table) -> Iterator[str]:
    """Yield which constraints of a table its rows do not keep.

    SQLite's own check leaves them out on a connection that can only read, for it does not even parse them there.
    Source: SQLite, src/build.c, sqlite3AddCheckConstraint.
    """
    checks = [one for one in table.constraints if isinstance(one, CheckConstraint)]
    if not checks:
        return
    counted = select(*(func.count().filter(text(f"NOT ({one.sqltext})")) for one in checks)).select_from(table)
    for check, count in zip(checks, connection.execute(counted).one(), strict=True):
        if count:
            yield f"{count} rows of {table.name} break {check.name}"


def doubled_paths(connection: Connection) -> Iterator[tuple[str, int]]:
    """Yield each path that several videos have, and how many."""
    counted = (
        select(videos.c.path, func.count())
        .where(videos.c.path.is_not(None))
        .group_by(videos.c.path)
        .having(func.count() > 1)
        .limit(_MOST_FAULTS)
    )
    for row in connection.execute(counted).all():
        yield row[0], row[1]


def left_claims(connection: Connection, *, now: int) -> Iterator[HeldVideo]:
    """Yield claims that nobody keeps: the lease is over, or the run that took it has ended.

    Args:
        connection: To read.
        now: ms UTC.
    """
    ended = select(runs.c.owner).where(runs.c.ended_at.is_not(None))
    is_over = (videos.c.held_until <= now) | videos.c.lease_owner.in_(ended)
    left = select(videos.c.id, videos.c.vid, videos.c.lease_owner, videos.c.held_until).where(
        videos.c.held_until.is_not(None), videos.c.lease_owner.is_not(None), is_over
    )
    for page in row_pages(connection, left, size=_PAGE):
        yield from (HeldVideo(vid=row.vid, owner=row.lease_owner, held_until=row.held_until) for row in page)


def statuses(connection: Connection, video_ids: Sequence[int]) -> dict[int, tuple[str, Status]]:
    """Return vid and status by id, of those of *video_ids* that there are."""
    wanted = select(videos.c.id, videos.c.vid, videos.c.status).where(videos.c.id.in_(one_of()))
    found = connection.execute(wanted, packed(video_ids)).all()
    return {row.id: (row.vid, Status(row.status)) for row in found}


def paths_with_keys(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return the paths of the videos, done or not, whose folded path is one of *keys*."""
    wanted = select(videos.c.path).where(videos.c.path_key.in_(one_of()))
    return set(connection.scalars(wanted, packed(keys)).all())
