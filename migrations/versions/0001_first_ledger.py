"""The first ledger: tasks, videos, what tasks say of videos, history, runs."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("started_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("calls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("bytes_per_s", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_strict=True,
    )
    op.create_table(
        "tasks",
        sa.Column("id", BIG, nullable=False),
        sa.Column("request_key", sa.Text(), nullable=True),
        sa.Column("task_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("expire_days", sa.Integer(), nullable=True),
        sa.Column("added_at", BIG, nullable=False),
        sa.Column("next_poll_at", BIG, nullable=True),
        sa.Column("polled_at", BIG, nullable=True),
        sa.Column("polls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quiet_polls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('submitting', 'open', 'finished', 'lost', 'rejected')", name=op.f("ck_tasks_status")
        ),
        sa.CheckConstraint(
            "task_id IS NOT NULL OR status IN ('submitting', 'lost')", name=op.f("ck_tasks_task_id")
        ),
        sa.CheckConstraint("next_poll_at IS NULL OR task_id IS NOT NULL", name=op.f("ck_tasks_next_poll_at")),
        sa.PrimaryKeyConstraint("id", name="pk_tasks"),
        sa.UniqueConstraint("request_key", name="uq_tasks_request_key"),
        sa.UniqueConstraint("task_id", name="uq_tasks_task_id"),
        sqlite_strict=True,
    )
    op.create_index("ix_tasks_due", "tasks", ["next_poll_at"], **_where("next_poll_at IS NOT NULL"))

    op.create_table(
        "videos",
        sa.Column("id", BIG, nullable=False),
        sa.Column("vid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("link_obtained_at", BIG, nullable=True),
        sa.Column("link_success_at", BIG, nullable=True),
        sa.Column("deadline", BIG, nullable=True),
        sa.Column("window_ends_at", BIG, nullable=True),
        sa.Column("postponed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refused_link", sa.Text(), nullable=True),
        sa.Column("held_until", BIG, nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_token", BIG, server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("suspicions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("size_expected", BIG, nullable=True),
        sa.Column("size", BIG, nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("path_key", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("md5", sa.Text(), nullable=True),
        sa.Column("crc64", sa.Text(), nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("created_at", BIG, nullable=True),
        sa.Column("added_at", BIG, nullable=False),
        sa.Column("done_at", BIG, nullable=True),
        sa.Column("verified_at", BIG, nullable=True),
        sa.CheckConstraint("(status = 'failed') = (reason IS NOT NULL)", name=op.f("ck_videos_reason")),
        sa.CheckConstraint("(status = 'ready') = (link IS NOT NULL)", name=op.f("ck_videos_link")),
        sa.CheckConstraint("held_until IS NULL OR status = 'ready'", name=op.f("ck_videos_held")),
        sa.CheckConstraint(
            "lease_owner IS NULL OR (status = 'ready' AND held_until IS NOT NULL)", name=op.f("ck_videos_lease")
        ),
        sa.CheckConstraint(
            "status <> 'done' OR (path IS NOT NULL AND size IS NOT NULL AND sha256 IS NOT NULL"
            " AND evidence IS NOT NULL AND done_at IS NOT NULL)",
            name=op.f("ck_videos_done"),
        ),
        sa.CheckConstraint(
            "status IN ('wanted', 'waiting', 'ready', 'done', 'failed')", name=op.f("ck_videos_status")
        ),
        sa.CheckConstraint("(path IS NULL) = (path_key IS NULL)", name=op.f("ck_videos_path")),
        sa.CheckConstraint("sha256 IS NULL OR length(sha256) = 64", name=op.f("ck_videos_sha256")),
        sa.PrimaryKeyConstraint("id", name="pk_videos"),
        sa.UniqueConstraint("path_key", name="uq_videos_path_key"),
        sa.UniqueConstraint("vid", name="uq_videos_vid"),
        sqlite_strict=True,
    )
    op.create_index(
        "ix_videos_claimable",
        "videos",
        ["held_until", "postponed", "deadline"],
        **_where("status = 'ready' AND held_until IS NULL"),
    )
    op.create_index("ix_videos_failed", "videos", ["id"], **_where("status = 'failed'"))
    op.create_index("ix_videos_done", "videos", ["done_at"], **_where("done_at IS NOT NULL"))
    op.create_index("ix_videos_held", "videos", ["held_until"], **_where("held_until IS NOT NULL"))
    op.create_index("ix_videos_ready", "videos", ["deadline"], **_where("status = 'ready'"))
    op.create_index("ix_videos_refused", "videos", ["id"], **_where("refused_link IS NOT NULL"))
    op.create_index("ix_videos_waiting", "videos", ["id"], **_where("status = 'waiting'"))
    op.create_index("ix_videos_wanted", "videos", ["id"], **_where("status = 'wanted'"))

    op.create_table(
        "events",
        sa.Column("id", BIG, nullable=False),
        sa.Column("video", BIG, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=False),
        sa.Column("to_status", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["video"], ["videos.id"], name="fk_events_video"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sqlite_strict=True,
    )
    op.create_index("ix_events_video", "events", ["video", "id"])

    op.create_table(
        "task_items",
        sa.Column("task", BIG, autoincrement=False, nullable=False),
        sa.Column("video", BIG, autoincrement=False, nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=True),
        sa.Column("success_at", BIG, nullable=True),
        sa.Column("seen_at", BIG, nullable=False),
        sa.ForeignKeyConstraint(["task"], ["tasks.id"], name="fk_task_items_task"),
        sa.ForeignKeyConstraint(["video"], ["videos.id"], name="fk_task_items_video"),
        sa.PrimaryKeyConstraint("task", "video", name="pk_task_items"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("ix_task_items_video", "task_items", ["video"])
