"""Writes the outcome of claims: confirmed, refused, to be tried later, held, or sent too late."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, literal, null, or_, select, update
from sqlalchemy.types import TypeEngine

from connector.audience.rules import Rules
from connector.model.entity import NOTHING_TRIED, EntityKind, Unconfirmed
from connector.planning import attempt
from connector.planning.settlement import Answered, Confirmed, HeldBack, PartlyRefused, Postponed, Settlement
from connector.store import encoding, entities, events, identifier_holders
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among, given
from connector.store.entities import OBJECT, PERSON, SAME, TABLE, is_one_of, of
from connector.store.statements import RowsStatement
from connector.store.tables import ADMITTED, HELD, LIVE

_CONFIRMED: Mapping[str, TypeEngine[Any]] = {
    "key": TEXT,
    "after": TEXT,
    "memberships": TEXT,
    "removals": TEXT,
    "seen": INTEGER,
    "doubt_claimed": INTEGER,
    "more": INTEGER,
    "idle": INTEGER,
    "undone": INTEGER,
}
_NOW = given("now", FLOAT)
_KNOWN: Mapping[str, TypeEngine[Any]] = {"key": TEXT, "tried_before": TEXT, "seen": INTEGER, "doubt_claimed": INTEGER}


class Settled(NamedTuple):
    """The settlements that Customer.io has confirmed, or refused in part. owing: whether some of them are due again.

    They are due again where something is still owed, or a change came while the request was on its way.
    """

    settlements: Sequence[Answered]
    owing: bool = False


class Alone(NamedTuple):
    """The back-off of somebody whose requests fail: how many did in a row, and when the next goes (unix seconds)."""

    attempts: int
    due_at: float


def settle(
    tx: Connection,
    sync: str,
    lease: str,
    settlements: Sequence[Settlement],
    now: float,
    done: Mapping[int, Collection[str]] = MappingProxyType({}),
    alone: Mapping[str, Alone] = MappingProxyType({}),
    rules: Rules | None = None,
) -> Settled:
    """Writes the outcome of the claims of a lease, and of events.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        lease: the id of the claim.
        settlements: the outcome of each.
        now: unix seconds, by the store's clock.
        done: the ids of events by their new state.
        alone: the back-off of those whose own request failed, by their keys.
        rules: the sync's, by which somebody who waited for an identifier is planned again.

    Returns:
        Those that Customer.io has confirmed, or refused in part.

    Where a lease has run out, another process has the entity: what was sent for it nevertheless may have come late, so
    doubt is raised. People are locked before their events, as intake does it.
    """
    if not settlements:
        return Settled([])
    held = leased(tx, sync, lease, [each.entity.key for each in settlements], _kind(settlements))
    for state, ids in done.items():
        events.settle(tx, sync, ids, state)
    _doubt(tx, sync, [each for each in settlements if each.entity.key not in held and each.sent], now)
    ordered = [each for each in settlements if each.entity.key in held]
    owing = _confirm(tx, sync, [each for each in ordered if isinstance(each, Confirmed)], now, rules)
    _refuse(tx, sync, [each for each in ordered if isinstance(each, PartlyRefused)], now)
    _postpone(tx, sync, [each for each in ordered if isinstance(each, Postponed)], now)
    _hold(tx, sync, [each for each in ordered if isinstance(each, HeldBack)])
    waiting = [(key, each.attempts, each.due_at) for key, each in sorted(alone.items()) if key in held]
    _run(tx, _waiting_alone, sync, settlements, waiting, now)
    return Settled([each for each in ordered if isinstance(each, Answered)], owing)


@cache
def _waiting_alone(database: str) -> RowsStatement:
    """Returns the statement that makes users who are due wait, and notes how often their requests have failed."""
    rows = Rows(database, {"key": TEXT, "attempts": INTEGER, "due_at": FLOAT}, *SAME)
    waiting = update(TABLE).where(is_one_of(rows), TABLE.c.due_at.is_not(None))
    return rows.statement(waiting.values(attempts=rows["attempts"], due_at=rows["due_at"]))


def leased(tx: Connection, sync: str, lease: str, keys: Collection[str], kind: EntityKind = PERSON) -> set[str]:
    """Returns those of these keys that the claim still holds; locks their rows in the order of keys, as intake does.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        lease: the id of a claim.
        keys: the keys of the users or objects.
        kind: people or objects.

    Returns:
        The keys of those that the claim still holds.
    """
    return {key for key, holder in entities.lock(tx, sync, keys, kind) if holder == lease}


def _kind(settlements: Sequence[Settlement]) -> EntityKind:
    """Returns whether these are people or objects: those of one lease are of one kind."""
    return settlements[0].entity.kind


def _doubt(tx: Connection, sync: str, late: Sequence[Settlement], now: float) -> None:
    """Raises doubt about people for whom a request was sent without the lease, so that they are sent whole again."""
    if not late:
        return
    keys = [each.entity.key for each in late]
    stored = select(TABLE.c.key, TABLE.c.tried).where(of(sync, _kind(late)), among(tx, TABLE.c.key, keys))
    tried = {row.key: _tried(row.tried) for row in tx.execute(stored)}
    tried_now = [
        (each.entity.key, encoding.tried_text(tried[each.entity.key] | attempt.tried(each.sent)))
        for each in late
        if each.entity.key in tried
    ]
    _run(tx, _doubting, sync, late, tried_now, now)


@cache
def _doubting(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT, "tried": TEXT}, *SAME)
    due_at = case((TABLE.c.waits_for.is_not(None), null()), else_=_NOW)
    again = update(TABLE).where(is_one_of(rows)).values(doubt=TABLE.c.doubt + 1, tried=rows["tried"], due_at=due_at)
    return rows.statement(again)


def _run(
    tx: Connection,
    statement: Callable[[str], RowsStatement],
    sync: str,
    settled: Sequence[Settlement],
    rows: Sequence[tuple[Any, ...]],
    now: float,
) -> list[tuple[Any, ...]]:
    """Runs a statement over the rows of settlements, if there are any, and returns its rows."""
    if not rows:
        return []
    return statement(tx.dialect.name).run(tx, rows, sync=sync, kind=_kind(settled), now=now)


def _tried(text: str | None) -> Unconfirmed:
    """Returns what was tried before; nothing if it cannot be read: the row is set aside when it is claimed next."""
    try:
        return encoding.tried_of(text)
    except encoding.CorruptError:
        return NOTHING_TRIED


def _settled(rows: Rows) -> Any:
    """Returns an UPDATE of the settled rows that ends their lease. `leased` has made sure that the claim holds them."""
    return update(TABLE).where(is_one_of(rows)).values(lease=null(), leased_until=null())


def _confirm(tx: Connection, sync: str, settled: Sequence[Confirmed], now: float, rules: Rules | None) -> bool:
    """Writes what was confirmed. Returns whether some of them are still, or again, due."""
    if not settled:
        return False
    due = _run(tx, _confirming, sync, settled, [_confirmed(each) for each in settled], now)
    _release(tx, sync, settled, now, rules)
    return any(due_at is not None for (due_at,) in due)


@cache
def _confirming(database: str) -> RowsStatement:
    rows = Rows(database, _CONFIRMED, *SAME)
    can_go_on = and_(rows["idle"] == 0, events.still_owed())
    # A resync or an audit may have raised doubt since the claim: that much of it stays, and the person is due.
    doubt_left = TABLE.c.doubt - rows["doubt_claimed"]
    undone = rows["undone"] == 1
    owing = or_(TABLE.c.revision != rows["seen"], rows["more"] == 1, doubt_left > 0, can_go_on)
    statement = _settled(rows).values(
        delivered=rows["after"],
        memberships=rows["memberships"],
        removals=rows["removals"],
        tried=case((or_(doubt_left > 0, undone), TABLE.c.tried), else_=null()),
        doubt=case((undone, TABLE.c.doubt - 1), else_=doubt_left),
        due_at=case((TABLE.c.waits_for.is_not(None), null()), (owing, _NOW), else_=null()),
        lane=_lane_after(),
        attempts=literal(0),
    )
    # Not whether it is null: SQLite takes that from the condition of the index that it finds the row by.
    return rows.statement(statement.returning(TABLE.c.due_at))


def _confirmed(settlement: Confirmed) -> tuple[Any, ...]:
    """Returns the columns of _CONFIRMED."""
    return (
        settlement.entity.key,
        encoding.person_text(settlement.after),
        encoding.memberships_text(settlement.after),
        encoding.removals_text(settlement.removals),
        settlement.entity.revision,
        settlement.entity.doubt + 1,
        int(settlement.more),
        int(settlement.idle),
        int(settlement.undone),
    )


def _lane_after() -> Any:
    """Returns the lane after a settlement: a deletion that is done needs no admission; all else stays in its lane."""
    return case((TABLE.c.lane == ADMITTED, literal(LIVE)), else_=TABLE.c.lane)


def _release(tx: Connection, sync: str, settled: Sequence[Confirmed], now: float, rules: Rules | None) -> None:
    """Releases identifiers, except those of users whose facts have moved meanwhile: they may want them again."""
    pairs = [(encoding.identifier_text(each), s.entity.key) for s in settled for each in s.released]
    if not pairs or _kind(settled) == OBJECT:
        return
    unmoved = _unmoved(tx, sync, [settlement for settlement in settled if settlement.released])
    identifier_holders.release(tx, sync, [pair for pair in pairs if pair[1] in unmoved], now, rules)


def _unmoved(tx: Connection, sync: str, settled: Sequence[Settlement]) -> set[str]:
    seen = {settlement.entity.key: settlement.entity.revision for settlement in settled}
    columns = select(TABLE.c.key, TABLE.c.revision).where(of(sync), among(tx, TABLE.c.key, sorted(seen)))
    return {row.key for row in tx.execute(columns) if row.revision == seen[row.key]}


def _refuse(tx: Connection, sync: str, settled: Sequence[PartlyRefused], now: float) -> None:
    _run(tx, _refusing, sync, settled, [_known_before(each) + _after(each) for each in settled], now)


@cache
def _refusing(database: str) -> RowsStatement:
    rows = Rows(database, {**_KNOWN, "after": TEXT, "memberships": TEXT}, *SAME)
    statement = _settled(rows).values(
        delivered=rows["after"],
        memberships=rows["memberships"],
        tried=_tried_before(rows),
        doubt=TABLE.c.doubt - 1,
        due_at=case((or_(TABLE.c.revision != rows["seen"], _doubted_meanwhile(rows)), _NOW), else_=null()),
        lane=_lane_after(),
        attempts=literal(0),
    )
    return rows.statement(statement)


def _after(settlement: PartlyRefused) -> tuple[Any, ...]:
    return encoding.person_text(settlement.after), encoding.memberships_text(settlement.after)


def _postpone(tx: Connection, sync: str, settled: Sequence[Postponed], now: float) -> None:
    certain = [_known_before(each) for each in settled if not each.doubt]
    _run(tx, _postponing, sync, settled, certain, now)
    _run(tx, _postponing_in_doubt, sync, settled, [(each.entity.key,) for each in settled if each.doubt], now)


@cache
def _postponing(database: str) -> RowsStatement:
    rows = Rows(database, _KNOWN, *SAME)
    before = {"tried": _tried_before(rows), "doubt": TABLE.c.doubt - 1}
    return rows.statement(_settled(rows).values(due_at=_NOW, **before))


@cache
def _postponing_in_doubt(database: str) -> RowsStatement:
    rows = Rows(database, {"key": TEXT}, *SAME)
    return rows.statement(_settled(rows).values(due_at=_NOW))


def _hold(tx: Connection, sync: str, settled: Sequence[HeldBack]) -> None:
    """Holds deletions back until a human lets them go. A user who changed meanwhile stays due."""
    _run(tx, _holding, sync, settled, [_known_before(each) for each in settled], 0.0)


@cache
def _holding(database: str) -> RowsStatement:
    rows = Rows(database, _KNOWN, *SAME)
    moved = or_(TABLE.c.revision != rows["seen"], _doubted_meanwhile(rows))
    statement = _settled(rows).values(
        tried=_tried_before(rows),
        doubt=TABLE.c.doubt - 1,
        due_at=case((moved, TABLE.c.due_at), else_=null()),
        lane=case((moved, TABLE.c.lane), else_=literal(HELD)),
    )
    return rows.statement(statement)


def _known_before(settlement: Settlement) -> tuple[Any, ...]:
    """Returns the columns of _KNOWN."""
    entity = settlement.entity
    tried = entity.tried if entity.doubt else NOTHING_TRIED
    return entity.key, encoding.tried_text(tried), entity.revision, entity.doubt + 1


def _doubted_meanwhile(rows: Rows) -> Any:
    """Returns the condition that an audit, a resync or a late request has raised doubt since the claim."""
    return TABLE.c.doubt > rows["doubt_claimed"]


def _tried_before(rows: Rows) -> Any:
    return case((_doubted_meanwhile(rows), TABLE.c.tried), else_=rows["tried_before"])
