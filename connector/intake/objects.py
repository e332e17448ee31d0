"""Takes in what messages say about objects: one sync's part of a batch, inside the transaction of `intake`.

The objects are locked before the users. Everybody locks in this order, so no two transactions wait for each other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from connector.audience import future_times, objects, relationships
from connector.audience.audience_status import AudienceStatus
from connector.audience.rules import Rules
from connector.intake import set_aside
from connector.model.change import Change, ObjectChange
from connector.model.entity import Entity, Facts, tried_besides
from connector.model.problem import Problem
from connector.planning.plan import is_owed
from connector.store import entities
from connector.store.entities import OBJECT
from connector.store.tables import EXIT


@dataclass(slots=True)
class ObjectBatch:
    """The objects that a batch may be about, locked."""

    rules: Rules
    before: dict[str, Entity]
    lane: int
    tally: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    written: list[entities.Written] = field(default_factory=list)
    unchanged: dict[str, AudienceStatus | None] = field(default_factory=dict)

    @classmethod
    def begin(
        cls, tx: Connection, rules: Rules, told: Iterable[ObjectChange], changes: Sequence[Change], lane: int
    ) -> "ObjectBatch":
        """Locks the objects that messages about objects, and messages about users, may move.

        Args:
            tx: The transaction that takes the batch in.
            rules: The sync's rules.
            told: The messages about objects.
            changes: The messages about users.
            lane: In which lane objects become due.
        """
        keys = {each.key for each in told}
        keys.update(each.key for change in changes for each in relationships.objects(change, rules))
        if not keys:
            return cls(rules, {}, lane)
        entities.reserve(tx, rules.name, keys, OBJECT)
        return cls(rules, entities.load(tx, rules.name, keys, OBJECT), lane)

    def take(self, tx: Connection, told: Iterable[ObjectChange], now: float) -> bool:
        """Merges what was told, in its order, and writes what moved. Returns whether anything is due then."""
        facts = {key: entity.facts for key, entity in self.before.items()}
        for given in told:
            change, ahead = future_times.judged_object(given, now, self.rules.max_future_seconds)
            self.problems += ahead
            if self.before[change.key].unreadable:
                self.problems.append(set_aside.of_object(change, self.before[change.key].unreadable))
                continue
            merged = objects.merge(facts[change.key], change, self.rules)
            facts[change.key] = merged.facts
            self.problems += merged.problems
            self.tally["objects stale"] += merged.stale
        moved = [(entity, facts[key]) for key, entity in self.before.items() if facts[key] != entity.facts]
        self.written = [self._written(entity, after) for entity, after in moved]
        still = self.before.keys() - {entity.key for entity, _ in moved}
        self.unchanged = dict.fromkeys(key for key in still if not self.before[key].unreadable)
        entities.save(tx, self.rules.name, self.written, now, OBJECT)
        return any(each.due for each in self.written)

    @property
    def due(self) -> set[str]:
        """The keys of the objects that are due by this batch."""
        return {each.entity.key for each in self.written if each.due}

    def set_aside(self, told: Iterable[ObjectChange]) -> int:
        """Returns how many of these messages are about an object whose row cannot be read."""
        return sum(bool(self.before[each.key].unreadable) for each in told)

    def _written(self, entity: Entity, facts: Facts) -> entities.Written:
        tried = entity.tried
        if entity.doubt:
            tried = tried_besides(entity, objects.desired(entity, self.rules).person)
        moved = replace(entity, facts=facts, revision=entity.revision + 1, tried=tried)
        desired = objects.desired(moved, self.rules)
        due = is_owed(moved, desired, self.rules)
        lane = EXIT if due and desired.standing is AudienceStatus.DELETED else self.lane
        return entities.Written(moved, desired.standing, due, lane=lane)
