"""What Polyv's list said of a size when the file was done: by it a later word is told from an old error."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# Known only of what was kept although its size differs. Of all others a size that differs now may be a new one.
FILL = """
UPDATE videos SET size_listed_then = size_expected
WHERE status = 'done' AND size_expected <> size AND detail || ' and '
    LIKE 'kept, although it has ' || size || ' bytes, Polyv says ' || size_expected || ' and %'
"""


def upgrade() -> None:
    op.add_column("videos", sa.Column("size_listed", BIG, nullable=True))
    op.add_column("videos", sa.Column("size_listed_then", BIG, nullable=True))
    op.execute(FILL)
