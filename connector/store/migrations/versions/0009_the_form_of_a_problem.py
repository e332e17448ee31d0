"""A message that could not be read is kept with the form that it was read as: by that one it is replayed."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("problem", sa.Column("form", sa.Text()))


def downgrade() -> None:
    op.drop_column("problem", "form")
