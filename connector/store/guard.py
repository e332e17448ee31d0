"""What the deletion guard counts, and the deletions that it holds."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, func, literal_column, null, select, update

from connector import guard
from connector.settings import DeletionGuard
from connector.store import entities, problems
from connector.store.entities import TABLE as ENTITY
from connector.store.entities import of, parts
from connector.store.rows import among, insert
from connector.store.tables import ADMITTED, EXIT, HELD, LIVE, AdmissionRow, GuardRow

TABLE = GuardRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
ADMISSION = AdmissionRow.__table__  # type: ignore[attr-defined]  # as above
_IS_HELD = ENTITY.c.lane == literal_column(str(HELD))  # spelt out: the index holds these alone
_COUNT_AGAIN_SECONDS = 60.0


def admit(connection: Connection, sync: str, limits: DeletionGuard, keys: Collection[str], now: float) -> bool:
    """Whether these users, whom the caller has claimed, may be deleted; counted as such where they may.

    Where they may not, the caller holds them (`settling`), and all others who wait are held here.
    """
    holding = _lock(connection, sync)
    waiting = _waiting(connection, sync, keys)
    admitted = _admitted(connection, sync, now - limits.window_seconds)
    if not holding and not _too_many(connection, sync, limits, waiting, admitted, now):
        _pass(connection, sync, keys, now)
        return True
    if not holding:
        connection.execute(update(TABLE).where(TABLE.c.sync == sync).values(held_since=now))
        problems.add(connection, sync, [guard.problem(sync, limits)], now)
    _hold_waiting(connection, sync)
    return False


def _lock(connection: Connection, sync: str) -> bool:
    """Takes the sync's guard for this transaction; whether it holds deletions already."""
    new = insert(connection.dialect.name, TABLE).values(sync=sync, audience=0, counted_at=0.0)
    connection.execute(new.on_conflict_do_nothing())
    since = select(TABLE.c.held_since).where(TABLE.c.sync == sync).with_for_update()
    return connection.execute(since).scalar_one() is not None


def _waiting(connection: Connection, sync: str, keys: Collection[str]) -> int:
    """How many deletions wait: those in the lane for it, and those of `keys` that came to be due in another."""
    due = of(sync) & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == EXIT)
    waiting = int(connection.execute(select(func.count()).select_from(ENTITY).where(due)).scalar_one())
    for part in parts(keys):
        elsewhere = of(sync) & among(connection, ENTITY.c.key, part) & (ENTITY.c.lane != EXIT)
        waiting += int(connection.execute(select(func.count()).select_from(ENTITY).where(elsewhere)).scalar_one())
    return waiting


def _admitted(connection: Connection, sync: str, since: float) -> int:
    within = (ADMISSION.c.sync == sync) & (ADMISSION.c.minute >= int(since // 60))
    return int(connection.execute(select(func.coalesce(func.sum(ADMISSION.c.count), 0)).where(within)).scalar_one())


def _too_many(
    connection: Connection, sync: str, limits: DeletionGuard, waiting: int, admitted: int, now: float
) -> bool:
    if guard.few(limits, waiting, admitted):
        return False
    return guard.holds(limits, waiting, admitted, _audience(connection, sync, now) + admitted)


def _audience(connection: Connection, sync: str, now: float) -> int:
    """How many people Customer.io holds of this sync, counted anew once a minute: there may be millions."""
    row = connection.execute(select(TABLE.c.audience, TABLE.c.counted_at).where(TABLE.c.sync == sync)).one()
    if now - row.counted_at < _COUNT_AGAIN_SECONDS:
        return int(row.audience)
    people = select(func.count()).select_from(ENTITY).where(of(sync), ENTITY.c.delivered.is_not(None))
    audience = int(connection.execute(people).scalar_one())
    connection.execute(update(TABLE).where(TABLE.c.sync == sync).values(audience=audience, counted_at=now))
    return audience


def _pass(connection: Connection, sync: str, keys: Collection[str], now: float) -> None:
    statement = insert(connection.dialect.name, ADMISSION).values(sync=sync, minute=int(now // 60), count=len(keys))
    more = {"count": ADMISSION.c.count + statement.excluded["count"]}
    connection.execute(statement.on_conflict_do_update(index_elements=["sync", "minute"], set_=more))
    entities.put(connection, sync, keys, lane=ADMITTED)


def _hold_waiting(connection: Connection, sync: str) -> None:
    """Holds those whom nobody has claimed; those who are claimed come to the guard by themselves."""
    free = of(sync) & ENTITY.c.due_at.is_not(None) & (ENTITY.c.lane == EXIT) & ENTITY.c.lease.is_(None)
    mine = select(ENTITY.c.key).where(free).order_by(ENTITY.c.key).with_for_update(skip_locked=True)
    for part in parts(connection.execute(mine).scalars().all()):
        held = update(ENTITY).where(of(sync), among(connection, ENTITY.c.key, part))
        connection.execute(held.values(lane=HELD, due_at=null()))


def held(connection: Connection, sync: str) -> int:
    """How many deletions are held."""
    rows = select(func.count()).select_from(ENTITY).where(of(sync), _IS_HELD)
    return int(connection.execute(rows).scalar_one())


def examples(connection: Connection, sync: str, limit: int) -> list[str]:
    """The keys of some users whose deletion is held."""
    rows = select(ENTITY.c.key).where(of(sync), _IS_HELD).order_by(ENTITY.c.key).limit(limit)
    return list(connection.execute(rows).scalars())


def release(connection: Connection, sync: str, now: float, *, delete_them: bool) -> int:
    """Lets the held deletions go, or drops them; how many. Dropped, the people stay until upstream speaks of them."""
    _lock(connection, sync)
    mine = of(sync) & _IS_HELD
    keys = connection.execute(select(ENTITY.c.key).where(mine).order_by(ENTITY.c.key).with_for_update()).scalars().all()
    values = {"lane": ADMITTED, "due_at": now} if delete_them else {"lane": LIVE, "due_at": None}
    for part in parts(keys):
        connection.execute(update(ENTITY).where(mine, among(connection, ENTITY.c.key, part)).values(values))
    connection.execute(update(TABLE).where(TABLE.c.sync == sync).values(held_since=None))
    of_guard = (problems.TABLE.c.sync == sync) & (problems.TABLE.c.kind == "held")
    connection.execute(delete(problems.TABLE).where(of_guard))
    return len(keys)
