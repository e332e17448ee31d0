"""What Customer.io has confirmed to have taken away: a removal that upstream repeats is not sent again."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entity", sa.Column("removals", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("entity", "removals")
