"""Counts deletions for the deletion guard, and keeps those that it holds."""

from collections.abc import Collection
from functools import cache
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, delete, func, literal_column, null, select, update

from connector.model.approval import HeldName
from connector.model.entity import EntityKind
from connector.planning import deletion_guard
from connector.settings.sync_options import DeletionGuard
from connector.store import entities, problems
from connector.store.bulk_sql import INTEGER, among, among_given, given, insert
from connector.store.entities import OBJECT, PERSON, of, parts
from connector.store.entities import TABLE as ENTITY
from connector.store.statements import Statement
from connector.store.tables import ADMITTED, EXIT, HELD, LIVE, AdmissionRow, GuardRow

TABLE = GuardRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
ADMISSION = AdmissionRow.__table__  # type: ignore[attr-defined]  # as above
_IS_HELD = ENTITY.c.lane == literal_column(str(HELD))  # spelt out: the index holds these alone
_COUNT_AGAIN_SECONDS = 60.0


class _Watch(NamedTuple):
    """The people, or the objects, of a sync that one guard watches. Neither counts for the other."""

    sync: str
    kind: EntityKind

    @property
    def name(self) -> str:
        """The key of its row in the store. No sync has a slash in its name, so the two cannot collide."""
        return name_of(self.sync, self.kind)


def name_of(sync: str, kind: EntityKind) -> str:
    """Returns the name of the guard of a sync's people, or of its objects, in the tables and in problems."""
    return sync if kind == PERSON else f"{sync}/objects"


def admit(
    tx: Connection,
    sync: str,
    limits: DeletionGuard,
    keys: Collection[str],
    now: float,
    kind: EntityKind = PERSON,
) -> bool:
    """Says whether these users or objects may be deleted. If so, they are counted as let pass.

    If not, the caller holds them (`settlements`), and all others that wait are held here.

    Args:
        tx: a writing transaction.
        sync: the sync that they left.
        limits: the settings of the sync's deletion guard.
        keys: those to be deleted, whom the caller has claimed.
        now: unix seconds, by the store's clock.
        kind: people or objects; each has a guard of its own.

    Returns:
        True if all of them may be deleted, False if none may.
    """
    watch = _Watch(sync, kind)
    holding = _lock(tx, watch)
    waiting, admitted = _counts(tx, watch, keys, now - limits.window_seconds)
    if not holding and not _too_many(tx, watch, limits, waiting, admitted, now):
        _pass(tx, watch, keys, now)
        return True
    if not holding:
        tx.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(held_since=now))
        problems.add(tx, sync, [deletion_guard.problem(sync, limits, watch.name)], now)
    _hold_waiting(tx, watch)
    return False


def _lock(tx: Connection, watch: _Watch) -> bool:
    """Locks the sync's guard for this transaction. Returns whether it holds deletions already."""
    locking = _locking(tx.dialect.name)
    found = locking.run(tx, name=watch.name)
    if not found:
        new = insert(tx.dialect.name, TABLE).values(sync=watch.name, audience=0, counted_at=0.0)
        tx.execute(new.on_conflict_do_nothing())
        found = locking.run(tx, name=watch.name)
    ((held_since,),) = found
    return held_since is not None


@cache
def _locking(database: str) -> Statement:
    return Statement(database, select(TABLE.c.held_since).where(TABLE.c.sync == given("name")).with_for_update())


def _counts(tx: Connection, watch: _Watch, keys: Collection[str], since: float) -> tuple[int, int]:
    """Returns how many deletions wait, and how many have been let pass since `since` (unix seconds)."""
    counting = _counting(tx.dialect.name)
    values = {"sync": watch.sync, "kind": watch.kind, "name": watch.name, "minute": int(since // 60)}
    ((waiting, admitted),) = counting.run(tx, keys=sorted(keys), **values)
    return int(waiting), int(admitted)


@cache
def _counting(database: str) -> Statement:
    """Counts as waiting the due rows of the lane EXIT, and the rows of the given keys in other lanes."""
    mine = of(given("sync"), given("kind"))
    due = mine & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == literal_column(str(EXIT)))
    elsewhere = mine & among_given(database, ENTITY.c.key) & (ENTITY.c.lane != literal_column(str(EXIT)))
    waiting = [select(func.count()).select_from(ENTITY).where(each).scalar_subquery() for each in (due, elsewhere)]
    within = (ADMISSION.c.sync == given("name")) & (ADMISSION.c.minute >= given("minute", INTEGER))
    admitted = select(func.coalesce(func.sum(ADMISSION.c.count), 0)).where(within).scalar_subquery()
    return Statement(database, select(waiting[0] + waiting[1], admitted))


def _too_many(tx: Connection, watch: _Watch, limits: DeletionGuard, waiting: int, admitted: int, now: float) -> bool:
    if deletion_guard.few(limits, waiting, admitted):
        return False
    return deletion_guard.holds(limits, waiting, admitted, _audience(tx, watch, now) + admitted)


def _audience(tx: Connection, watch: _Watch, now: float) -> int:
    """Returns how many entities of the watch Customer.io holds, counted anew once a minute: there may be millions."""
    row = tx.execute(select(TABLE.c.audience, TABLE.c.counted_at).where(TABLE.c.sync == watch.name)).one()
    if now - row.counted_at < _COUNT_AGAIN_SECONDS:
        return int(row.audience)
    people = select(func.count()).select_from(ENTITY).where(of(*watch), ENTITY.c.delivered.is_not(None))
    audience = int(tx.execute(people).scalar_one())
    tx.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(audience=audience, counted_at=now))
    return audience


def _pass(tx: Connection, watch: _Watch, keys: Collection[str], now: float) -> None:
    database = tx.dialect.name
    _noting(database).run(tx, name=watch.name, minute=int(now // 60), count=len(keys))
    entities.lock(tx, watch.sync, keys, watch.kind)
    _admitting(database).run(tx, sync=watch.sync, kind=watch.kind, keys=sorted(keys))


@cache
def _noting(database: str) -> Statement:
    row = {"sync": given("name"), "minute": given("minute", INTEGER), "count": given("count", INTEGER)}
    statement = insert(database, ADMISSION).values(row)
    more = {"count": ADMISSION.c.count + statement.excluded["count"]}
    return Statement(database, statement.on_conflict_do_update(index_elements=["sync", "minute"], set_=more))


@cache
def _admitting(database: str) -> Statement:
    mine = of(given("sync"), given("kind")) & among_given(database, ENTITY.c.key)
    return Statement(database, update(ENTITY).where(mine).values(lane=ADMITTED))


def _hold_waiting(tx: Connection, watch: _Watch) -> None:
    """Holds waiting deletions that no worker has claimed; a worker that has claimed others asks the guard itself."""
    free = of(*watch) & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == EXIT) & ENTITY.c.lease.is_(None)
    mine = select(ENTITY.c.key).where(free).order_by(ENTITY.c.key).with_for_update(skip_locked=True)
    for part in parts(tx.execute(mine).scalars().all()):
        held = update(ENTITY).where(of(*watch), among(tx, ENTITY.c.key, part))
        tx.execute(held.values(lane=HELD, due_at=null()))


def is_held(sync: str) -> ColumnElement[bool]:
    """Returns the condition that selects the entities of a sync whose deletion is held."""
    return and_(ENTITY.c.sync == sync, _IS_HELD)


def held(tx: Connection, sync: str) -> int:
    """Returns how many deletions are held."""
    rows = select(func.count()).select_from(ENTITY).where(is_held(sync))
    return int(tx.execute(rows).scalar_one())


def examples(tx: Connection, sync: str, limit: int) -> list[str]:
    """Returns the keys of some users and objects whose deletion is held."""
    rows = select(ENTITY.c.key).where(ENTITY.c.sync == sync, _IS_HELD).order_by(ENTITY.c.key).limit(limit)
    return list(tx.execute(rows).scalars())


def release(
    tx: Connection, sync: str, now: float, *, delete_them: bool, names: Collection[HeldName] | None = None
) -> int:
    """Ends the hold of a deletion guard: lets the held deletions go, or drops them; all, or those that are named.

    Those whose deletion is dropped stay as they are until the next message about them. While others are held the guard
    goes on holding.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        now: unix seconds, by the store's clock.
        delete_them: True to let the deletions go, False to drop them.
        names: whose deletions are meant, None for all.

    Returns:
        How many deletions were let go, or dropped.
    """
    watches = (_Watch(sync, OBJECT), _Watch(sync, PERSON))  # in this order, as everybody locks objects before people
    return sum(_release(tx, watch, _of_kind(watch.kind, names), now, delete_them=delete_them) for watch in watches)


def _of_kind(kind: EntityKind, names: Collection[HeldName] | None) -> list[str] | None:
    return None if names is None else [key for of, key in names if of == kind]


def _release(tx: Connection, watch: _Watch, chosen: list[str] | None, now: float, *, delete_them: bool) -> int:
    if chosen == []:
        return 0
    _lock(tx, watch)
    held = of(*watch) & _IS_HELD
    mine = held if chosen is None else held & among(tx, ENTITY.c.key, chosen)
    keys = tx.execute(select(ENTITY.c.key).where(mine).order_by(ENTITY.c.key).with_for_update()).scalars().all()
    values = {"lane": ADMITTED, "due_at": now} if delete_them else {"lane": LIVE, "due_at": None}
    for part in parts(keys):
        tx.execute(update(ENTITY).where(held, among(tx, ENTITY.c.key, part)).values(values))
    if chosen is None or tx.execute(select(ENTITY.c.key).where(held).limit(1)).first() is None:
        _end_hold(tx, watch)
    return len(keys)


def _end_hold(tx: Connection, watch: _Watch) -> None:
    tx.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(held_since=None))
    of_guard = (problems.TABLE.c.sync == watch.sync) & (problems.TABLE.c.subject == watch.name)
    tx.execute(delete(problems.TABLE).where(of_guard, problems.TABLE.c.kind == "held"))
