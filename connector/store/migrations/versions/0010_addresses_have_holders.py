"""An e-mail address among the attributes has one holder: those who were delivered with one already hold it."""

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_AT_ONCE = 5000
_SYNCS = sa.text("SELECT DISTINCT sync FROM entity")
_PEOPLE = sa.text(
    "SELECT key, delivered FROM entity WHERE sync = :sync AND kind = 'person' AND delivered LIKE '%\"email\"%' "
    "AND key > :after ORDER BY key LIMIT :most"
)
_HOLD = sa.text("INSERT INTO identity (identifier, sync, key) VALUES (:identifier, :sync, :key) ON CONFLICT DO NOTHING")


def upgrade() -> None:
    tx = op.get_bind()
    for (sync,) in tx.execute(_SYNCS).all():
        for rows in _pages(tx, sync):
            held = [{"identifier": each, "sync": sync, "key": key} for key, text in rows if (each := _address(text))]
            if held:
                tx.execute(_HOLD, held)


def _pages(tx: sa.Connection, sync: str) -> Iterator[list[Any]]:
    after = ""
    while rows := list(tx.execute(_PEOPLE, {"sync": sync, "after": after, "most": _AT_ONCE}).all()):
        yield rows
        after = rows[-1].key


def _address(delivered: str) -> str | None:
    """The address as the table has it; None where the row has none, or cannot be read."""
    try:
        email = json.loads(delivered)[1].get("email")
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    return f"email:{email.lower()}" if isinstance(email, str) and "@" in email and "\0" not in email else None


def downgrade() -> None:
    """Those that people are addressed by cannot be told from the others: all stay, and harm nothing."""
