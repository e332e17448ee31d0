"""Reads and writes entities for intake: loads and locks them by key, and writes them in the order of their keys.

Every writer takes its rows in the order of their keys, so that two of them wait for each other and never both.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from connector.model.entity import Entity, EntityKind, Facts
from connector.model.problem import Problem
from connector.store import encoding, problems
from connector.store.bulk_sql import BOOLEAN, FLOAT, INTEGER, TEXT, Rows, among, among_given, given
from connector.store.row_texts import PLAIN, RowTexts
from connector.store.statements import RowsStatement, Statement
from connector.store.tables import ADMITTED, EXIT, HELD, LIVE, PENDING, EntityRow, EventRow

PERSON: EntityKind = "person"
OBJECT: EntityKind = "object"
UNREADABLE = "its row cannot be read"
"""The standing of an entity whose row was set aside."""
SAME = ("sync", "kind")
"""The columns of the key that have one value in all rows of a statement."""
_PARAMETERS = 10_000
TABLE = EntityRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
EVENT = EventRow.__table__  # type: ignore[attr-defined]  # as above
LOADED = (  # what `loaded` reads
    TABLE.c.key,
    TABLE.c.facts,
    TABLE.c.delivered,
    TABLE.c.tried,
    TABLE.c.memberships,
    TABLE.c.doubt,
    TABLE.c.revision,
    TABLE.c.entered,
    TABLE.c.removals,
)


_WRITTEN: Mapping[str, TypeEngine[Any]] = {
    "key": TEXT,
    "facts": TEXT,
    "tried": TEXT,
    "doubt": INTEGER,
    "revision": INTEGER,
    "entered": BOOLEAN,
    "standing": TEXT,
    "waits_for": TEXT,
    "due_at": FLOAT,
    "lane": INTEGER,
    "lease": TEXT,
    "leased_until": FLOAT,
}
_MOVED = ("facts", "tried", "revision", "entered", "standing", "waits_for", "updated_at")


class Written(NamedTuple):
    """An entity to write: new facts, status, whether it is due, its lane, the identifier it waits for.

    lease, leased_until: if the same transaction claims it (`intake.leasing`); None leaves the lease as it is.
    """

    entity: Entity
    standing: str
    due: bool
    waits_for: str | None = None
    lane: int = LIVE
    lease: str | None = None
    leased_until: float | None = None


def parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yields the keys in their order, in lists short enough to be the parameters of one statement."""
    ordered = sorted(keys)
    return (ordered[start : start + _PARAMETERS] for start in range(0, len(ordered), _PARAMETERS))


def of(sync: str | ColumnElement[str], kind: str | ColumnElement[str] = PERSON) -> ColumnElement[bool]:
    """Returns the condition that selects the entities of a sync, of one kind."""
    return and_(TABLE.c.sync == sync, TABLE.c.kind == kind)


def is_one_of(rows: Rows) -> ColumnElement[bool]:
    """Returns the condition that an entity is one of these rows, by the whole key, as `Rows` asks for it."""
    return and_(*(TABLE.c[name] == rows[name] for name in ("key", *SAME)))


def load(
    tx: Connection, sync: str, keys: Collection[str], kind: EntityKind = PERSON, texts: RowTexts = PLAIN
) -> dict[str, Entity]:
    """Returns entities, and locks their rows until the transaction ends.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users or objects.
        kind: people or objects.
        texts: how the rows are read.

    Returns:
        The entities that exist, by key.
    """
    found: dict[str, Entity] = {}
    for part in parts(keys):
        for row in _loading(tx.dialect.name).run(tx, sync=sync, kind=kind, keys=part):
            found[row[0]] = loaded(row, kind, texts=texts)
    return found


@cache
def _loading(database: str) -> Statement:
    mine = select(*LOADED).where(of(given("sync"), given("kind")), among_given(database, TABLE.c.key))
    return Statement(database, mine.order_by(TABLE.c.key).with_for_update())


def load_people(
    tx: Connection, sync: str, keys: Collection[str], now: float, texts: RowTexts = PLAIN
) -> tuple[dict[str, Entity], set[str]]:
    """Loads people as `load` does, and says which of them are busy.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users.
        now: unix seconds, by the store's clock.
        texts: how the rows are read.

    Returns:
        The users that exist, by key; and the keys of those who are busy: a worker is sending for them, or something is
        owed to them already.
    """
    found: dict[str, Entity] = {}
    busy: set[str] = set()
    for part in parts(keys):
        for row in _loading_people(tx.dialect.name).run(tx, sync=sync, keys=part, now=now):
            found[row[0]] = loaded(row[:-1], texts=texts)
            if row[-1]:
                busy.add(row[0])
    return found, busy


@cache
def _loading_people(database: str) -> Statement:
    leased = TABLE.c.leased_until.is_not(None) & (TABLE.c.leased_until >= given("now", FLOAT))
    # Events may wait of somebody who is not due: nothing could be sent for them.
    owed = exists().where(
        EVENT.c.sync == TABLE.c.sync, EVENT.c.key == TABLE.c.key, EVENT.c.state == literal_column(str(PENDING))
    )
    busy = case((or_(leased, TABLE.c.due_at.is_not(None), TABLE.c.waits_for.is_not(None), owed), 1), else_=0)
    mine = select(*LOADED, busy).where(of(given("sync"), PERSON), among_given(database, TABLE.c.key))
    return Statement(database, mine.order_by(TABLE.c.key).with_for_update(of=TABLE))


def reserve(tx: Connection, sync: str, keys: Collection[str], kind: EntityKind = PERSON) -> None:
    """Adds an empty row for each key that has none, so that `load` can lock all of them.

    Two workers may meet the same new user at once.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users or objects.
        kind: people or objects.
    """
    if keys:
        new = [(key,) for key in sorted(set(keys))]
        _reserving(tx.dialect.name).run(tx, new, sync=sync, kind=kind)


@cache
def _reserving(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT}, *SAME)
    there = exists().where(is_one_of(rows))
    empty = {"facts": encoding.facts_text(Facts()), "doubt": 0, "revision": 0, "entered": False, "standing": ""}
    statement = rows.insertion(TABLE, unless=there, lane=LIVE, updated_at=0.0, **empty)
    return rows.statement(statement.on_conflict_do_nothing())


def entity_of(row: Any, doubt: int, kind: EntityKind = PERSON) -> Entity:
    """Returns the entity that a row of the table holds, with the given doubt."""
    entered, revision = row.entered, row.revision
    columns = (row.key, row.facts, row.delivered, row.tried, row.memberships, doubt, revision, entered, row.removals)
    return loaded(columns, kind)


def loaded(row: Sequence[Any], kind: EntityKind = PERSON, claims: int = 0, texts: RowTexts = PLAIN) -> Entity:
    """Returns the entity that a row holds. Parts that cannot be read are empty, and `unreadable` says why.

    Args:
        row: the columns of LOADED.
        kind: a person or an object.
        claims: by how much its doubt was raised just now.
        texts: how the row is read.
    """
    key, facts, delivered, tried, memberships, doubt, revision, entered, removals = row
    try:
        return Entity(
            key,
            texts.facts_of(facts, bool(entered)),
            texts.delivered_of(delivered, memberships),
            encoding.tried_of(tried),
            doubt - claims,
            revision,
            kind,
            removals=encoding.removals_of(removals),
        )
    except encoding.CorruptError as error:
        return _in_part(row, kind, claims, str(error))


def _in_part(row: Sequence[Any], kind: EntityKind, claims: int, why: str) -> Entity:
    """Returns what can be read of a damaged row, since what may be in Customer.io must be known even then."""
    key, _, delivered, tried, memberships, doubt, revision, entered, _ = row
    found: dict[str, Any] = {}
    with suppress(encoding.CorruptError):
        found["delivered"] = encoding.delivered_of(delivered, memberships)
    with suppress(encoding.CorruptError):
        found["tried"] = encoding.tried_of(tried)
    facts = Facts(entered=bool(entered))
    return Entity(key, facts, doubt=doubt - claims, revision=revision, kind=kind, unreadable=why, **found)


def set_aside(tx: Connection, sync: str, corrupt: Collection[Entity], now: float) -> None:
    """Sets entities aside whose rows cannot be read, so that others need not wait.

    Nothing is owed to them any more, and each becomes a problem.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        corrupt: the entities, each with the reason in `unreadable`.
        now: unix seconds, by the store's clock.
    """
    for each in sorted(corrupt, key=lambda entity: entity.key):
        mine = of(sync, each.kind) & (TABLE.c.key == each.key)
        unleased = {"lease": null(), "leased_until": null(), "due_at": null()}
        tx.execute(update(TABLE).where(mine).values(standing=UNREADABLE, doubt=each.doubt, **unleased))
    problems.add(tx, sync, [Problem("unreadable", each.key, _reason(sync, each)) for each in corrupt], now)


def _reason(sync: str, entity: Entity) -> str:
    remedy = "erase it with `connector forget`" if entity.kind == PERSON else "put it back from a backup"
    return f"the store's row in the sync {sync!r} cannot be read ({entity.unreadable}): nothing is sent, {remedy}"


def save(
    tx: Connection,
    sync: str,
    written: Sequence[Written],
    now: float,
    kind: EntityKind = PERSON,
    texts: RowTexts = PLAIN,
) -> None:
    """Writes what intake may change: facts, standing, what was tried, and whether it is due.

    Only a settlement writes `delivered`.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        written: the entities as they are to be written.
        now: unix seconds, by the store's clock.
        kind: people or objects.
        texts: how the rows are written.
    """
    if not written:
        return
    _saving(tx.dialect.name).run(tx, _rows(written, now, texts), sync=sync, kind=kind, now=now)


def _rows(written: Sequence[Written], now: float, texts: RowTexts) -> list[tuple[Any, ...]]:
    """Returns the columns of _WRITTEN of each entity, in the order of the keys."""
    return [_row(each, now, texts) for each in sorted(written, key=lambda each: each.entity.key)]


@cache
def _saving(database: str) -> RowsStatement:
    rows = Rows(database, _WRITTEN)
    statement = rows.insertion(TABLE, sync=given("sync"), kind=given("kind"), updated_at=given("now", FLOAT))
    new = statement.excluded
    changes = {name: new[name] for name in _MOVED}
    # Intake never takes back what is due (events may be waiting), unless the user must wait for another's identifier.
    # A user who fails alone goes on waiting alone, whatever messages come meanwhile.
    waits_alone = and_(TABLE.c.attempts > 0, TABLE.c.due_at.is_not(None))
    still_due = case((waits_alone, TABLE.c.due_at), else_=func.coalesce(new.due_at, TABLE.c.due_at))
    changes["due_at"] = case((new.waits_for.is_not(None), null()), else_=still_due)
    changes["lane"] = _lane(new)
    changes["doubt"] = case((new.lease.is_not(None), new.doubt), else_=TABLE.c.doubt)
    changes |= {name: func.coalesce(new[name], TABLE.c[name]) for name in ("lease", "leased_until")}
    return rows.statement(statement.on_conflict_do_update(index_elements=["key", "sync", "kind"], set_=changes))


def _lane(new: Any) -> Any:
    """Returns the lane after a write.

    An exit waits for the guard unless it has passed it. A user who comes back is no longer held. An entity that is due
    already is not moved behind a bulk load.
    """
    exits = case((TABLE.c.lane == ADMITTED, literal(ADMITTED)), else_=literal(EXIT))
    as_before = case((TABLE.c.lane == HELD, literal(LIVE)), else_=TABLE.c.lane)
    due_live = TABLE.c.due_at.is_not(None) & (TABLE.c.lane == LIVE)
    return case((new.lane == EXIT, exits), (new.due_at.is_(None), as_before), (due_live, literal(LIVE)), else_=new.lane)


def _row(written: Written, now: float, texts: RowTexts) -> tuple[Any, ...]:
    """Returns the columns of _WRITTEN of one entity."""
    entity = written.entity
    return (
        entity.key,
        texts.facts_text(entity.facts),
        encoding.tried_text(entity.tried),
        entity.doubt if written.lease is None else entity.doubt + 1,
        entity.revision,
        entity.facts.entered,
        written.standing,
        written.waits_for,
        now if written.due else None,
        written.lane,
        written.lease,
        written.leased_until,
    )


def lock(tx: Connection, sync: str, keys: Collection[str], kind: EntityKind = PERSON) -> list[tuple[str, str | None]]:
    """Locks rows in the order of their keys, as every writer does, to avoid deadlocks.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users or objects.
        kind: people or objects.

    Returns:
        The keys that exist, each with its lease, None if it has none.
    """
    locking = _locking(tx.dialect.name)
    return [(key, lease) for part in parts(keys) for key, lease in locking.run(tx, sync=sync, kind=kind, keys=part)]


@cache
def _locking(database: str) -> Statement:
    mine = of(given("sync"), given("kind")) & among_given(database, TABLE.c.key)
    locked = select(TABLE.c.key, TABLE.c.lease).where(mine).order_by(TABLE.c.key)
    return Statement(database, locked.with_for_update())


def make_due(tx: Connection, sync: str, keys: Iterable[str], now: float, kind: EntityKind = PERSON) -> None:
    """Makes entities due now.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users or objects.
        now: unix seconds, by the store's clock.
        kind: people or objects.
    """
    put(tx, sync, keys, kind, due_at=now)


def put(tx: Connection, sync: str, keys: Iterable[str], kind: EntityKind = PERSON, **values: Any) -> None:
    """Sets columns of rows, which are locked in the order of their keys, as every writer does.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        keys: the keys of the users or objects.
        kind: people or objects.
        values: the values by the name of their column.
    """
    for part in parts(keys):
        mine = of(sync, kind) & among(tx, TABLE.c.key, part)
        tx.execute(select(TABLE.c.key).where(mine).order_by(TABLE.c.key).with_for_update()).all()
        tx.execute(update(TABLE).where(mine).values(values))
