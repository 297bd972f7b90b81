"""For how long runs have met outages: what may be lost to those that come is named before."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("runs", sa.Column("stood_ms", BIG, nullable=True))
    op.add_column("runs", sa.Column("stands_since", BIG, nullable=True))
