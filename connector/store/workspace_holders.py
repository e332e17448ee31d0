"""Keeps each identifier to one user in a workspace to which several syncs deliver.

Each sync has holders of its own (`identifier_holders`). Rows of two syncs with one key are one user, who may be known
by one identifier in both. A lead, who is known by an address alone, is the user with that address. Anybody else waits.

A transaction that gives identifiers out is alone in its workspace (`one_at_a_time`), and is so before it locks any row.
What another sync releases is given to a user who waits for it in a separate transaction (`take_up`), so that no
transaction locks rows of a sync in the reverse order.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, null, or_, select, update

from connector.audience import wanted_identifiers
from connector.audience.desired import desired
from connector.audience.rules import Rules
from connector.model.entity import Entity
from connector.model.identifiers import VISITOR
from connector.model.problem import Problem
from connector.planning.other_syncs import OtherSyncPerson
from connector.store import identifier_holders, problems
from connector.store.bulk_sql import among_given
from connector.store.encoding import identifier_text
from connector.store.entities import LOADED, PERSON, load, loaded, parts
from connector.store.entities import TABLE as ENTITY
from connector.store.identifier_holders import TABLE as IDENTITY
from connector.store.statements import Statement
from connector.store.tables import HELD

_AT_ONCE = 1000


class UserOfSync(NamedTuple):
    """The user of a sync who holds an identifier."""

    sync: str
    key: str


class IdentifierHolders(NamedTuple):
    """The holders of identifiers: the key of each holder, and the holder's sync where it is another one."""

    keys: Mapping[str, str]
    syncs: Mapping[str, str] = {}


def one_at_a_time(tx: Connection, syncs: Iterable[Rules]) -> None:
    """Lets one transaction at a time give identifiers out in a workspace of several syncs.

    SQLite has one writer at a time anyway. It must come before any row is locked.
    """
    if tx.dialect.name == "sqlite":
        return
    for name in sorted({rules.workspace for rules in syncs if rules.beside}):
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"identifiers of {name}"))))


def hold(tx: Connection, rules: Rules, wanted: Mapping[str, list[str]]) -> IdentifierHolders:
    """Gives each identifier that nobody holds to the first of the keys that want it, as far as other syncs allow it.

    Args:
        tx: a writing transaction that is alone in the workspace.
        rules: the sync's.
        wanted: the keys that want an identifier, by the identifier.

    Returns:
        The holder of each.
    """
    if not rules.beside or not wanted:
        return IdentifierHolders(identifier_holders.hold(tx, rules.name, wanted))
    others = _beside(tx, rules.beside, wanted)
    strangers = {each: _strangers(each, wanted[each], held) for each, held in others.items()}
    free = {each: [key for key in keys if key not in strangers.get(each, ())] for each, keys in wanted.items()}
    taken = {each: next(iter(strangers[each].values())) for each, keys in free.items() if not keys}
    keys = identifier_holders.hold(tx, rules.name, {each: keys for each, keys in free.items() if keys})
    named = {each: holder.key for each, holder in taken.items()}
    return IdentifierHolders(keys | named, {each: holder.sync for each, holder in taken.items()})


def _strangers(identifier: str, keys: Iterable[str], held: Iterable[UserOfSync]) -> dict[str, UserOfSync]:
    """Returns those of the keys that are not the user who holds the identifier, each with that holder."""
    known = [each for each in held if each.key != identifier]
    found = {key: next((each for each in known if each.key != key), None) for key in keys if key != identifier}
    return {key: holder for key, holder in found.items() if holder is not None}


def _beside(tx: Connection, syncs: Sequence[str], identifiers: Iterable[str]) -> dict[str, list[UserOfSync]]:
    """Returns the holders of each of the identifiers in these syncs."""
    found: dict[str, list[UserOfSync]] = {}
    for part in parts(identifiers):
        for identifier, sync, key in _holders(tx.dialect.name).run(tx, syncs=list(syncs), identifiers=part):
            found.setdefault(identifier, []).append(UserOfSync(sync, key))
    return found


@cache
def _holders(database: str) -> Statement:
    mine = among_given(database, IDENTITY.c.identifier, "identifiers")
    theirs = mine & among_given(database, IDENTITY.c.sync, "syncs")
    columns = (IDENTITY.c.identifier, IDENTITY.c.sync, IDENTITY.c.key)
    return Statement(database, select(*columns).where(theirs).order_by(*columns))


def holder_beside(tx: Connection, rules: Rules, identifier: str, key: str) -> UserOfSync | None:
    """Returns another user who holds an identifier in another sync of the workspace.

    Args:
        tx: a transaction.
        rules: the sync's.
        identifier: the identifier, as `identifier_text` has it.
        key: the user who is not meant.

    Returns:
        That user; None for nobody.
    """
    held = _beside(tx, rules.beside, [identifier]).get(identifier, ())
    return _strangers(identifier, [key], held).get(key)


def people(tx: Connection, syncs: Sequence[Rules], identifiers: Collection[str]) -> dict[str, list[OtherSyncPerson]]:
    """Returns the holders of identifiers in these syncs, without a lock, by the identifier as in `identifier_text`."""
    rules_of = {rules.name: rules for rules in syncs}
    found: dict[str, list[OtherSyncPerson]] = {}
    for part in parts(identifiers):
        for row in _people(tx.dialect.name).run(tx, syncs=list(rules_of), identifiers=part):
            identifier, sync, lane, waits_for, *columns = row
            entity = loaded(columns)
            if not entity.unreadable:
                beside = OtherSyncPerson(rules_of[sync], entity, lane == HELD, waits_for is not None)
                found.setdefault(identifier, []).append(beside)
    return found


@cache
def _people(database: str) -> Statement:
    both = and_(ENTITY.c.key == IDENTITY.c.key, ENTITY.c.sync == IDENTITY.c.sync, ENTITY.c.kind == PERSON)
    mine = among_given(database, IDENTITY.c.identifier, "identifiers")
    theirs = mine & among_given(database, IDENTITY.c.sync, "syncs")
    columns = (IDENTITY.c.identifier, ENTITY.c.sync, ENTITY.c.lane, ENTITY.c.waits_for, *LOADED)
    joined = select(*columns).select_from(IDENTITY.join(ENTITY, both)).where(theirs)
    return Statement(database, joined.order_by(IDENTITY.c.identifier, ENTITY.c.sync))


def any_to_take_up(tx: Connection, rules: Rules) -> bool:
    """Says whether somebody of a sync waits for an identifier that nobody else holds any more."""
    return bool(_free(tx, rules, 1))


def take_up(tx: Connection, syncs: Iterable[Rules], now: float) -> set[str]:
    """Gives identifiers that nobody else holds any more to users who wait for them, and makes those due.

    Args:
        tx: a writing transaction that is alone in the workspaces of the syncs.
        syncs: whose users may get one.
        now: unix seconds, by the store's clock.

    Returns:
        The syncs in which somebody is due.
    """
    return {rules.name for rules in syncs if rules.deliver and _take_up(tx, rules, now)}


def _take_up(tx: Connection, rules: Rules, now: float) -> bool:
    first: dict[str, str] = {}
    for identifier, key in _free(tx, rules, _AT_ONCE):
        first.setdefault(identifier, key)
    if not first:
        return False
    entities = load(tx, rules.name, set(first.values()))
    names = {key: _wanted(entity, rules) for key, entity in entities.items()}
    wanted: dict[str, list[str]] = {}
    for key, theirs in names.items():
        for name in theirs:
            wanted.setdefault(name, []).append(key)
    held = hold(tx, rules, wanted)
    taken = {key: next((name for name in theirs if held.keys[name] != key), None) for key, theirs in names.items()}
    waiting = [conflict(key, name, held) for key, name in taken.items() if name is not None]
    _note_waits(tx, rules.name, taken, now)
    problems.add(tx, rules.name, waiting, now)
    identifier_holders.end_waits(tx, rules.name, entities)
    return len(waiting) < len(taken)


def _wanted(entity: Entity, rules: Rules) -> list[str]:
    wanted = wanted_identifiers.wanted(entity, desired(entity.facts, rules), rules)
    return [identifier_text(each) for each in wanted]


def _note_waits(tx: Connection, sync: str, taken: Mapping[str, str | None], now: float) -> None:
    """Writes which identifier each user waits for, by key; users who wait for none become due."""
    mine = (ENTITY.c.sync == sync) & (ENTITY.c.kind == PERSON) & (ENTITY.c.key == bindparam("the_key"))
    waits = update(ENTITY).where(mine).values(waits_for=bindparam("name"), due_at=bindparam("due"))
    rows = [{"the_key": key, "name": name, "due": now if name is None else None} for key, name in taken.items()]
    if rows:
        tx.execute(waits, rows)


def _free(tx: Connection, rules: Rules, limit: int) -> list[tuple[str, str]]:
    """Returns users who wait for an identifier that nobody else holds, as pairs of the identifier and the key."""
    own = (IDENTITY.c.sync == ENTITY.c.sync) & (IDENTITY.c.key != ENTITY.c.key)
    stranger = and_(IDENTITY.c.key != ENTITY.c.key, IDENTITY.c.key != IDENTITY.c.identifier)
    beside = IDENTITY.c.sync.in_(rules.beside) & stranger
    blocked = exists().where(IDENTITY.c.identifier == ENTITY.c.waits_for, or_(own, beside))
    waiting = (ENTITY.c.sync == rules.name) & (ENTITY.c.kind == PERSON) & ENTITY.c.waits_for.is_not(None)
    columns = (ENTITY.c.waits_for, ENTITY.c.key)
    rows = tx.execute(select(*columns).where(waiting, ~blocked).order_by(*columns).limit(limit))
    return [(row[0], row[1]) for row in rows]


def conflict(key: str, identifier: str, held: IdentifierHolders) -> Problem:
    """Returns the problem of the user `key`, who waits for an identifier that another user holds."""
    return identifier_holders.conflict(key, identifier, held.keys[identifier], held.syncs.get(identifier, ""))


def part(tx: Connection, syncs: Sequence[Rules], now: float) -> int:
    """Makes one of two users wait who hold one identifier in two syncs, as earlier versions let them.

    The user of the sync that the settings name first goes on, and the other one is a problem that names both. They are
    sent whole once the identifier is theirs.

    Args:
        tx: a writing transaction that is alone in the workspaces of the syncs.
        syncs: all syncs, in the order of the settings.
        now: unix seconds, by the store's clock.

    Returns:
        How many users wait from now on.
    """
    found = 0
    for place, rules in enumerate(syncs):
        first = [each.name for each in syncs[:place] if each.name in rules.beside]
        if first:
            found += _part(tx, rules, first, now)
    return found


def _part(tx: Connection, rules: Rules, first: Sequence[str], now: float) -> int:
    clashes = _clashes(tx, rules.name, first)
    entities = load(tx, rules.name, {key for _, key, _ in clashes}) if clashes else {}
    parted: dict[str, Problem] = {}
    wait_for: dict[str, str] = {}
    for identifier, key, holder in clashes:
        entity = entities.get(key)
        if entity is None or entity.unreadable or key in parted:
            continue
        person = desired(entity.facts, rules).person
        names = (person.identifier, *rules.addressing.also_known_by(person)) if person else ()
        if identifier in map(identifier_text, names):
            parted[key] = identifier_holders.conflict(key, identifier, holder.key, holder.sync)
            wait_for[key] = identifier
    if parted:
        _let_wait(tx, rules.name, wait_for)
        problems.add(tx, rules.name, list(parted.values()), now)
    return len(parted)


def _let_wait(tx: Connection, sync: str, wait_for: Mapping[str, str]) -> None:
    """Makes users, by their keys, wait for identifiers, and takes these from them."""
    rows = [{"the_key": key, "name": identifier} for key, identifier in wait_for.items()]
    theirs = (ENTITY.c.sync == sync) & (ENTITY.c.kind == PERSON) & (ENTITY.c.key == bindparam("the_key"))
    waits = {"waits_for": bindparam("name"), "standing": identifier_holders.WAITS, "due_at": null()}
    tx.execute(update(ENTITY).where(theirs).values(**waits, doubt=ENTITY.c.doubt + 1), rows)
    of_user = (IDENTITY.c.identifier == bindparam("name")) & (IDENTITY.c.key == bindparam("the_key"))
    tx.execute(delete(IDENTITY).where((IDENTITY.c.sync == sync) & of_user), rows)


def _clashes(tx: Connection, sync: str, first: Sequence[str]) -> list[tuple[str, str, UserOfSync]]:
    """Returns identifiers that a user of the sync holds, and another user of one of the `first` syncs."""
    other = IDENTITY.alias()
    one = and_(other.c.identifier == IDENTITY.c.identifier, other.c.sync.in_(first), other.c.key != IDENTITY.c.key)
    users = and_(IDENTITY.c.key != IDENTITY.c.identifier, other.c.key != IDENTITY.c.identifier)
    columns = (IDENTITY.c.identifier, IDENTITY.c.key, other.c.sync, other.c.key)
    found = (
        select(*columns)
        .join(other, one)
        .where(IDENTITY.c.sync == sync, users, ~IDENTITY.c.identifier.startswith(VISITOR))
    )
    rows = tx.execute(found.order_by(*columns).limit(_AT_ONCE))
    return [(row[0], row[1], UserOfSync(row[2], row[3])) for row in rows]
