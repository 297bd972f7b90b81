"""What Polyv says of a source beside its size, and all that a finished file was compared with."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("videos", sa.Column("md5_expected", sa.Text(), nullable=True))
    op.add_column("videos", sa.Column("size_asked_at", BIG, nullable=True))
    op.add_column("videos", sa.Column("md5_asked_at", BIG, nullable=True))
    op.add_column("videos", sa.Column("differed", sa.Text(), nullable=True))
    op.add_column("videos", sa.Column("agreed", sa.Text(), nullable=True))
    op.add_column("videos", sa.Column("container", sa.Text(), nullable=True))
