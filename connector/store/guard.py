"""What the deletion guard counts, and the deletions that it holds."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, literal_column, null, select, update

from connector.planning import deletion_guard as guard
from connector.model.entity import Kind
from connector.settings.sync_options import DeletionGuard
from connector.store import entities, problems
from connector.store.entities import OBJECT, PERSON, of, parts
from connector.store.entities import TABLE as ENTITY
from connector.store.bulk_sql import among, insert
from connector.store.tables import ADMITTED, EXIT, HELD, LIVE, AdmissionRow, GuardRow

TABLE = GuardRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
ADMISSION = AdmissionRow.__table__  # type: ignore[attr-defined]  # as above
_IS_HELD = ENTITY.c.lane == literal_column(str(HELD))  # spelt out: the index holds these alone
_COUNT_AGAIN_SECONDS = 60.0


class _Watch(NamedTuple):
    """What one guard watches: the people of a sync, or its objects. Neither counts for the other."""

    sync: str
    kind: Kind

    @property
    def name(self) -> str:
        """Under which it is kept. No sync has a slash in its name."""
        return self.sync if self.kind == PERSON else f"{self.sync}/objects"


def admit(
    connection: Connection,
    sync: str,
    limits: DeletionGuard,
    keys: Collection[str],
    now: float,
    kind: Kind = PERSON,
) -> bool:
    """Whether these users, whom the caller has claimed, may be deleted; counted as such where they may.

    Where they may not, the caller holds them (`settling`), and all others who wait are held here.
    """
    watch = _Watch(sync, kind)
    holding = _lock(connection, watch)
    waiting = _waiting(connection, watch, keys)
    admitted = _admitted(connection, watch, now - limits.window_seconds)
    if not holding and not _too_many(connection, watch, limits, waiting, admitted, now):
        _pass(connection, watch, keys, now)
        return True
    if not holding:
        connection.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(held_since=now))
        problems.add(connection, sync, [guard.problem(sync, limits, watch.name)], now)
    _hold_waiting(connection, watch)
    return False


def _lock(connection: Connection, watch: _Watch) -> bool:
    """Takes the sync's guard for this transaction; whether it holds deletions already."""
    new = insert(connection.dialect.name, TABLE).values(sync=watch.name, audience=0, counted_at=0.0)
    connection.execute(new.on_conflict_do_nothing())
    since = select(TABLE.c.held_since).where(TABLE.c.sync == watch.name).with_for_update()
    return connection.execute(since).scalar_one() is not None


def _waiting(connection: Connection, watch: _Watch, keys: Collection[str]) -> int:
    """How many deletions wait: those in the lane for it, and those of `keys` that came to be due in another."""
    due = of(*watch) & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == EXIT)
    waiting = int(connection.execute(select(func.count()).select_from(ENTITY).where(due)).scalar_one())
    for part in parts(keys):
        elsewhere = of(*watch) & among(connection, ENTITY.c.key, part) & (ENTITY.c.lane != EXIT)
        waiting += int(connection.execute(select(func.count()).select_from(ENTITY).where(elsewhere)).scalar_one())
    return waiting


def _admitted(connection: Connection, watch: _Watch, since: float) -> int:
    within = (ADMISSION.c.sync == watch.name) & (ADMISSION.c.minute >= int(since // 60))
    return int(connection.execute(select(func.coalesce(func.sum(ADMISSION.c.count), 0)).where(within)).scalar_one())


def _too_many(
    connection: Connection, watch: _Watch, limits: DeletionGuard, waiting: int, admitted: int, now: float
) -> bool:
    if guard.few(limits, waiting, admitted):
        return False
    return guard.holds(limits, waiting, admitted, _audience(connection, watch, now) + admitted)


def _audience(connection: Connection, watch: _Watch, now: float) -> int:
    """How many people Customer.io holds of this sync, counted anew once a minute: there may be millions."""
    row = connection.execute(select(TABLE.c.audience, TABLE.c.counted_at).where(TABLE.c.sync == watch.name)).one()
    if now - row.counted_at < _COUNT_AGAIN_SECONDS:
        return int(row.audience)
    people = select(func.count()).select_from(ENTITY).where(of(*watch), ENTITY.c.delivered.is_not(None))
    audience = int(connection.execute(people).scalar_one())
    connection.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(audience=audience, counted_at=now))
    return audience


def _pass(connection: Connection, watch: _Watch, keys: Collection[str], now: float) -> None:
    statement = insert(connection.dialect.name, ADMISSION).values(
        sync=watch.name, minute=int(now // 60), count=len(keys)
    )
    more = {"count": ADMISSION.c.count + statement.excluded["count"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["sync", "minute"], set_=more))
    entities.put(connection, watch.sync, keys, watch.kind, lane=ADMITTED)


def _hold_waiting(connection: Connection, watch: _Watch) -> None:
    """Holds those whom nobody has claimed; those who are claimed come to the guard by themselves."""
    free = of(*watch) & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == EXIT) & ENTITY.c.lease.is_(None)
    mine = select(ENTITY.c.key).where(free).order_by(ENTITY.c.key).with_for_update(skip_locked=True)
    for part in parts(connection.execute(mine).scalars().all()):
        held = update(ENTITY).where(of(*watch), among(connection, ENTITY.c.key, part))
        connection.execute(held.values(lane=HELD, due_at=null()))


def held(connection: Connection, sync: str) -> int:
    """How many deletions are held."""
    rows = select(func.count()).select_from(ENTITY).where(ENTITY.c.sync == sync, _IS_HELD)
    return int(connection.execute(rows).scalar_one())


def examples(connection: Connection, sync: str, limit: int) -> list[str]:
    """The keys of some users and objects whose deletion is held."""
    rows = select(ENTITY.c.key).where(ENTITY.c.sync == sync, _IS_HELD).order_by(ENTITY.c.key).limit(limit)
    return list(connection.execute(rows).scalars())


def release(connection: Connection, sync: str, now: float, *, delete_them: bool) -> int:
    """Lets the held deletions go, or drops them; how many. Dropped, they stay until upstream speaks of them."""
    watches = (_Watch(sync, OBJECT), _Watch(sync, PERSON))  # in this order, as everybody locks objects before people
    return sum(_release(connection, watch, now, delete_them=delete_them) for watch in watches)


def _release(connection: Connection, watch: _Watch, now: float, *, delete_them: bool) -> int:
    _lock(connection, watch)
    mine = of(*watch) & _IS_HELD
    keys = connection.execute(select(ENTITY.c.key).where(mine).order_by(ENTITY.c.key).with_for_update()).scalars().all()
    values = {"lane": ADMITTED, "due_at": now} if delete_them else {"lane": LIVE, "due_at": None}
    for part in parts(keys):
        connection.execute(update(ENTITY).where(mine, among(connection, ENTITY.c.key, part)).values(values))
    connection.execute(update(TABLE).where(TABLE.c.sync == watch.name).values(held_since=None))
    of_guard = (problems.TABLE.c.sync == watch.sync) & (problems.TABLE.c.subject == watch.name)
    connection.execute(delete(problems.TABLE).where(of_guard, problems.TABLE.c.kind == "held"))
    return len(keys)
