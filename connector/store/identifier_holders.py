"""Keeps the holder of each identifier: the first user who wants it. A released identifier goes to one who waits."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, null, select, update

from connector.audience import wanted_identifiers
from connector.audience.desired import desired
from connector.audience.rules import Rules
from connector.model.problem import Problem
from connector.store import problems
from connector.store.bulk_sql import TEXT, Rows, among, among_given, given
from connector.store.encoding import identifier_text
from connector.store.entities import PERSON, load, parts
from connector.store.entities import TABLE as ENTITY
from connector.store.statements import RowsStatement, Statement
from connector.store.tables import IdentityRow

TABLE = IdentityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
WAITS = "identifier held by another user"
"""The standing of a user who waits for an identifier."""
_IS, _NOT_SENT = " is ", ": this one is not sent"


def hold(tx: Connection, sync: str, wanted: Mapping[str, list[str]]) -> dict[str, str]:
    """Gives each identifier that nobody holds to the first of the keys that want it. Returns the holder of each."""
    if not wanted:
        return {}
    first = [(each, keys[0]) for each, keys in sorted(wanted.items())]
    given: dict[str, str] = dict(_holding(tx.dialect.name).run(tx, first, sync=sync))
    return given | holders(tx, sync, wanted.keys() - given.keys())


def holders(tx: Connection, sync: str, identifiers: Iterable[str]) -> dict[str, str]:
    """Returns the key of the user who holds each of the identifiers that somebody holds."""
    found: dict[str, str] = {}
    for part in parts(identifiers):
        found.update(_holders(tx.dialect.name).run(tx, sync=sync, identifiers=part))
    return found


@cache
def _holding(database: str) -> RowsStatement:
    rows = Rows(database, {"identifier": TEXT, "key": TEXT})
    statement = rows.insertion(TABLE, sync=given("sync")).on_conflict_do_nothing()
    return rows.statement(statement.returning(TABLE.c.identifier, TABLE.c.key))


@cache
def _holders(database: str) -> Statement:
    mine = (TABLE.c.sync == given("sync")) & among_given(database, TABLE.c.identifier, "identifiers")
    return Statement(database, select(TABLE.c.identifier, TABLE.c.key).where(mine))


def conflict(key: str, identifier: str, holder: str, sync: str = "") -> Problem:
    """Returns the problem of a user who waits for an identifier that another user holds.

    Args:
        key: the key of the user who waits.
        identifier: the identifier.
        holder: the key of the other user.
        sync: the sync of the other user, where it is another one that delivers to the same workspace.

    Returns:
        The problem.
    """
    where = f" in the sync {sync!r}, which delivers to the same workspace" if sync else ""
    return Problem("conflict", key, f"{identifier}{_IS}the identifier of the user {holder!r} too{where}{_NOT_SENT}")


def wait_is_over() -> ColumnElement[bool]:
    """Returns the condition that a row of `problems.TABLE` is a `conflict` of a user who no longer waits for that."""
    problem = problems.TABLE.c
    start = func.substr(problem.reason, 1, func.length(ENTITY.c.waits_for) + len(_IS))
    theirs = and_(ENTITY.c.sync == problem.sync, ENTITY.c.kind == PERSON, ENTITY.c.key == problem.subject)
    waits = exists().where(theirs, start == ENTITY.c.waits_for + _IS)
    return and_(problem.kind == "conflict", problem.reason.endswith(_NOT_SENT), ~waits)


def end_waits(tx: Connection, sync: str, keys: Collection[str]) -> None:
    """Deletes those problems of these users that say they wait for an identifier, where they no longer do."""
    if keys:
        theirs = (problems.TABLE.c.sync == sync) & among(tx, problems.TABLE.c.subject, keys)
        tx.execute(delete(problems.TABLE).where(theirs, wait_is_over()))


def release(
    tx: Connection, sync: str, released: Iterable[tuple[str, str]], now: float, rules: Rules | None = None
) -> None:
    """Takes identifiers from the users who hold them. A user who waits for one of them gets it and is due.

    The problem of a user who waited is deleted where they got it, or where they gave it up without having held it.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        released: pairs of an identifier and the key of the user who holds it, or waited for it.
        now: unix seconds, by the store's clock.
        rules: the settings of the sync. If given, a waiting user whose other identifier somebody else holds goes on
            waiting, for that one. In a workspace of several syncs nobody gets it here, but by `workspace_holders`.
    """
    pairs = sorted(set(released))
    if not pairs:
        return
    database = tx.dialect.name
    let_go = set(_releasing(database).run(tx, pairs, sync=sync))
    over = {key for each, key in pairs if (each, key) not in let_go}
    alone = rules is None or not rules.beside
    waiting = _waiting(database).run(tx, sync=sync, identifiers=[old for old, _ in pairs]) if alone else []
    for identifier, key in waiting:
        if hold(tx, sync, {identifier: [key]})[identifier] == key:
            taken = _taken(tx, rules, key, now) if rules else None
            mine = update(ENTITY).where(ENTITY.c.sync == sync, ENTITY.c.kind == PERSON, ENTITY.c.key == key)
            tx.execute(mine.values(waits_for=taken, due_at=now if taken is None else null()))
            over.add(key)
    end_waits(tx, sync, over)


def _taken(tx: Connection, rules: Rules, key: str, now: float) -> str | None:
    """Gives a user who waited all identifiers that they are sent under; returns the first that somebody else holds.

    Such an identifier becomes a problem. Returns None if there is none.
    """
    entity = load(tx, rules.name, [key])[key]
    names = [identifier_text(each) for each in wanted_identifiers.wanted(entity, desired(entity.facts, rules), rules)]
    holders = hold(tx, rules.name, {name: [key] for name in names})
    taken = next((name for name in names if holders[name] != key), None)
    if taken is not None:
        problems.add(tx, rules.name, [conflict(key, taken, holders[taken])], now)
    return taken


@cache
def _releasing(database: str) -> RowsStatement:
    rows = Rows(database, {"identifier": TEXT, "key": TEXT}, "sync")
    mine = (TABLE.c[name] == rows[name] for name in ("sync", "identifier", "key"))
    return rows.statement(delete(TABLE).where(*mine).returning(TABLE.c.identifier, TABLE.c.key))


@cache
def _waiting(database: str) -> Statement:
    """Returns the statement that finds the first of those who wait for each identifier."""
    mine = (ENTITY.c.sync == given("sync")) & among_given(database, ENTITY.c.waits_for, "identifiers")
    first = select(ENTITY.c.waits_for, func.min(ENTITY.c.key)).where(mine).group_by(ENTITY.c.waits_for)
    return Statement(database, first)
