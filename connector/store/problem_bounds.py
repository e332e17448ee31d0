"""Keeps a flood of problems as samples and a count: a million lines of junk must not fill the store.

Among problems that messages make, of one kind, sync and shape of reason, only so many an hour are kept one by one, each
with its payload. The others are counted on one more problem, which says so: none is lost from the count.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any, NamedTuple

from pydantic_core import to_json
from sqlalchemy import Connection, Table, func, select

from connector.model.problem import Problem
from connector.store.bulk_sql import among

MOST_AN_HOUR = 1000
"""The number of problems of one shape that are kept one by one within an hour."""
MOST_CHARACTERS = 20_000_000
"""The number of characters of their payloads that are kept within an hour."""
_HOUR_SECONDS = 3600.0
_BOUNDED = frozenset({"unreadable", "attribute", "identifier", "event", "action", "webhook", "failed later"})
_VARYING = re.compile(r"\"[^\"]*\"|'[^']*'|\d+")
_SHOWN = 200

ProblemColumns = dict[str, object]


class FloodShape(NamedTuple):
    """The kind, and the reason without names and numbers, that problems of a flood have in common."""

    kind: str
    reason: str


def shape_of(problem: Problem) -> FloodShape | None:
    """Returns the shape of a problem that a message made; None for the kinds that are not bounded."""
    if problem.kind not in _BOUNDED:
        return None
    return _shape(problem.kind, problem.reason)


@lru_cache(maxsize=1024)
def cause_id(kind: str, reason: str) -> str:
    """Returns the id of the cause of a problem: reasons that differ in names and numbers alone have one cause."""
    return sha256(to_json(_shape(kind, reason))).hexdigest()[:16]


@lru_cache(maxsize=1024)
def _shape(kind: str, reason: str) -> FloodShape:
    return FloodShape(kind, _VARYING.sub("…", reason))


@dataclass(slots=True)
class _Group:
    rows: list[ProblemColumns] = field(default_factory=list)
    more: int = 0
    example: str = ""
    id: str = ""


class Flood:
    """The bounded problems of one batch, while their rows are made."""

    def __init__(self, sync: str) -> None:
        self._sync = sync
        self._groups: defaultdict[FloodShape, _Group] = defaultdict(_Group)

    def full(self, shape: FloodShape) -> bool:
        """Says whether the batch itself already has as many of this shape as are kept in an hour."""
        return len(self._groups[shape].rows) >= MOST_AN_HOUR

    def add(self, shape: FloodShape, row: ProblemColumns) -> None:
        """Adds a row that may be kept."""
        self._groups[shape].rows.append(row)

    def count(self, shape: FloodShape, reason: str) -> str:
        """Counts a problem that is not kept. Returns the id of the problem that counts it."""
        group = self._groups[shape]
        group.more += 1
        group.example = group.example or reason
        group.id = group.id or self._id(shape)
        return group.id

    def settle(self, tx: Connection, table: Table, now: float) -> tuple[dict[str, str], list[ProblemColumns]]:
        """Returns the ids of the rows not kept, each with the id of the problem that counts it; and those problems."""
        dropped: dict[str, str] = {}
        if self._groups:
            recent = self._recent(tx, table, now)
            for shape, group in self._groups.items():
                dropped |= self._over(tx, table, shape, group, recent[shape])
        counted = [self._row(shape, group, now) for shape, group in self._groups.items() if group.more]
        return dropped, counted

    def _recent(self, tx: Connection, table: Table, now: float) -> defaultdict[FloodShape, Counter[str]]:
        """Returns how many problems of each shape came within the hour, and the total length of their payloads."""
        kinds = {shape.kind for shape in self._groups}
        long = func.coalesce(func.sum(func.length(table.c.payload)), 0)
        found = (
            select(table.c.kind, table.c.reason, func.count(), long)
            .where(table.c.sync == self._sync, among(tx, table.c.kind, kinds))
            .where(table.c.last_at >= now - _HOUR_SECONDS)
            .group_by(table.c.kind, table.c.reason)
        )
        recent: defaultdict[FloodShape, Counter[str]] = defaultdict(Counter)
        for kind, reason, count, characters in tx.execute(found):
            recent[_shape(kind, reason)].update(count=int(count), characters=int(characters))
        return recent

    def _over(
        self, tx: Connection, table: Table, shape: FloodShape, group: _Group, recent: Counter[str]
    ) -> dict[str, str]:
        """Returns the ids of rows beyond the bound, each with that of the problem that counts it. Known ones stay."""
        room, characters = MOST_AN_HOUR - recent["count"], MOST_CHARACTERS - recent["characters"]
        if len(group.rows) <= room and _characters(group.rows) <= characters:
            return {}
        there = _there(tx, table, [str(row["id"]) for row in group.rows])
        dropped: dict[str, str] = {}
        for row in group.rows:
            if row["id"] in there:
                continue
            room, characters = room - 1, characters - _characters([row])
            if room < 0 or characters < 0:
                dropped[str(row["id"])] = self.count(shape, str(row["reason"]))
                group.more += int(str(row["count"])) - 1
        return dropped

    def _id(self, shape: FloodShape) -> str:
        return sha256(to_json([self._sync, *shape, "more"])).hexdigest()[:16]

    def _row(self, shape: FloodShape, group: _Group, now: float) -> ProblemColumns:
        more = f"more problems of this kind came within an hour than the {MOST_AN_HOUR} that are kept: counted here"
        reason = f"{more}. One of them: {group.example[:_SHOWN]}"
        return {
            "id": self._id(shape),
            "sync": self._sync,
            "kind": shape.kind,
            "subject": "",
            "reason": reason,
            "payload": None,
            "form": None,
            "count": group.more,
            "first_at": now,
            "last_at": now,
            "cause": cause_id(shape.kind, reason),
        }


def _characters(rows: Iterable[ProblemColumns]) -> int:
    return sum(len(str(row["payload"] or "")) for row in rows)


def _there(tx: Connection, table: Any, ids: Sequence[str]) -> Collection[str]:
    return set(tx.execute(select(table.c.id).where(among(tx, table.c.id, ids))).scalars())
