"""Remembers the queues that upstream publishes to, so that one the settings name no longer is not left unread."""

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, delete, select

from connector.store.bulk_sql import among, insert
from connector.store.tables import IntakeQueueRow

TABLE = IntakeQueueRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


def known(tx: Connection) -> dict[str, bool]:
    """Returns every queue that settings have named and that RabbitMQ still had, and whether it is one of bulk loads."""
    return {row.name: row.backfill for row in tx.execute(select(TABLE).order_by(TABLE.c.name))}


def remember(tx: Connection, queues: Mapping[str, bool]) -> None:
    """Notes queues by name, each with whether it is one of bulk loads; what is known of one is replaced."""
    for name, backfill in sorted(queues.items()):
        row = insert(tx.dialect.name, TABLE).values(name=name, backfill=backfill)
        tx.execute(row.on_conflict_do_update(index_elements=["name"], set_={"backfill": backfill}))


def forget(tx: Connection, names: Collection[str]) -> None:
    """Forgets queues that RabbitMQ has no more, so that nobody looks for them again."""
    tx.execute(delete(TABLE).where(among(tx, TABLE.c.name, sorted(names))))
