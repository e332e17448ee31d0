"""Tallies and problems: what people ask for afterwards, counted in the transaction that made it so."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from pydantic_core import to_json
from sqlalchemy import Connection, func, select

from connector.problem import Problem
from connector.store.entities import insert
from connector.store.tables import ProblemRow, TallyRow

_PROBLEM = ProblemRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
_TALLY = TallyRow.__table__  # type: ignore[attr-defined]  # as above
PAYLOAD_CHARACTERS = 100_000


def tally(connection: Connection, sync: str, counts: Mapping[str, int]) -> None:
    """Adds to the tallies of a sync."""
    rows = [{"sync": sync, "name": name, "count": count} for name, count in sorted(counts.items()) if count]
    if not rows:
        return
    statement = insert(connection, _TALLY)
    more = _TALLY.c.count + statement.excluded["count"]
    connection.execute(statement.on_conflict_do_update(index_elements=["sync", "name"], set_={"count": more}), rows)


def tallies(connection: Connection, sync: str) -> dict[str, int]:
    """The tallies of a sync, by name."""
    found = select(_TALLY.c.name, _TALLY.c.count).where(_TALLY.c.sync == sync).order_by(_TALLY.c.name)
    return {str(row[0]): int(row[1]) for row in connection.execute(found)}


def add_problems(connection: Connection, sync: str, problems: Iterable[Problem], now: float) -> None:
    """Keeps problems; the same one again (kind, subject and reason) only counts up and renews its payload."""
    rows: dict[str, dict[str, object]] = {}
    for problem in problems:
        row = _row(sync, problem, now)
        if str(row["id"]) in rows:
            row["count"] = int(str(rows[str(row["id"])]["count"])) + 1
        rows[str(row["id"])] = row
    if not rows:
        return
    statement = insert(connection, _PROBLEM)
    again = {
        "count": _PROBLEM.c.count + statement.excluded["count"],
        "last_at": statement.excluded["last_at"],
        "payload": statement.excluded["payload"],
    }
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=again)
    connection.execute(upsert, [rows[id] for id in sorted(rows)])


def _row(sync: str, problem: Problem, now: float) -> dict[str, object]:
    payload = None if problem.payload is None else to_json(problem.payload, fallback=str).decode()[:PAYLOAD_CHARACTERS]
    # An unreadable message names nobody, so its text tells it from the next one.
    about = payload if problem.kind == "unreadable" else problem.subject
    return {
        "id": sha256(to_json([sync, problem.kind, about, problem.reason])).hexdigest()[:16],
        "sync": sync,
        "kind": problem.kind,
        "subject": problem.subject,
        "reason": problem.reason,
        "payload": payload,
        "count": 1,
        "first_at": now,
        "last_at": now,
    }


def problems_by_kind(connection: Connection) -> dict[str, int]:
    """How many problems there are of each kind."""
    found = select(_PROBLEM.c.kind, func.count()).group_by(_PROBLEM.c.kind)
    return {str(row[0]): int(row[1]) for row in connection.execute(found)}
