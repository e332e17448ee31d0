"""Keeps reporting webhooks, each once however often it comes. A batch is one statement."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Table, func, null, select, text, update

from connector.store import name_search
from connector.store.activity_tables import NEVER, WAITING, WebhookRow
from connector.store.bulk_sql import FLOAT, TEXT, Rows, among, given
from connector.store.statements import RowsStatement

TABLE: Table = WebhookRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


class KeptWebhook(NamedTuple):
    """A webhook that waits to be folded: its id, the connection it came by, and its body."""

    event_id: str
    connection: str
    body: str


def add(tx: Connection, webhooks: Sequence[KeptWebhook], now: float) -> None:
    """Keeps webhooks; one whose id is known changes nothing. now: unix seconds, by the store's clock."""
    if webhooks:
        # In the order of their ids, so that two programs with the same ones wait for each other and never in a circle.
        _adding(tx.dialect.name).run_with_commit(tx, sorted(webhooks), now=now)


@cache
def _adding(database: str) -> RowsStatement:
    rows = Rows(database, {"event_id": TEXT, "connection": TEXT, "body": TEXT})
    statement = rows.insertion(TABLE, received_at=given("now", FLOAT), state=WAITING)
    return rows.statement(statement.on_conflict_do_nothing())


def mentioning(tx: Connection, names: Collection[str]) -> list[str]:
    """Returns the ids of webhooks whose body mentions one of these names, in lower case; it looks at all of them."""
    rows = select(TABLE.c.event_id, TABLE.c.body).where(name_search.may_mention(TABLE.c.body, names))
    return [id for id, body in tx.execute(rows) if name_search.text_mentions(body, names)]


def erase(tx: Connection, ids: Collection[str]) -> int:
    """Deletes the bodies of these webhooks, and returns how many. The ids stay: Customer.io may send one again."""
    nothing = {"body": null(), "state": NEVER}
    return tx.execute(update(TABLE).where(among(tx, TABLE.c.event_id, ids)).values(nothing)).rowcount


def waiting(tx: Connection, connection: str, limit: int) -> list[tuple[str, str]]:
    """Returns the ids and bodies of webhooks that are to be folded, oldest first, and locks them; skips locked ones.

    Args:
        tx: A writing transaction.
        connection: The connection that they came by.
        limit: The most to return.
    """
    mine = (TABLE.c.connection == connection) & (TABLE.c.state == text("0"))
    rows = (
        select(TABLE.c.event_id, TABLE.c.body).where(mine).order_by(TABLE.c.received_at, TABLE.c.event_id).limit(limit)
    )
    return [(id, body or "") for id, body in tx.execute(rows.with_for_update(skip_locked=True))]


def waiting_counts(tx: Connection) -> dict[str, int]:
    """Returns how many webhooks are to be folded, by connection."""
    counted = select(TABLE.c.connection, func.count()).where(TABLE.c.state == text("0")).group_by(TABLE.c.connection)
    return {row[0]: row[1] for row in tx.execute(counted)}


def settle(tx: Connection, connection: str, ids: Collection[str], state: int) -> None:
    """Notes the outcome of webhooks that were locked.

    Args:
        tx: A writing transaction.
        connection: The connection that they came by.
        ids: Their ids.
        state: FOLDED, or NEVER for those of no use.
    """
    mine = (TABLE.c.connection == connection) & among(tx, TABLE.c.event_id, ids)
    tx.execute(update(TABLE).where(mine).values(state=state))
