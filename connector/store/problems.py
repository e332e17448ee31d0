"""Problems: what needs a human, the same one counted and not repeated."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, delete, func, select

from connector.model.problem import Problem
from connector.store.bulk_sql import insert
from connector.store.tables import ProblemRow

TABLE = ProblemRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
PAYLOAD_CHARACTERS = 100_000


@dataclass(frozen=True, slots=True)
class Kept:
    """A problem as it is kept: how often it came, first and last (unix seconds)."""

    id: str
    sync: str
    problem: Problem
    count: int
    first_at: float
    last_at: float


def add(connection: Connection, sync: str, problems: Iterable[Problem], now: float) -> None:
    """Keeps problems; the same one again (kind, subject and reason) only counts up and renews its payload."""
    rows: dict[str, dict[str, object]] = {}
    for problem in problems:
        row = _row(sync, problem, now)
        if str(row["id"]) in rows:
            row["count"] = int(str(rows[str(row["id"])]["count"])) + 1
        rows[str(row["id"])] = row
    if not rows:
        return
    statement = insert(connection.dialect.name, TABLE)
    again = {
        "count": TABLE.c.count + statement.excluded["count"],
        "last_at": statement.excluded["last_at"],
        "payload": statement.excluded["payload"],
    }
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=again)
    connection.execute(upsert, [rows[id] for id in sorted(rows)])


def _row(sync: str, problem: Problem, now: float) -> dict[str, object]:
    payload = None if problem.payload is None else to_json(problem.payload, fallback=str).decode()[:PAYLOAD_CHARACTERS]
    # An unreadable message names nobody, so its text tells it from the next one.
    about = payload if problem.kind == "unreadable" else problem.subject
    reason = problem.reason.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL, and Customer.io may quote one
    return {
        "id": sha256(to_json([sync, problem.kind, about, reason])).hexdigest()[:16],
        "sync": sync,
        "kind": problem.kind,
        "subject": problem.subject,
        "reason": reason,
        "payload": payload,
        "count": 1,
        "first_at": now,
        "last_at": now,
    }


def by_kind(connection: Connection) -> dict[str, int]:
    """How many problems there are of each kind."""
    found = select(TABLE.c.kind, func.count()).group_by(TABLE.c.kind)
    return {str(row[0]): int(row[1]) for row in connection.execute(found)}


def kept(connection: Connection, *, id: str = "", kind: str = "", limit: int = 100) -> list[Kept]:
    """Problems, the latest first: all, those of one kind, or those whose id begins with `id`."""
    found = select(TABLE).order_by(TABLE.c.last_at.desc(), TABLE.c.id).limit(limit)
    if kind:
        found = found.where(TABLE.c.kind == kind)
    if id:
        found = found.where(TABLE.c.id.startswith(id, autoescape=True))
    return [_kept(row) for row in connection.execute(found)]


def _kept(row: Any) -> Kept:
    problem = Problem(row.kind, row.subject, row.reason, _payload(row.payload))
    return Kept(row.id, row.sync, problem, row.count, row.first_at, row.last_at)


def _payload(text: str | None) -> Any:
    """The payload; the text itself where it was too long to be kept whole."""
    if text is None:
        return None
    try:
        return from_json(text)
    except ValueError:
        return text


def remove(connection: Connection, id: str) -> None:
    """Takes a problem from the list: it is solved, or nobody's any more."""
    connection.execute(delete(TABLE).where(TABLE.c.id == id))


def clear(connection: Connection, kind: str, subject: str, but: str = "") -> None:
    """Takes the problems of a subject from the list, except for the one with the reason `but`."""
    solved = (TABLE.c.kind == kind) & (TABLE.c.subject == subject) & (TABLE.c.reason != but)
    connection.execute(delete(TABLE).where(solved))
