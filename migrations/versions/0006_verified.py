"""Which done file was verified least recently, without a look at all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_videos_verified", "videos", ["verified_at"], sqlite_where=sa.text("done_at IS NOT NULL"))
