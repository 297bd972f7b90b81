"""The tables. Instants are integer milliseconds, UTC; every constraint has a name and keeps a status honest."""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
    text,
)

from fetcher.domain.status import Status

APPLICATION_ID: Final = 0x66746368
"""``ftch``: tells a ledger from any other SQLite file (PRAGMA application_id)."""

REVISIONS: Final = ("0001", "0002", "0004", "0005", "0006", "0008", "0009", "0010")
"""Every migration, oldest first; the last one is what this code works with."""

_Big = BigInteger().with_variant(Integer(), "sqlite")

metadata: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

tasks: Final = Table(
    "tasks",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("request_key", Text, unique=True, comment="ours, written before the call that creates the task"),
    Column("task_id", Text, unique=True, comment="Polyv's, NULL until it answered"),
    Column("status", Text, nullable=False),
    Column("expire_days", Integer, comment="days the thawed files stay readable, NULL where unknown"),
    Column("added_at", _Big, nullable=False),
    Column("next_poll_at", _Big, comment="NULL: nothing to ask"),
    Column("polled_at", _Big, comment="of a lost one: when a person had a video of it put back"),
    Column("polls", Integer, nullable=False, server_default=text("0")),
    Column("quiet_polls", Integer, nullable=False, server_default=text("0"), comment="since the last news"),
    Column("last_error", Text),
    CheckConstraint("status IN ('submitting', 'open', 'finished', 'lost', 'rejected')", name="status"),
    CheckConstraint("task_id IS NOT NULL OR status IN ('submitting', 'lost')", name="task_id"),
    CheckConstraint("next_poll_at IS NULL OR task_id IS NOT NULL", name="next_poll_at"),
    Index("ix_tasks_due", "next_poll_at", sqlite_where=text("next_poll_at IS NOT NULL")),
    sqlite_strict=True,
)  # fmt: skip


def _live(name: str, columns: str, where: str) -> Index:
    # PostgreSQL's condition belongs here once a ledger may live there: SQLAlchemy loads a dialect as soon as one of
    # its keywords is named, and this one takes a tenth of the time that a command needs to start.
    return Index(name, *columns.split(), sqlite_where=text(where))


videos: Final = Table(
    "videos",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("vid", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text, comment="what went wrong last, for a person"),
    Column("link", Text, comment="a secret"),
    Column("link_obtained_at", _Big),
    Column("link_success_at", _Big),
    Column("deadline", _Big, comment="by when to use the link; NULL where it does not tell"),
    Column("refused_link", Text, comment="a secret; not tried again in the run that saw it refused"),
    Column("held_until", _Big, comment="the end of a lease, or not before"),
    Column("lease_owner", Text),
    Column("lease_token", _Big, nullable=False, server_default=text("0"), comment="+1 a claim: the fence"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("suspicions", Integer, nullable=False, server_default=text("0"), comment="tries that met no video"),
    Column("size_expected", _Big),
    Column("size", _Big),
    Column("etag", Text),
    Column("path", Text, comment="below the archive, fixed at the first claim"),
    Column("path_key", Text, unique=True, comment="path, case and composition folded"),
    Column("sha256", Text),
    Column("md5", Text),
    Column("crc64", Text),
    Column("evidence", Text),
    Column("title", Text),
    Column("category", Text),
    Column("created_at", _Big),
    Column("added_at", _Big, nullable=False),
    Column("done_at", _Big),
    Column("verified_at", _Big),
    Column("window_ends_at", _Big, comment="when the thawed file goes cold; NULL where nobody knows"),
    Column(
        "postponed",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="the plan's rank: lower first",
    ),
    Column("resubmits", Integer, nullable=False, server_default=text("0"), comment="windows that closed in a row"),
    Column("md5_expected", Text, comment="Polyv's, lower-case hex"),
    Column("size_asked_at", _Big, comment="when Polyv was last asked for the size, ms UTC"),
    Column("md5_asked_at", _Big, comment="when Polyv was last asked for the MD5, ms UTC"),
    Column("differed", Text, comment="sha256 of a whole copy that was not what Polyv says"),
    Column("agreed", Text, comment="all that was compared and agrees, and whose word it was"),
    Column("container", Text, comment="by the file's first bytes"),
    Column("expire_days", Integer, comment="asked for with submit; NULL: as the settings say"),
    Column("start_by", _Big, comment="by when to begin so that it is not lost; NULL: the most urgent"),
    Column("size_listed", _Big, comment="in Polyv's list, where its main account is told another; else NULL"),
    Column("size_listed_then", _Big, comment="in Polyv's list when the file was done; NULL where unknown"),
    CheckConstraint("status IN ('wanted', 'waiting', 'ready', 'done', 'failed')", name="status"),
    CheckConstraint("(status = 'failed') = (reason IS NOT NULL)", name="reason"),
    CheckConstraint("(status = 'ready') = (link IS NOT NULL)", name="link"),
    CheckConstraint(
        "status <> 'done' OR (path IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL"
        " AND evidence IS NOT NULL AND done_at IS NOT NULL)",
        name="done",
    ),
    CheckConstraint("lease_owner IS NULL OR (status = 'ready' AND held_until IS NOT NULL)", name="lease"),
    CheckConstraint("held_until IS NULL OR status = 'ready'", name="held"),
    CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name="sha256"),
    CheckConstraint("(path IS NULL) = (path_key IS NULL)", name="path"),
    # Led by what is NULL in all of it: else SQLite takes ix_videos_ready and steps over all that is held.
    _live("ix_videos_claimable", "held_until postponed start_by", "status = 'ready' AND held_until IS NULL"),
    _live("ix_videos_ready", "deadline window_ends_at", "status = 'ready'"),
    _live("ix_videos_start_by", "start_by", "status = 'ready'"),
    _live("ix_videos_held", "held_until", "held_until IS NOT NULL"),
    _live("ix_videos_done", "done_at", "done_at IS NOT NULL"),
    # Not by status: whoever goes through all that is done would come by way of this one, row by row.
    _live("ix_videos_verified", "verified_at", "done_at IS NOT NULL"),
    _live("ix_videos_wanted", "id", "status = 'wanted'"),
    _live("ix_videos_waiting", "id", "status = 'waiting'"),
    _live("ix_videos_failed", "id", "status = 'failed'"),
    _live("ix_videos_refused", "id", "refused_link IS NOT NULL"),
    sqlite_strict=True,
)

task_items: Final = Table(
    "task_items",
    metadata,
    Column("task", _Big, ForeignKey("tasks.id"), primary_key=True, autoincrement=False),
    Column("video", _Big, ForeignKey("videos.id"), primary_key=True, autoincrement=False),
    Column("said", Text, nullable=False, comment="Polyv's status of the video in this task, as it came"),
    Column("created_at", _Big),
    Column("success_at", _Big),
    Column("seen_at", _Big, nullable=False, comment="when this was first said"),
    Index("ix_task_items_video", "video"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

events: Final = Table(
    "events",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("video", _Big, ForeignKey("videos.id"), nullable=False),
    Column("at", _Big, nullable=False),
    Column("kind", Text, nullable=False),
    Column("from_status", Text, nullable=False),
    Column("to_status", Text, nullable=False),
    Column("detail", Text),
    Index("ix_events_video", "video", "id"),
    sqlite_strict=True,
)

runs: Final = Table(
    "runs",
    metadata,
    Column("id", _Big, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("started_at", _Big, nullable=False),
    Column("ended_at", _Big),
    Column("exit_code", Integer),
    Column("done", Integer, nullable=False, server_default=text("0")),
    Column("failed", Integer, nullable=False, server_default=text("0")),
    Column("bytes", _Big, nullable=False, server_default=text("0")),
    Column("calls", Integer, nullable=False, server_default=text("0"), comment="of Polyv's API"),
    Column("bytes_per_s", _Big, comment="while anything was under way; NULL where too little was to tell"),
    Column("stood_ms", _Big, comment="of the outages that ended in it; NULL where nobody looked"),
    Column("stands_since", _Big, comment="when the outage began in which it ended; NULL where it did not"),
    sqlite_strict=True,
)

link_clocks: Final = Table(
    "link_clocks",
    metadata,
    Column("host", Text, primary_key=True, comment="whose links"),
    Column("worked_ms", _Big, comment="age of the oldest link that worked, since its timestamp"),
    Column("refused_ms", _Big, comment="age of the youngest that was refused as expired"),
    Column("updated_at", _Big, nullable=False),
    Column("signs_anew", Integer, comment="whether Polyv signs them anew; NULL where nothing has shown it"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)


def has_status(status: Status) -> ColumnElement[bool]:
    """Compare with a literal in the SQL text: a bound value would keep partial indexes from being used."""
    return videos.c.status == _literal(status)


def _literal(status: Status) -> ColumnElement[Any]:
    return literal_column(f"'{status.value}'")
