"""Objects: who is to be related to which; what is due by its kind too."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_DUE = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "relation",
        sa.Column("sync", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", "sync", "object"),
    )
    op.create_index("relation_object", "relation", ["object", "sync"])
    _index_due("sync", "kind", "lane", "due_at")


def _index_due(*columns: str) -> None:
    """People and objects are claimed apart: neither must be looked through for the other."""
    op.drop_index("entity_due", "entity")
    op.create_index("entity_due", "entity", list(columns), sqlite_where=_DUE, postgresql_where=_DUE)


def downgrade() -> None:
    _index_due("sync", "lane", "due_at")
    op.drop_index("relation_object", "relation")
    op.drop_table("relation")
    op.execute("DELETE FROM entity WHERE kind = 'object'")
