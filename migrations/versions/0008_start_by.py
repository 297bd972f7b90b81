"""By when a video has to be begun, and whether links are signed anew: claims and plans go by the former."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Nothing is known of signing yet: a link's death is taken for a loss, as it was before.
FILL = """
UPDATE videos SET start_by = CASE
    WHEN window_ends_at IS NOT NULL AND window_ends_at < deadline THEN window_ends_at ELSE deadline END
WHERE status = 'ready'
"""


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.add_column("link_clocks", sa.Column("signs_anew", sa.Integer(), nullable=True))
    op.add_column("videos", sa.Column("start_by", BIG, nullable=True))
    op.execute(FILL)
    op.drop_index("ix_videos_claimable", table_name="videos")
    op.create_index(
        "ix_videos_claimable",
        "videos",
        ["held_until", "postponed", "start_by"],
        **_where("status = 'ready' AND held_until IS NULL"),
    )
    op.create_index("ix_videos_start_by", "videos", ["start_by"], **_where("status = 'ready'"))
