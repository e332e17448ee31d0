"""Reads what alerts look at and nobody else: each question is one statement, by an index or of a small table."""

from collections.abc import Collection

from sqlalchemy import Connection, case, func, select

from connector.model.problem import EVERY_SYNC
from connector.store import problems, webhooks
from connector.store.bulk_sql import among
from connector.store.tallies import MESSAGES, MINUTE, MINUTE_SECONDS


def problems_since(tx: Connection, syncs: Collection[str], since: float) -> dict[str, int]:
    """Returns how many problems of users and of webhooks came since then, by sync, "" for those of none.

    A problem that first came before then counts once.

    Args:
        tx: A transaction.
        syncs: The syncs.
        since: In unix seconds.
    """
    table = problems.TABLE
    new = case((table.c.first_at >= since, table.c.count), else_=1)
    mine = among(tx, table.c.sync, [EVERY_SYNC, *syncs]) & table.c.kind.in_([*problems.OF_USERS, "webhook"])
    found = select(table.c.sync, func.sum(new)).where(mine, table.c.last_at >= since).group_by(table.c.sync)
    return {str(row[0]): int(row[1]) for row in tx.execute(found)}


def problems_of(tx: Connection, kind: str) -> dict[str, int]:
    """Returns how many problems of a kind there are, by subject."""
    mine = select(problems.TABLE.c.subject, func.sum(problems.TABLE.c["count"])).where(problems.TABLE.c.kind == kind)
    return {str(row[0]): int(row[1]) for row in tx.execute(mine.group_by(problems.TABLE.c.subject))}


def heard_at(tx: Connection) -> float | None:
    """Returns the end of the last minute in which upstream said something, in unix seconds; None for never."""
    read = select(MINUTE.c.minute).where(MINUTE.c.scope == EVERY_SYNC, MINUTE.c.name == MESSAGES)
    found = tx.execute(read.order_by(MINUTE.c.minute.desc()).limit(1)).scalar()
    return None if found is None else (int(found) + 1.0) * MINUTE_SECONDS


def counted_since(tx: Connection) -> float | None:
    """Returns the first minute of which counts are kept, in unix seconds; None where nothing was counted."""
    found = tx.execute(select(func.min(MINUTE.c.minute))).scalar()
    return None if found is None else float(found) * MINUTE_SECONDS


def reported_at(tx: Connection, connection: str) -> float | None:
    """Returns when Customer.io last reported something of a connection, in unix seconds; None for never."""
    mine = select(webhooks.TABLE.c.received_at).where(webhooks.TABLE.c.connection == connection)
    found = tx.execute(mine.order_by(webhooks.TABLE.c.received_at.desc()).limit(1)).scalar()
    return None if found is None else float(found)
