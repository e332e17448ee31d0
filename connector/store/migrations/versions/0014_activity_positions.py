"""How far the activity log of each workspace was read."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "activity_position",
        sa.Column("connection", sa.Text(), primary_key=True),
        sa.Column("type", sa.Text(), primary_key=True),
        sa.Column("position", sa.Text(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("activity_position")
