"""Take videos to work on, and give them back. A claim is a lease with a fencing number, not a status."""

import itertools
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection, Integer, bindparam, func, select, update

from fetcher.domain.link import Link
from fetcher.domain.status import Status
from fetcher.domain.vendor import Expected
from fetcher.ledger.bulk import as_one, fetch, one_of, packed, update_rows
from fetcher.ledger.changes import Fence
from fetcher.ledger.schema import has_status, videos


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A video taken to be downloaded."""

    video_id: int
    vid: str
    link: Link
    deadline: int | None
    """By when to use the link, ms UTC; None where it does not tell."""
    start_by: int | None
    """By when to begin so that the video is not lost, ms UTC; None is the most urgent."""
    postponed: int
    """Where the plan puts it: lower ones come first."""
    path: str
    """Below the archive, fixed from the first claim on."""
    attempts: int
    """Tries so far."""
    suspicions: int
    """How many of them met something that is no video."""
    size: int | None
    sha256: str | None
    resubmits: int
    """Thaw windows that closed on it, each followed by a new task."""
    created_at: int | None
    """At Polyv, ms UTC."""
    expected: Expected
    """What Polyv says of it."""
    differed: str | None
    """sha256 of a whole copy that was not what Polyv says."""
    fence: Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameable:
    """What a video's first name is made from."""

    vid: str
    url: str
    title: str | None
    category: str | None
    created_at: int | None


_LONGEST_NAME: Final = 250
"""Bytes of a path's last component; every common file system takes five more, for what lies beside the file."""

Namer = Callable[[Nameable, bool], tuple[str, str]]


def claim(connection: Connection, *, limit: int, owner: str, now: int, lease_ms: int, name: Namer) -> list[Claimed]:
    """Claim up to *limit* ready videos, first what has to be begun first; where nobody knows when is most urgent.

    What is postponed comes after all that is not.

    Leases that ended are freed first, but those of *owner*: it lives, so what it claimed is still worked on,
    however long its host slept.

    Args:
        connection: A write transaction.
        limit: How many at the most.
        owner: This run.
        now: ms UTC.
        lease_ms: How long the claim holds.
        name: Returns path and key for a video; called a second time with True where the first is taken.
    """
    _end_leases(connection, owner, now)
    due = connection.execute(_DUE_IDS, {"most": max(limit, 0)}).scalar_one()  # A negative one means none to SQLite.
    connection.execute(_CLAIM, {"rows": due, "until": now + lease_ms, "owner": owner})
    taken = fetch(connection, _TAKEN, {"rows": due}, _ROWS)
    paths = _paths(connection, taken, name)
    claimed = [_claimed(row, paths[row.id]) for row in taken]
    return sorted(claimed, key=_urgency)


def _urgency(one: Claimed) -> tuple[int, bool, int, int]:
    return one.postponed, one.start_by is not None, one.start_by or 0, one.video_id


def extend(connection: Connection, *, owner: str, until: int) -> int:
    """Hold all of a run's claims until *until*, return how many there are.

    Args:
        connection: A write transaction.
        owner: The run.
        until: ms UTC.
    """
    return connection.execute(
        update(videos)
        .where(videos.c.held_until.is_not(None), videos.c.lease_owner == owner)
        .values(held_until=until)
    ).rowcount


def release(connection: Connection, *, owner: str, video_ids: Sequence[int] | None = None) -> None:
    """Give claims of *owner* back, all of them or those named.

    Args:
        connection: A write transaction.
        owner: The run.
        video_ids: Which; None for all.
    """
    free = update(videos).where(videos.c.held_until.is_not(None), videos.c.lease_owner == owner)
    if video_ids is not None:
        free = free.where(videos.c.id.in_(video_ids))
    connection.execute(free.values(held_until=None, lease_owner=None))


def end_pauses(connection: Connection, *, video_ids: Sequence[int]) -> None:
    """Let videos that wait for their next try be claimed at once."""
    connection.execute(
        update(videos)
        .where(videos.c.id.in_(video_ids), videos.c.held_until.is_not(None), videos.c.lease_owner.is_(None))
        .values(held_until=None)
    )


def is_any_elsewhere(connection: Connection, *, hosts: Sequence[str]) -> bool:
    """Tell whether any ready video has a link that leads to none of *hosts*."""
    leads_there = [videos.c.link.like(f"%://{host}{end}%") for host in hosts for end in "/:"]
    other = select(videos.c.id).where(has_status(Status.READY), *(~there for there in leads_there)).limit(1)
    return connection.execute(other).first() is not None


def release_others(connection: Connection, *, owner: str) -> None:
    """Give back what dead runs left claimed. Only for who holds the archive's lock: nobody else can be alive."""
    connection.execute(
        update(videos)
        .where(videos.c.held_until.is_not(None), videos.c.lease_owner != owner)
        .values(held_until=None, lease_owner=None)
    )


def _end_leases(connection: Connection, owner: str, now: int) -> None:
    """Free what is held no longer. Looked for first: most claims find nothing to write."""
    ended = (videos.c.held_until <= now, videos.c.lease_owner.is_distinct_from(owner))
    if connection.execute(select(videos.c.id).where(*ended).limit(1)).first() is not None:
        connection.execute(update(videos).where(*ended).values(held_until=None, lease_owner=None))


class _Row(msgspec.Struct, array_like=True):
    """What is to be known of a video that was claimed."""

    id: int
    vid: str
    link: str
    link_obtained_at: int
    link_success_at: int | None
    deadline: int | None
    start_by: int | None
    postponed: int
    path: str | None
    attempts: int
    suspicions: int
    size: int | None
    sha256: str | None
    resubmits: int
    lease_owner: str
    lease_token: int
    title: str | None
    category: str | None
    created_at: int | None
    size_expected: int | None
    md5_expected: str | None
    differed: str | None


def _paths(connection: Connection, rows: Sequence[_Row], name: Namer) -> dict[int, str]:
    """Return the path of each video, and fix those that have none yet."""
    unnamed = {row.id: _nameable(row) for row in rows if row.path is None}
    names = {video_id: name(facts, False) for video_id, facts in unnamed.items()}  # noqa: FBT003
    taken = _taken(connection, [key for _, key in names.values()])
    for video_id, (path, key) in names.items():
        if key in taken:
            twin = name(unnamed[video_id], True)  # noqa: FBT003
            path, key = _free(connection, twin, video_id, taken)  # noqa: PLW2901
            names[video_id] = path, key
        taken.add(key)
    update_rows(
        connection,
        videos,
        [{"id": one, "path": path, "path_key": key} for one, (path, key) in names.items()],
    )
    return {row.id: row.path or names[row.id][0] for row in rows}


def _nameable(row: _Row) -> Nameable:
    return Nameable(vid=row.vid, url=row.link, title=row.title, category=row.category, created_at=row.created_at)


def _taken(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return which of *keys* other videos have."""
    return {found.path_key for found in fetch(connection, _SELECT_KEYS, packed(keys), _KEYS)}


class _Key(msgspec.Struct, array_like=True):
    path_key: str


def _free(connection: Connection, twin: tuple[str, str], video_id: int, taken: set[str]) -> tuple[str, str]:
    """Return a twin's path and key, with a number where they are taken, too.

    Vids that differ in case only make names that many disks take for one, and a title may be what such a name is.
    """
    endings = itertools.chain([""], [f"-{video_id}"], (f"-{video_id}-{again}" for again in itertools.count(2)))
    names = (twin if not ending else (_numbered(twin[0], ending), _numbered(twin[1], ending)) for ending in endings)
    return next((path, key) for path, key in names if key not in taken and not _taken(connection, [key]))


def _numbered(path: str, number: str) -> str:
    """Put a number before a path's extension."""
    stem, extension = posixpath.splitext(path)
    ending = f"{number}{extension}"
    above, slash, name = stem.rpartition("/")
    room = _LONGEST_NAME - len(ending.encode())
    return above + slash + name.encode()[:room].decode(errors="ignore") + ending


def _claimed(row: _Row, path: str) -> Claimed:
    return Claimed(
        video_id=row.id,
        vid=row.vid,
        link=Link(url=row.link, obtained_at=row.link_obtained_at, success_at=row.link_success_at),
        deadline=row.deadline,
        start_by=row.start_by,
        postponed=row.postponed,
        path=path,
        attempts=row.attempts,
        suspicions=row.suspicions,
        size=row.size,
        sha256=row.sha256,
        resubmits=row.resubmits,
        created_at=row.created_at,
        expected=Expected(size=row.size_expected, md5=row.md5_expected),
        differed=row.differed,
        fence=Fence(owner=row.lease_owner, token=row.lease_token),
    )


_ROWS: Final = msgspec.json.Decoder(list[_Row])
_KEYS: Final = msgspec.json.Decoder(list[_Key])
_DUE: Final = (
    select(videos.c.id)
    .where(has_status(Status.READY), videos.c.held_until.is_(None))
    .order_by(videos.c.postponed, videos.c.start_by.asc().nulls_first())
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
_DUE_IDS: Final = select(func.json_group_array(_DUE.c.id))
_CLAIM: Final = (
    update(videos)
    .where(videos.c.id.in_(one_of()))
    .values(
        held_until=bindparam("until", type_=videos.c.held_until.type),
        lease_owner=bindparam("owner", type_=videos.c.lease_owner.type),
        lease_token=videos.c.lease_token + 1,
    )
)
_TAKEN: Final = as_one(
    select(*(videos.c[name] for name in _Row.__struct_fields__)).where(videos.c.id.in_(one_of()))
)
_SELECT_KEYS: Final = as_one(select(videos.c.path_key).where(videos.c.path_key.in_(one_of())))
