"""Connections: paused or not, and the pace, shared by every worker on the store."""

from dataclasses import dataclass
from functools import cache
from math import inf
from typing import Any

from sqlalchemy import Connection, case, select, update

from connector.store.bulk_sql import FLOAT, given, insert, named
from connector.store.tables import ConnectionRow

TABLE = ConnectionRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell

_HEALTH = select(TABLE.c.paused_until, TABLE.c.reason, TABLE.c.failures, TABLE.c.credentials).where(
    TABLE.c.name == given("name")
)


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection fares: paused until when (unix seconds, infinity for a human), why, failures in a row."""

    paused_until: float | None = None
    reason: str = ""
    failures: int = 0
    credentials: str = ""

    @property
    def for_human(self) -> bool:
        """Whether only new credentials or a human end the pause."""
        return self.paused_until == inf

    def paused(self, now: float, credentials: str) -> bool:
        """Whether to send nothing now; new credentials end a pause that the old ones caused."""
        if self.paused_until is None or self.paused_until <= now:
            return False
        return not (self.for_human and self.credentials and self.credentials != credentials)


def health(connection: Connection, name: str) -> Health:
    """How the connection `name` fares."""
    row = connection.execute(_HEALTH, named(name=name)).one_or_none()
    return Health() if row is None else Health(*row)


def usable(connection: Connection, name: str, credentials: str, now: float) -> Health | None:
    """How the connection `name` fares; None while nothing may be sent with these credentials (their digest)."""
    found = health(connection, name)
    return None if found.paused(now, credentials) else found


def pause(connection: Connection, name: str, health: Health) -> None:
    """Pauses the connection for every worker, as `health` says."""
    values = {
        "paused_until": health.paused_until,
        "reason": health.reason,
        "failures": health.failures,
        "credentials": health.credentials,
    }
    statement = insert(connection.dialect.name, TABLE).values(name=name, next_at=0.0, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def resume(connection: Connection, name: str) -> bool:
    """Ends a pause; True where there was one."""
    unhealthy = (TABLE.c.name == name) & ((TABLE.c.failures > 0) | TABLE.c.paused_until.is_not(None))
    ended = update(TABLE).where(unhealthy).values(paused_until=None, reason="", failures=0, credentials="")
    return connection.execute(ended).rowcount > 0


def take_turn(connection: Connection, name: str, seconds_apart: float, now: float) -> float:
    """Takes the connection's next place in the line of requests; the seconds to wait for it."""
    values = named(name=name, now=now, apart=seconds_apart, first=now + seconds_apart)
    next_at = float(connection.execute(_taking_turn(connection.dialect.name), values).scalar_one())
    return max(next_at - seconds_apart - now, 0.0)


@cache
def _taking_turn(database: str) -> Any:
    now = given("now", FLOAT)
    empty = {"reason": "", "failures": 0, "credentials": ""}
    first = insert(database, TABLE).values(name=given("name"), next_at=given("first", FLOAT), **empty)
    mine = case((TABLE.c.next_at > now, TABLE.c.next_at), else_=now) + given("apart", FLOAT)
    turn = first.on_conflict_do_update(index_elements=["name"], set_={"next_at": mine})
    return turn.returning(TABLE.c.next_at)
