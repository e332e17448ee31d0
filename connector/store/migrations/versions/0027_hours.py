"""What was counted by the minute, added up by the hour: it is kept for longer."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tally_hour",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "hour", "name"),
    )
    op.create_index("tally_hour_at", "tally_hour", ["hour"])


def downgrade() -> None:
    op.drop_table("tally_hour")
