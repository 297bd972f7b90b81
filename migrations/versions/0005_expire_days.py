"""For how many days a wanted video is to stay readable, where somebody said so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("videos", sa.Column("expire_days", sa.Integer(), nullable=True))
