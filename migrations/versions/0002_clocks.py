"""The clocks of links: when a thawed file goes cold, what is postponed, what was learned, how fast a run was."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.add_column("videos", sa.Column("window_ends_at", BIG, nullable=True))
    op.add_column("videos", sa.Column("postponed", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("videos", sa.Column("resubmits", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("runs", sa.Column("bytes_per_s", BIG, nullable=True))
    op.drop_index("ix_videos_claimable", table_name="videos")
    op.create_index(
        "ix_videos_claimable",
        "videos",
        ["held_until", "postponed", "deadline"],
        **_where("status = 'ready' AND held_until IS NULL"),
    )
    op.drop_index("ix_videos_ready", table_name="videos")
    op.create_index("ix_videos_ready", "videos", ["deadline", "window_ends_at"], **_where("status = 'ready'"))
    op.create_table(
        "link_clocks",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("worked_ms", BIG, nullable=True),
        sa.Column("refused_ms", BIG, nullable=True),
        sa.Column("updated_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_link_clocks"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
