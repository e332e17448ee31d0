"""What messages would lead to, with nothing stored and nothing sent: each is merged, planned and taken as delivered."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from connector import address, audience, explain, explain_objects, handover, leads, merge, objects, plan, relating
from connector.actions import action
from connector.actions.action import Applied
from connector.audience import Standing
from connector.model.change import Change, Message, ObjectChange, Unreadable
from connector.model.entity import Entity, Facts, Identifier, OwedEvent, Person, Tried
from connector.errors import UnreadableError
from connector.admin.preview.explanation import Line
from connector.model.problem import Problem
from connector.audience.rules import Rules

Decision = Literal["sync", "exit", "skip"]
UNCHANGED = "unchanged: Customer.io holds it already"
STALE = "older than what is known"
REPEATED = "this event was accepted before"


@dataclass(frozen=True, slots=True)
class Preview:
    """What one message leads to in one sync. As JSON: docs/surfaces.md, `connector plan`."""

    user: str | None
    sync: str | None
    decision: Decision
    reason: str
    operations: tuple[Mapping[str, Any], ...] = ()
    skipped_events: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    explanation: tuple[Line, ...] = ()
    object: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The stable JSON form; with the explanation where one was asked for."""
        explained = {"explanation": [line._asdict() for line in self.explanation]} if self.explanation else {}
        about = {"object": self.object} if self.object else {}
        return {
            **explained,
            **about,
            "user": self.user,
            "sync": self.sync,
            "decision": self.decision,
            "reason": self.reason,
            "operations": list(self.operations),
            "skipped_events": [{"name": name, "reason": reason} for name, reason in self.skipped_events],
            "problems": [{"kind": each.kind, "reason": each.reason} for each in self.problems],
        }


@dataclass(slots=True)
class Previewer:
    """Previews messages in their order; later ones see what earlier ones would have delivered.

    explained: whether each preview is to say why, thing by thing.
    """

    syncs: tuple[Rules, ...]
    explained: bool = False
    _entities: dict[tuple[str, str], Entity] = field(default_factory=dict)
    _objects: dict[tuple[str, str], Entity] = field(default_factory=dict)
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _emails: dict[tuple[str, str], str] = field(default_factory=dict)

    def know(self, people: Iterable[Any]) -> None:
        """Takes people as delivered already: {"user", "identifier", "attributes"}. Raises UnreadableError."""
        for row in people:
            for rules in self.syncs:
                entity = _known(row, rules)
                self._entities[rules.name, entity.key] = entity

    def preview(self, messages: Iterable[Message]) -> Iterator[Preview]:
        """One preview for each message and sync; an unreadable message has one, of no sync."""
        for message in messages:
            if isinstance(message, Unreadable):
                problem = Problem("unreadable", "", message.reason)
                yield Preview(None, None, "skip", f"unreadable: {message.reason}", problems=(problem,))
                continue
            for rules in self.syncs:
                yield self._of(message, rules) if isinstance(message, Change) else self._of_object(message, rules)

    def _of_object(self, change: ObjectChange, rules: Rules) -> Preview:
        """A message about an object alone."""
        before = self._object(change.key, rules)
        merged = objects.merge(before.facts, change, rules)
        operations, desired = self._deliver_object(replace(before, facts=merged.facts), rules)
        decision, reason = explain_objects.decision(change, rules, desired, merged, sends=bool(operations))
        why = explain_objects.explain(before, operations, reason) if self.explained else ()
        return Preview(
            None, rules.name, decision, reason, operations,
            problems=merged.problems, explanation=tuple(why), object=change.key,
        )  # fmt: skip

    def _object(self, key: str, rules: Rules) -> Entity:
        return self._objects.get((rules.name, key), Entity(key, kind="object"))

    def _deliver_object(self, entity: Entity, rules: Rules) -> tuple[tuple[Mapping[str, Any], ...], audience.Desired]:
        desired = objects.desired(entity, rules)
        operations, after = _deliver(entity, desired, [], rules)
        self._objects[rules.name, entity.key] = after
        return operations, desired

    def _with_objects(
        self, entity: Entity, merged: merge.Merged, rules: Rules
    ) -> tuple[list[Mapping[str, Any]], list[Problem], Entity]:
        """What goes before the person: objects, those too that are only named; and the person as far as they are."""
        operations: list[Mapping[str, Any]] = []
        problems: list[Problem] = []
        for change in merged.objects:
            before = self._object(change.key, rules)
            moved = objects.merge(before.facts, change, rules)
            problems += moved.problems
            operations += self._deliver_object(replace(before, facts=moved.facts), rules)[0]
        person = audience.desired(merged.facts, rules).person
        for key in sorted(person.relationships) if person else ():
            before = self._object(key, rules)
            if not before.facts.entered:
                operations += self._deliver_object(replace(before, facts=objects.NAMED), rules)[0]
        there = {key for sync, key in self._objects if sync == rules.name and self._objects[sync, key].delivered}
        return operations, problems, relating.within(entity, there, rules)

    def _of(self, told: Change, rules: Rules) -> Preview:
        applied = action.apply(told, rules.actions) if rules.actions else Applied(told)
        if applied.change is None:
            preview = Preview(told.key, rules.name, "skip", applied.reason)
        else:
            preview = self._taken(applied.change, rules)
        lines = explain.actions(told, applied) if self.explained else []
        problems, why = applied.problems + preview.problems, (*lines, *preview.explanation)
        return replace(preview, problems=problems, explanation=why)

    def _taken(self, change: Change, rules: Rules) -> Preview:
        key = change.key
        if rules.by_either:
            change, key = self._about(change, rules)
        before = self._entities.get((rules.name, key), Entity(key))
        merged = merge.merge(before.facts, change, rules)
        moved = replace(before, facts=merged.facts)
        if rules.by_either:
            moved = self._with_lead(moved, rules)
            merged = merged._replace(facts=moved.facts, standing=audience.standing(moved.facts, rules))
        fresh, repeated = self._fresh(merged.events, rules.name)
        now = moved
        first: list[Mapping[str, Any]] = []
        problems: list[Problem] = []
        if rules.objects:
            first, problems, now = self._with_objects(now, merged, rules)
        operations, after = _deliver(now, audience.desired(now.facts, rules), fresh, rules)
        operations = (*first, *operations)
        self._entities[rules.name, key] = replace(after, facts=merged.facts)
        merged = merged._replace(problems=(*merged.problems, *problems))
        if merged.standing is Standing.MERGED:
            operations += self._handed_over(after, fresh, rules)
        skipped = [(each.name, str(each.reason)) for each in merged.skipped] + [(name, REPEATED) for name in repeated]
        decision, reason = _decision(before, merged, bool(operations), rules)
        why = explain.explain(change, rules, before, merged, operations, skipped) if self.explained else ()
        return Preview(
            change.key, rules.name, decision, reason, operations, tuple(skipped), merged.problems, tuple(why)
        )

    def _about(self, change: Change, rules: Rules) -> tuple[Change, str]:
        """The change, and the key of the user whom it is about: a lead may be known as another user."""
        holder = self._emails.get((rules.name, change.key))
        told = leads.told([change], {} if holder is None else {change.key: holder}, rules)
        return told.changes[0], told.keys[0]

    def _with_lead(self, user: Entity, rules: Rules) -> Entity:
        """The user, with what was known of them by their e-mail alone."""
        key = leads.lead_of(user.facts)
        if key is None or key == user.key:
            return user
        self._emails.setdefault((rules.name, key), user.key)
        lead = self._entities.get((rules.name, key))
        if lead is None or leads.is_lead(user.key) or not leads.joins(lead.facts, rules):
            return user
        own, left = leads.joined(user.facts, lead.facts, user.key)
        self._entities[rules.name, key], user = handover.handed_over(
            replace(lead, facts=left), replace(user, facts=own)
        )
        return user

    def _handed_over(self, old: Entity, events: list[OwedEvent], rules: Rules) -> tuple[Mapping[str, Any], ...]:
        """What is sent for the user whom `old` turned out to be, who gets all that is theirs."""
        way = {key: entity.facts for (sync, key), entity in self._entities.items() if sync == rules.name}
        target = handover.target(old.facts)
        if target is None or handover.circle(old.key, way):
            return ()
        survivor = self._entities.get((rules.name, target), Entity(target))
        self._entities[rules.name, old.key], survivor = handover.handed_over(old, survivor)
        if audience.standing(survivor.facts, rules) is Standing.MERGED:
            return self._handed_over(survivor, events, rules)
        desired = audience.desired(survivor.facts, rules)
        operations, self._entities[rules.name, target] = _deliver(survivor, desired, events, rules)
        return operations

    def _fresh(self, events: Iterable[OwedEvent], sync: str) -> tuple[list[OwedEvent], list[str]]:
        fresh: list[OwedEvent] = []
        repeated: list[str] = []
        for event in events:
            if (sync, event.id) in self._seen:
                repeated.append(event.name)
                continue
            self._seen.add((sync, event.id))
            fresh.append(event)
        return sorted(fresh, key=lambda event: (event.occurred_at or 0, event.id)), repeated


def _known(row: Any, rules: Rules) -> Entity:
    form = 'a known person is {"user": KEY, "identifier": VALUE, "attributes": {...}}'
    if not isinstance(row, dict) or not isinstance(row.get("user"), str | int):
        raise UnreadableError(form)
    attributes = row.get("attributes") or {}
    identifier = _known_identifier(row.get("identifier"), rules)
    if identifier is None or not isinstance(attributes, dict):
        raise UnreadableError(f"{form}; that of {row['user']!r} is not")
    return Entity(str(row["user"]), Facts(entered=True), Person(identifier, attributes))


def _known_identifier(given: Any, rules: Rules) -> Identifier | None:
    """An identifier as a plain value, or as Customer.io writes it: {"id": VALUE}."""
    if isinstance(given, str | int):
        return address.given(str(given), rules)
    if isinstance(given, dict) and len(given) == 1:
        ((type_, value),) = given.items()
        return Identifier(type_, str(value))
    return None


def _deliver(
    entity: Entity, desired: audience.Desired, events: list[OwedEvent], rules: Rules
) -> tuple[tuple[Mapping[str, Any], ...], Entity]:
    """Every step until nothing is owed, each taken as confirmed."""
    operations: list[Mapping[str, Any]] = []
    while True:
        step = plan.next_step(entity, desired, events, rules)
        if not step.operations:
            return tuple(operations), entity
        operations += [operation.item for operation in step.operations]
        sent = {operation.event for operation in step.operations} | set(step.dropped)
        events = [event for event in events if event.id not in sent]
        entity = replace(entity, delivered=step.after, tried=Tried(), doubt=0)


def _decision(before: Entity, merged: merge.Merged, sends: bool, rules: Rules) -> tuple[Decision, str]:
    stands = merged.standing
    if stands.left:
        first_seen_here = before.facts == Facts(entered=True)
        was_in = first_seen_here or audience.standing(before.facts, rules) is Standing.IN
        return ("exit" if sends or was_in else "skip"), str(stands)
    if sends:
        return "sync", f"anonymous events only: {stands}" if stands.unaddressed else str(stands)
    if stands is Standing.IN:
        return "skip", STALE if merged.stale else UNCHANGED
    return "skip", str(stands)
