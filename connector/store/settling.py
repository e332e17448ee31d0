"""What became of claims, as it is written down: confirmed, refused, to be tried later, held; or sent too late."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, and_, case, literal, null, or_, select, update
from sqlalchemy.types import TypeEngine

from connector.planning import attempt as errand
from connector.model.entity import NOTHING_TRIED, Kind
from connector.planning.attempt import Settlement
from connector.store import encoding, events, identities
from connector.store.entities import OBJECT, PERSON, SAME, TABLE, is_one_of, of, parts
from connector.store.bulk_sql import FLOAT, INTEGER, TEXT, Rows, among, among_given, given, named
from connector.store.tables import ADMITTED, HELD, LIVE

_CONFIRMED: Mapping[str, TypeEngine[Any]] = {
    "key": TEXT,
    "after": TEXT,
    "memberships": TEXT,
    "seen": INTEGER,
    "doubt_claimed": INTEGER,
    "more": INTEGER,
    "idle": INTEGER,
    "undone": INTEGER,
}
_KNOWN: Mapping[str, TypeEngine[Any]] = {"key": TEXT, "tried_before": TEXT, "seen": INTEGER, "doubt_claimed": INTEGER}


def settle(
    connection: Connection,
    sync: str,
    lease: str,
    settlements: Sequence[Settlement],
    now: float,
    done: Mapping[int, Collection[str]] = MappingProxyType({}),
) -> list[Settlement]:
    """Writes what became of the claims of a lease, and of events: `done` has their ids by their new state.

    Gives back those that Customer.io has confirmed, or refused in part.

    A claim that ran out is another's to settle: what was sent for it all the same came late, maybe after what is
    newer. People are locked before their events, as intake does it.
    """
    if not settlements:
        return []
    held = leased(connection, sync, lease, [each.entity.key for each in settlements], _kind(settlements))
    for state, ids in done.items():
        events.settle(connection, sync, ids, state)
    _doubt(connection, sync, [each for each in settlements if each.entity.key not in held and each.sent], now)
    ordered = [each for each in settlements if each.entity.key in held]
    _confirm(connection, sync, [each for each in ordered if each.state == "confirmed"], now)
    _refuse(connection, sync, [each for each in ordered if each.state == "refused"], now)
    _postpone(connection, sync, [each for each in ordered if each.state == "later"], now)
    _hold(connection, sync, [each for each in ordered if each.state == "held"])
    return [each for each in ordered if each.state in ("confirmed", "refused")]


def leased(connection: Connection, sync: str, lease: str, keys: Collection[str], kind: Kind = PERSON) -> set[str]:
    """Locks these rows in the order of their keys, as intake does; those of them that the lease still holds."""
    held: set[str] = set()
    for part in parts(keys):
        locked = connection.execute(_locking(connection.dialect.name), named(sync=sync, kind=kind, keys=part))
        held.update(row.key for row in locked if row.lease == lease)
    return held


@cache
def _locking(database: str) -> Any:
    mine = select(TABLE.c.key, TABLE.c.lease).where(
        of(given("sync"), given("kind")), among_given(database, TABLE.c.key)
    )
    return mine.order_by(TABLE.c.key).with_for_update()


def _kind(settlements: Sequence[Settlement]) -> Kind:
    """People or objects: those of one lease are of one kind."""
    return settlements[0].entity.kind


def _doubt(connection: Connection, sync: str, late: Sequence[Settlement], now: float) -> None:
    """Raises doubt about people for whom something was sent without the lease: they are sent whole again."""
    if not late:
        return
    keys = [each.entity.key for each in late]
    stored = select(TABLE.c.key, TABLE.c.tried).where(of(sync, _kind(late)), among(connection, TABLE.c.key, keys))
    tried = {row.key: encoding.tried_of(row.tried) for row in connection.execute(stored)}
    tried_now = [
        {"key": each.entity.key, "tried": encoding.tried_text(tried[each.entity.key] | errand.tried(each.sent))}
        for each in late
        if each.entity.key in tried
    ]
    rows = Rows(connection.dialect.name, {"key": TEXT, "tried": TEXT}, *SAME)
    due_at = case((TABLE.c.waits_for.is_not(None), null()), else_=literal(now))
    again = update(TABLE).where(is_one_of(rows)).values(doubt=TABLE.c.doubt + 1, tried=rows["tried"], due_at=due_at)
    rows.execute(connection, again, tried_now, sync=sync, kind=_kind(late))


def _settled(rows: Rows) -> Any:
    """An UPDATE of the settled rows, which gives them free. `lock` has made sure that the lease still holds them."""
    return update(TABLE).where(is_one_of(rows)).values(lease=null(), leased_until=null())


def _confirm(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    if not settled:
        return
    rows, statement = _confirming(connection.dialect.name)
    confirmed = [_confirmed(each) for each in settled]
    rows.execute(connection, statement, confirmed, sync=sync, kind=_kind(settled), now=now)
    _release(connection, sync, settled, now)


@cache
def _confirming(database: str) -> tuple[Rows, Any]:
    rows = Rows(database, _CONFIRMED, *SAME)
    can_go_on = and_(rows["idle"] == 0, events.still_owed())
    # A resync or an audit may have raised doubt since the claim: that much of it stays, and the person is due.
    doubt_left = TABLE.c.doubt - rows["doubt_claimed"]
    undone = rows["undone"] == 1
    owing = or_(TABLE.c.revision != rows["seen"], rows["more"] == 1, doubt_left > 0, can_go_on)
    statement = _settled(rows).values(
        delivered=rows["after"],
        memberships=rows["memberships"],
        tried=case((or_(doubt_left > 0, undone), TABLE.c.tried), else_=null()),
        doubt=case((undone, TABLE.c.doubt - 1), else_=doubt_left),
        due_at=case((TABLE.c.waits_for.is_not(None), null()), (owing, given("now", FLOAT)), else_=null()),
        lane=_lane_after(),
    )
    return rows, statement


def _confirmed(settlement: Settlement) -> dict[str, Any]:
    return {
        "key": settlement.entity.key,
        "after": encoding.person_text(settlement.after),
        "memberships": encoding.memberships_text(settlement.after),
        "seen": settlement.entity.revision,
        "doubt_claimed": settlement.entity.doubt + 1,
        "more": int(settlement.more),
        "idle": int(settlement.idle),
        "undone": int(settlement.undone),
    }


def _lane_after() -> Any:
    """A deletion that is done needs no admission any more; whatever else came meanwhile stays in its lane."""
    return case((TABLE.c.lane == ADMITTED, literal(LIVE)), else_=TABLE.c.lane)


def _release(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    """Lets go of identifiers, but of none whose user has moved on meanwhile: they may have come back to it."""
    pairs = [(encoding.identifier_text(each), s.entity.key) for s in settled for each in s.released]
    if not pairs or _kind(settled) == OBJECT:
        return
    unmoved = _unmoved(connection, sync, [settlement for settlement in settled if settlement.released])
    identities.release(connection, sync, [pair for pair in pairs if pair[1] in unmoved], now)


def _unmoved(connection: Connection, sync: str, settled: Sequence[Settlement]) -> set[str]:
    seen = {settlement.entity.key: settlement.entity.revision for settlement in settled}
    columns = select(TABLE.c.key, TABLE.c.revision).where(of(sync), among(connection, TABLE.c.key, sorted(seen)))
    return {row.key for row in connection.execute(columns) if row.revision == seen[row.key]}


def _refuse(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    if not settled:
        return
    known = [_known_before(each) | _after(each) for each in settled]
    rows = Rows(connection.dialect.name, {**_KNOWN, "after": TEXT, "memberships": TEXT}, *SAME)
    statement = _settled(rows).values(
        delivered=rows["after"],
        memberships=rows["memberships"],
        tried=_tried_before(rows),
        doubt=TABLE.c.doubt - 1,
        due_at=case((or_(TABLE.c.revision != rows["seen"], _doubted_meanwhile(rows)), literal(now)), else_=null()),
        lane=_lane_after(),
    )
    rows.execute(connection, statement, known, sync=sync, kind=_kind(settled))


def _after(settlement: Settlement) -> dict[str, Any]:
    after = settlement.after
    return {"after": encoding.person_text(after), "memberships": encoding.memberships_text(after)}


def _postpone(connection: Connection, sync: str, settled: Sequence[Settlement], now: float) -> None:
    certain = [_known_before(each) for each in settled if not each.doubt]
    if certain:
        rows = Rows(connection.dialect.name, _KNOWN, *SAME)
        before = {"tried": _tried_before(rows), "doubt": TABLE.c.doubt - 1}
        rows.execute(connection, _settled(rows).values(due_at=now, **before), certain, sync=sync, kind=_kind(settled))
    doubtful = [{"key": each.entity.key} for each in settled if each.doubt]
    if doubtful:
        rows = Rows(connection.dialect.name, {"key": TEXT}, *SAME)
        rows.execute(connection, _settled(rows).values(due_at=now), doubtful, sync=sync, kind=_kind(settled))


def _hold(connection: Connection, sync: str, settled: Sequence[Settlement]) -> None:
    """Keeps deletions back until a human lets them go; who moved meanwhile is looked at again."""
    if not settled:
        return
    rows = Rows(connection.dialect.name, _KNOWN, *SAME)
    moved = or_(TABLE.c.revision != rows["seen"], _doubted_meanwhile(rows))
    statement = _settled(rows).values(
        tried=_tried_before(rows),
        doubt=TABLE.c.doubt - 1,
        due_at=case((moved, TABLE.c.due_at), else_=null()),
        lane=case((moved, TABLE.c.lane), else_=literal(HELD)),
    )
    rows.execute(connection, statement, [_known_before(each) for each in settled], sync=sync, kind=_kind(settled))


def _known_before(settlement: Settlement) -> dict[str, Any]:
    entity = settlement.entity
    tried = entity.tried if entity.doubt else NOTHING_TRIED
    return {
        "key": entity.key,
        "tried_before": encoding.tried_text(tried),
        "seen": entity.revision,
        "doubt_claimed": entity.doubt + 1,
    }


def _doubted_meanwhile(rows: Rows) -> Any:
    """Whether an audit, a resync or a late request raised doubt since the claim."""
    return TABLE.c.doubt > rows["doubt_claimed"]


def _tried_before(rows: Rows) -> Any:
    return case((_doubted_meanwhile(rows), TABLE.c.tried), else_=rows["tried_before"])
