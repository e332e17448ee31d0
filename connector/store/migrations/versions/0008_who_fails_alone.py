"""Who fails alone waits alone: so many tries in a row failed at this person, and at nobody else."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ALONE = sa.text("attempts > 0")


def upgrade() -> None:
    op.add_column("entity", sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("entity_alone", "entity", ["sync", "kind", "due_at"], sqlite_where=_ALONE, postgresql_where=_ALONE)


def downgrade() -> None:
    op.drop_index("entity_alone", "entity")
    op.drop_column("entity", "attempts")
