"""Keeps for each connection whether it is paused, and its pace, for every worker on the store."""

from dataclasses import dataclass
from functools import cache
from math import inf

from sqlalchemy import Connection, case, select, update

from connector.model.bounds import whole_characters
from connector.store import problems
from connector.store.bulk_sql import FLOAT, given, insert
from connector.store.statements import Statement
from connector.store.tables import ConnectionRow

TABLE = ConnectionRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


@dataclass(frozen=True, slots=True)
class Health:
    """A connection's circuit breaker: paused until when (unix seconds, infinity for a human), why, failures in a row.

    since: when the first of these failures came, in unix seconds; None if the last request succeeded. Where it is known
    and nothing is paused, a human has ended the pause, and no request has shown yet whether they were right.
    """

    paused_until: float | None = None
    reason: str = ""
    failures: int = 0
    credentials: str = ""
    since: float | None = None

    @property
    def for_human(self) -> bool:
        """Says whether only new credentials or a human end the pause."""
        return self.paused_until == inf

    def paused(self, now: float, credentials: str) -> bool:
        """Says whether to send nothing at `now` (unix seconds); new credentials end a pause that old ones caused."""
        if self.paused_until is None or self.paused_until <= now:
            return False
        return not (self.for_human and self.credentials and self.credentials != credentials)


def health(tx: Connection, name: str) -> Health:
    """Returns the health of the connection `name`."""
    rows = _health(tx.dialect.name).run(tx, name=name)
    return Health(*rows[0]) if rows else Health()


@cache
def _health(database: str) -> Statement:
    mine = select(TABLE.c.paused_until, TABLE.c.reason, TABLE.c.failures, TABLE.c.credentials, TABLE.c.failing_since)
    return Statement(database, mine.where(TABLE.c.name == given("name")))


def usable(tx: Connection, name: str, credentials: str, now: float) -> Health | None:
    """Returns the health of a connection that may be used now.

    Args:
        tx: A transaction.
        name: The connection, by its name.
        credentials: A digest of those that would be used.
        now: The store's time, in unix seconds.

    Returns:
        Its health; None while nothing may be sent with these credentials.
    """
    found = health(tx, name)
    return None if found.paused(now, credentials) else found


def pause(tx: Connection, name: str, health: Health) -> None:
    """Pauses the connection for every worker, as `health` says."""
    values = {
        "paused_until": health.paused_until,
        "reason": whole_characters(health.reason),
        "failures": health.failures,
        "credentials": health.credentials,
        "failing_since": health.since,
    }
    statement = insert(tx.dialect.name, TABLE).values(name=name, next_at=0.0, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def resume(tx: Connection, name: str) -> bool:
    """Notes that all is well: a request has succeeded. Returns True if that is new."""
    unhealthy = (TABLE.c.name == name) & ((TABLE.c.failures > 0) | TABLE.c.paused_until.is_not(None))
    healthy = {"paused_until": None, "reason": "", "failures": 0, "credentials": "", "failing_since": None}
    ended = update(TABLE).where(unhealthy).values(**healthy)
    problems.clear(tx, "connection", name)
    return tx.execute(ended).rowcount > 0


def let_try(tx: Connection, name: str) -> bool:
    """Ends a pause because a human says so. That proves nothing: `since` is kept until a request succeeds.

    Returns True if there was a pause.
    """
    problems.clear(tx, "connection", name)
    paused = (TABLE.c.name == name) & TABLE.c.paused_until.is_not(None)
    # One failure is left, so that the first success is noted as one.
    ended = update(TABLE).where(paused).values(paused_until=None, failures=1, credentials="")
    return tx.execute(ended).rowcount > 0


def take_turn(tx: Connection, name: str, seconds_apart: float, now: float) -> float:
    """Takes the connection's next place in the line of requests.

    Args:
        tx: A transaction that writes.
        name: The connection, by its name.
        seconds_apart: The least time between two requests, in seconds.
        now: The store's time, in unix seconds.

    Returns:
        The seconds to wait for it.
    """
    taking = _taking_turn(tx.dialect.name)
    ((next_at,),) = taking.run(tx, name=name, now=now, apart=seconds_apart, first=now + seconds_apart)
    return max(float(next_at) - seconds_apart - now, 0.0)


@cache
def _taking_turn(database: str) -> Statement:
    now = given("now", FLOAT)
    empty = {"reason": "", "failures": 0, "credentials": ""}
    first = insert(database, TABLE).values(name=given("name"), next_at=given("first", FLOAT), **empty)
    mine = case((TABLE.c.next_at > now, TABLE.c.next_at), else_=now) + given("apart", FLOAT)
    turn = first.on_conflict_do_update(index_elements=["name"], set_={"next_at": mine})
    return Statement(database, turn.returning(TABLE.c.next_at))
