"""Connections: paused or not, and the pace, shared by every worker on the store."""

from dataclasses import dataclass
from math import inf

from sqlalchemy import Connection, case, literal, select, update

from connector.store.entities import insert
from connector.store.tables import ConnectionRow

TABLE = ConnectionRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell


@dataclass(frozen=True, slots=True)
class Health:
    """How a connection fares: paused until when (unix seconds, infinity for a human), why, failures in a row."""

    paused_until: float | None = None
    reason: str = ""
    failures: int = 0
    credentials: str = ""

    def paused(self, now: float, credentials: str) -> bool:
        """Whether to send nothing now; new credentials end a pause that the old ones caused."""
        if self.paused_until is None or self.paused_until <= now:
            return False
        return not (self.paused_until == inf and self.credentials and self.credentials != credentials)


def health(connection: Connection, name: str) -> Health:
    """How the connection `name` fares."""
    columns = (TABLE.c.paused_until, TABLE.c.reason, TABLE.c.failures, TABLE.c.credentials)
    row = connection.execute(select(*columns).where(TABLE.c.name == name)).one_or_none()
    return Health() if row is None else Health(*row)


def pause(connection: Connection, name: str, health: Health) -> None:
    """Pauses the connection for every worker, as `health` says."""
    values = {
        "paused_until": health.paused_until,
        "reason": health.reason,
        "failures": health.failures,
        "credentials": health.credentials,
    }
    statement = insert(connection, TABLE).values(name=name, next_at=0.0, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def resume(connection: Connection, name: str) -> bool:
    """Ends a pause; True where there was one."""
    unhealthy = (TABLE.c.name == name) & ((TABLE.c.failures > 0) | TABLE.c.paused_until.is_not(None))
    ended = update(TABLE).where(unhealthy).values(paused_until=None, reason="", failures=0, credentials="")
    return connection.execute(ended).rowcount > 0


def take_turn(connection: Connection, name: str, seconds_apart: float, now: float) -> float:
    """Takes the connection's next place in the line of requests; the seconds to wait for it."""
    reserve = insert(connection, TABLE).values(name=name, reason="", failures=0, credentials="", next_at=0.0)
    connection.execute(reserve.on_conflict_do_nothing())
    mine = case((TABLE.c.next_at > now, TABLE.c.next_at), else_=literal(now))
    turn = update(TABLE).where(TABLE.c.name == name).values(next_at=mine + seconds_apart).returning(TABLE.c.next_at)
    return max(float(connection.execute(turn).scalar_one()) - seconds_apart - now, 0.0)
