"""Keeps problems, which need a human. A problem that comes again is counted and not repeated."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from connector.model.bounds import readable, whole_characters
from connector.model.problem import EVERY_SYNC, Problem, ProblemKind
from connector.model.problem_filter import ANYTHING, ProblemFilter
from connector.store.bulk_sql import among, insert
from connector.store.problem_bounds import Flood, ProblemColumns, cause_id, shape_of
from connector.store.tables import INDEXED_CHARACTERS, ProblemRow

TABLE = ProblemRow.__table__  # type: ignore[attr-defined]  # SQLModel makes it, its types do not tell
PAYLOAD_CHARACTERS = 100_000
OF_USERS: tuple[ProblemKind, ...] = (
    "unreadable", "attribute", "identifier", "conflict", "event", "action", "refused", "failing", "poison",
    "failed later",
)  # fmt: skip
"""The kinds whose subject is a user or an object; the subject of others is a connection, a queue and the like."""
_ONE_A_SUBJECT: ProblemKind = "failing"
"""The kind of which somebody has one problem, whatever its latest reason."""
_MOST_OF_ONE = 1000
_NEXT_PAIR = (
    select(TABLE.c.sync, TABLE.c.kind)
    .where(tuple_(TABLE.c.sync, TABLE.c.kind) > tuple_(bindparam("of_sync"), bindparam("of_kind")))
    .order_by(TABLE.c.sync, TABLE.c.kind)
    .limit(1)
)
"""The statement that finds the next sync and kind of problems after these, by the index."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A problem as it is kept: how often it came, and when it came first and last (unix seconds)."""

    id: str
    sync: str
    problem: Problem
    count: int
    first_at: float
    last_at: float


def add(tx: Connection, sync: str, problems: Iterable[Problem], now: float) -> list[str]:
    """Keeps problems. A problem that is known (by kind, subject and reason) is counted, and its payload renewed.

    Somebody whose requests fail is one problem, with the latest reason, since requests may fail in several ways. In a
    flood of problems, samples are kept and the rest is counted (`problem_bounds`).

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        problems: the problems.
        now: unix seconds, by the store's clock.

    Returns:
        For each of the problems, in their order, the id under which it is kept or counted.
    """
    rows: dict[str, ProblemColumns] = {}
    flood = Flood(sync)
    ids = [_noted(problem, rows, flood, sync, now) for problem in problems]
    dropped, counted = flood.settle(tx, TABLE, now)
    for id in dropped:
        del rows[id]
    rows |= {str(row["id"]): row for row in counted}
    _save(tx, rows)
    return [dropped.get(id, id) for id in ids] if dropped else ids


def _noted(problem: Problem, rows: dict[str, ProblemColumns], flood: Flood, sync: str, now: float) -> str:
    """Adds a problem to the rows, or only counts it. Returns the id of the row that has it."""
    shape = shape_of(problem)
    if shape is not None and flood.full(shape):
        return flood.count(shape, problem.reason)
    row = _row(sync, problem, now)
    id = str(row["id"])
    if id in rows:
        rows[id].update({**row, "count": int(str(rows[id]["count"])) + 1})
        return id
    rows[id] = row
    if shape is not None:
        flood.add(shape, row)
    return id


def _save(tx: Connection, rows: Mapping[str, ProblemColumns]) -> None:
    if not rows:
        return
    statement = insert(tx.dialect.name, TABLE)
    again = {
        "count": TABLE.c.count + statement.excluded["count"],
        "last_at": statement.excluded["last_at"],
        "reason": statement.excluded["reason"],
        "payload": statement.excluded["payload"],
        "form": statement.excluded["form"],
        "cause": statement.excluded["cause"],
    }
    upsert = statement.on_conflict_do_update(index_elements=["id"], set_=again)
    tx.execute(upsert, [rows[id] for id in sorted(rows)])
    if alone := {id: str(row["subject"]) for id, row in rows.items() if row["kind"] == _ONE_A_SUBJECT}:
        # What a version that kept each reason by itself has kept of the same people.
        theirs = _of_subjects(tx, str(rows[next(iter(alone))]["sync"]), _ONE_A_SUBJECT, alone.values())
        tx.execute(delete(TABLE).where(theirs, ~among(tx, TABLE.c.id, list(alone))))


def identity(sync: str, problem: Problem) -> str:
    """Returns the id under which the problem is kept."""
    return str(_row(sync, problem, 0.0)["id"])


def _row(sync: str, problem: Problem, now: float) -> ProblemColumns:
    payload = None if problem.payload is None else readable(problem.payload)[:PAYLOAD_CHARACTERS]
    # PostgreSQL keeps neither NUL nor half a character, and upstream or Customer.io may send one.
    reason, subject = (whole_characters(each) for each in (problem.reason, problem.subject))
    # What could not be read is told from the next one by its text: none must take another's place.
    about = payload if problem.kind in ("unreadable", "webhook", "out refused") and payload is not None else subject
    said = "" if problem.kind == _ONE_A_SUBJECT else reason
    return {
        "id": sha256(to_json([sync, problem.kind, about, said])).hexdigest()[:16],
        "sync": sync,
        "kind": problem.kind,
        "subject": subject,
        "reason": reason,
        "payload": payload,
        "form": problem.form or None,
        "count": 1,
        "first_at": now,
        "last_at": now,
        "cause": cause_id(problem.kind, reason),
    }


def by_kind(tx: Connection, which: ProblemFilter = ANYTHING) -> dict[str, int]:
    """Returns how many problems there are of each kind, among those that are meant."""
    found = select(TABLE.c.kind, func.count()).where(meant(which)).group_by(TABLE.c.kind)
    return {str(row[0]): int(row[1]) for row in tx.execute(found)}


def by_kind_at_most(tx: Connection, most: int) -> dict[str, int]:
    """Returns how many problems there are of each kind, in bounded time.

    Those of one kind and sync are counted to `most`: one more than that stands for any higher number.
    """
    found: Counter[str] = Counter()
    pair = ("", "")
    while (row := tx.execute(_NEXT_PAIR, {"of_sync": pair[0], "of_kind": pair[1]}).one_or_none()) is not None:
        pair = (row.sync, row.kind)
        found[row.kind] += _at_most(tx, pair, most)
    return dict(found)


def _at_most(tx: Connection, pair: tuple[str, str], most: int) -> int:
    mine = (TABLE.c.sync == pair[0]) & (TABLE.c.kind == pair[1])
    some = select(literal(1)).select_from(TABLE).where(mine).limit(most + 1).subquery()
    return int(tx.execute(select(func.count()).select_from(some)).scalar_one())


def about(tx: Connection, user: str, syncs: Collection[str], limit: int) -> list[Kept]:
    """Returns the latest problems of a user.

    Args:
        tx: a transaction.
        user: the user's key.
        syncs: the names of the syncs.
        limit: how many to return of each sync at most, so that those of one hide none of another.
    """
    mine = _of_subject(user) & TABLE.c.kind.in_(OF_USERS) & among(tx, TABLE.c.sync, syncs)
    # Sorted here: asked for the latest, PostgreSQL would look through all problems in the order of time.
    found = [_kept(row) for row in tx.execute(select(TABLE).where(mine).limit(_MOST_OF_ONE))]
    before: Counter[str] = Counter()
    latest: list[Kept] = []
    for each in sorted(found, key=lambda each: (-each.last_at, each.id)):
        before[each.sync] += 1
        if before[each.sync] <= limit:
            latest.append(each)
    return latest


def _of_subject(subject: str) -> ColumnElement[bool]:
    """Returns the condition that a problem has this subject; an index finds the beginnings of subjects."""
    return and_(_beginning() == subject[:INDEXED_CHARACTERS], TABLE.c.subject == subject)


def _beginning() -> ColumnElement[str]:
    """Returns as SQL the beginning of a subject, as the index has it."""
    return func.substr(TABLE.c.subject, 1, literal_column(str(INDEXED_CHARACTERS)))


def lately(tx: Connection, sync: str, kind: ProblemKind, since: float, limit: int) -> list[Kept]:
    """Returns the latest problems of one kind of a sync.

    Args:
        tx: a transaction.
        sync: the name of the sync, EVERY_SYNC for those that concern no single one.
        kind: their kind.
        since: only those that last came at this time or later, in unix seconds.
        limit: how many to return at most.
    """
    mine = (TABLE.c.sync == sync) & (TABLE.c.kind == kind) & (TABLE.c.last_at >= since)
    found = select(TABLE).where(mine).order_by(TABLE.c.last_at.desc(), TABLE.c.id).limit(limit)
    return [_kept(row) for row in tx.execute(found)]


def kept(tx: Connection, *, id: str = "", kind: str = "", limit: int = 100) -> list[Kept]:
    """Returns problems, the latest first.

    Args:
        tx: a transaction.
        id: the beginning of the id, "" for any.
        kind: the kind of problem, "" for any.
        limit: how many to return at most.

    Returns:
        The problems to which all of this applies.
    """
    found = select(TABLE).order_by(TABLE.c.last_at.desc(), TABLE.c.id).limit(limit)
    if kind:
        found = found.where(TABLE.c.kind == kind)
    if id:
        found = found.where(TABLE.c.id.startswith(id, autoescape=True))
    return [_kept(row) for row in tx.execute(found)]


def of_subjects(tx: Connection, sync: str, kind: ProblemKind, subjects: Collection[str]) -> list[Kept]:
    """Returns the problems of a kind that a sync has with these people, the latest last.

    Args:
        tx: A transaction.
        sync: The sync, by its name.
        kind: The kind of problem.
        subjects: The people, by their keys.
    """
    theirs = _of_subjects(tx, sync, kind, subjects)
    return [_kept(row) for row in tx.execute(select(TABLE).where(theirs).order_by(TABLE.c.last_at))]


def _of_subjects(tx: Connection, sync: str, kind: str, subjects: Collection[str]) -> ColumnElement[bool]:
    """Returns the condition that a problem of a kind is one that a sync has with some of these, found by an index."""
    theirs = among(tx, _beginning(), [each[:INDEXED_CHARACTERS] for each in subjects])
    return and_(theirs, TABLE.c.sync == sync, TABLE.c.kind == kind, among(tx, TABLE.c.subject, list(subjects)))


def of_every_sync(tx: Connection, kind: str) -> list[Kept]:
    """Returns the problems of a kind that concern no single sync, the latest first, found by an index."""
    found = select(TABLE).where(TABLE.c.sync == EVERY_SYNC, TABLE.c.kind == kind).order_by(TABLE.c.last_at.desc())
    return [_kept(row) for row in tx.execute(found)]


def page(tx: Connection, which: ProblemFilter, after: str, limit: int, but: Collection[str] = ()) -> list[Kept]:
    """Returns the next problems in the order of their ids.

    Args:
        tx: a transaction.
        which: which are meant.
        after: the last id that was seen, "" at the beginning.
        limit: how many to return at most.
        but: the kinds that are left out.
    """
    mine = meant(which) & (TABLE.c.id > after) & TABLE.c.kind.not_in(but)
    found = select(TABLE).where(mine).order_by(TABLE.c.id).limit(limit)
    return [_kept(row) for row in tx.execute(found)]


def latest(tx: Connection, which: ProblemFilter, after: tuple[float, str] | None, limit: int) -> list[Kept]:
    """Returns the next problems, the latest first.

    Args:
        tx: a transaction.
        which: which are meant.
        after: when the last one that was seen last came (unix seconds), and its id; None at the beginning.
        limit: how many to return at most.
    """
    order = (TABLE.c.last_at.desc(), TABLE.c.id.desc())
    found = select(TABLE).where(meant(which)).order_by(*order).limit(limit)
    if after is not None:
        at, id = after
        found = found.where(TABLE.c.last_at <= at, or_(TABLE.c.last_at < at, TABLE.c.id < id))
    return [_kept(row) for row in tx.execute(found)]


def meant(which: ProblemFilter) -> ColumnElement[bool]:
    """Returns the condition that a problem is one of those that are meant."""
    names = ("kind", "sync", "cause")
    equal = [TABLE.c[name] == getattr(which, name) for name in names if getattr(which, name)]
    if which.subject:
        equal.append(_of_subject(which.subject))
    until = [] if which.until is None else [TABLE.c.last_at <= which.until]
    return and_(TABLE.c.last_at >= which.since, *until, *equal)


def note_causes(tx: Connection, limit: int) -> int:
    """Notes the causes of at most `limit` problems that an older version has written. Returns of how many."""
    found = select(TABLE.c.id, TABLE.c.kind, TABLE.c.reason).where(TABLE.c.cause.is_(None)).limit(limit)
    rows = [{"of": row.id, "to": cause_id(row.kind, row.reason)} for row in tx.execute(found)]
    if rows:
        tx.execute(update(TABLE).where(TABLE.c.id == bindparam("of")).values(cause=bindparam("to")), rows)
    return len(rows)


def _kept(row: Any) -> Kept:
    problem = Problem(row.kind, row.subject, row.reason, _payload(row.payload), row.form or "")
    return Kept(row.id, row.sync, problem, row.count, row.first_at, row.last_at)


def _payload(text: str | None) -> Any:
    """Returns the payload, or its text if it was too long to be kept whole."""
    if text is None:
        return None
    try:
        return from_json(text)
    except ValueError:
        return text


def remove(tx: Connection, id: str) -> bool:
    """Deletes a problem that is solved or no longer concerns anybody. Returns whether it was still there."""
    return tx.execute(delete(TABLE).where(TABLE.c.id == id)).rowcount > 0


def clear(tx: Connection, kind: str, subject: str, but: str = "") -> None:
    """Deletes the problems of one kind and subject.

    Args:
        tx: a writing transaction.
        kind: the kind of problem.
        subject: what the problem is about.
        but: the reason of a problem that is to stay, "" for none.
    """
    solved = (TABLE.c.kind == kind) & _of_subject(subject) & (TABLE.c.reason != but)
    tx.execute(delete(TABLE).where(solved))


def instead(tx: Connection, problem: Problem, now: float) -> None:
    """Keeps a problem of no single sync in place of others of its kind and subject; without a reason only deletes them.

    It is the same trouble in other words, so it keeps the time at which the first of them came.
    """
    mine = (TABLE.c.kind == problem.kind) & _of_subject(problem.subject)
    first_at = tx.execute(select(func.min(TABLE.c.first_at)).where(mine)).scalar()
    clear(tx, problem.kind, problem.subject, but=problem.reason)
    if problem.reason:
        add(tx, EVERY_SYNC, [problem], now)
        if first_at is not None:
            tx.execute(update(TABLE).where(mine).values(first_at=first_at))


def clear_all(tx: Connection, sync: str, kind: str, subjects: Collection[str]) -> None:
    """Deletes the problems of one kind about several users of a sync.

    Args:
        tx: a writing transaction.
        sync: the name of the sync.
        kind: the kind of problem.
        subjects: the keys of the users.
    """
    if subjects:
        solved = (TABLE.c.sync == sync) & (TABLE.c.kind == kind) & among(tx, TABLE.c.subject, subjects)
        tx.execute(delete(TABLE).where(solved))
