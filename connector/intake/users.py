"""What a batch says about users: one sync's part of it, inside the transaction of `accept`."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from connector.actions.action import TakenCalls
from connector.audience import apply_change, future_times, leads, wanted_identifiers
from connector.audience import desired as audience
from connector.audience.audience_status import AudienceStatus, standing_of
from connector.audience.desired import Desired
from connector.audience.mapping import MappedFields
from connector.audience.rules import Rules
from connector.intake import funnel_steps, lead_emails, message_history, set_aside, visitors
from connector.intake.findings import BatchFindings
from connector.intake.funnel_steps import BatchSteps
from connector.intake.leasing import BatchLease
from connector.intake.objects import ObjectBatch
from connector.intake.traced import TracedBatch
from connector.model.change import Change, ObjectChange
from connector.model.entity import Entity, Facts, Identifier, PendingEvent, Unconfirmed, tried_besides
from connector.model.problem import Problem
from connector.planning import attempt, merged_users, removals
from connector.planning.leasing import Leased, Leasing
from connector.planning.plan import is_owed, next_step, possible_identifiers
from connector.store import encoding, entities, events, identifier_holders, problems, workspace_holders
from connector.store import leads as store_leads
from connector.store.entities import OBJECT, PERSON
from connector.store.tables import EXIT

log = structlog.get_logger(__name__)

_NOTHING_SAID = Facts()
_NEVER = None, None
ToldObject = tuple[int, ObjectChange]
"""A message about an object, after the number of messages about users that came before it."""


class Observed(NamedTuple):
    """The effect of a change on a user of a sync: the user before it, the change as it counted, and the facts after it.

    repeated: the names of its events that were accepted before.
    """

    sync: str
    before: Entity
    change: Change
    merged: apply_change.AppliedChange
    repeated: tuple[str, ...]


Observe = Callable[[Observed], None]


class UserBatch:
    """One sync's part of a batch, inside the transaction."""

    def __init__(
        self,
        tx: Connection,
        one_writer: bool,
        rules: Rules,
        findings: BatchFindings,
        now: float,
        lane: int,
        observe: Observe | None = None,
        leasing: Leasing | None = None,
        mask: set_aside.Mask = set_aside.unmasked,
    ) -> None:
        self.connection = tx
        self.one_writer = one_writer
        self.rules = rules
        self.findings = findings
        self.now = now
        self.lane = lane
        self.observe = observe
        self.mask = mask
        self.merges: list[tuple[str, Change, apply_change.AppliedChange]] = []
        self.tally: Counter[str] = Counter()
        self.steps = BatchSteps.of(rules)
        self.problems: list[Problem] = []
        self.events: list[tuple[str, PendingEvent]] = []
        self.told: list[ToldObject] = []
        self.survivors: Mapping[str, str] = {}
        self.set_aside = 0
        self.acted: set[str] = set()
        self.due: set[str] = set()
        self.desired: dict[str, Desired] = {}
        self.lease = BatchLease.open(tx, rules, leasing, lane, now)
        self.busy: Collection[str] = ()
        self.lets_go = False
        self.about = leads.AboutWhom((), ())
        self.told_objects: Sequence[tuple[str, str]] = ()

    def take(self, told: Sequence[ToldObject]) -> bool:
        """Takes in what the batch says about users and objects. Returns whether anything is due then."""
        if not self.rules.objects:
            self.steps.add(funnel_steps.NO_OBJECTS, len(told))
            return self._take()
        mentioned = [each for _, each in told]
        changes = self.findings.taken.changes
        objects = ObjectBatch.begin(self.connection, self.rules, mentioned, changes, self.lane)
        due = self._take()
        in_order = [each for _, each in sorted((*told, *self.told), key=itemgetter(0))]
        due |= objects.take(self.connection, in_order, self.now)
        self.told_objects = [(each.key, each.trace) for each in in_order if each.key in objects.due]
        self.tally.update(objects.tally)
        self.steps.take(Counter(each.key for each in mentioned), objects.written, objects.unchanged)
        self.steps.add(funnel_steps.UNREADABLE_ROW, objects.set_aside(mentioned))
        problems.add(self.connection, self.rules.name, list(map(self.mask, objects.problems)), self.now)
        return due

    def _take(self) -> bool:
        """Merges the changes into the entities and writes what moved. Returns whether anybody not leased is due."""
        taken, ahead = self.findings.taken, self.findings.ahead
        most = self.rules.max_future_seconds
        told = self._about([self._judged(*future_times.judged(each, self.now, most)) for each in taken.changes])
        self._note_actions(taken)
        met = visitors.known_users(self.connection, self.rules.name, told.keys) if self.rules.objects else {}
        before = self._load(list(dict.fromkeys((*told.keys, *met.values()))), told.leads)
        told, ahead = self._readable(told, ahead, before)
        self.about = told
        facts = {key: entity.facts for key, entity in before.items()}
        last: dict[str, tuple[Change, apply_change.AppliedChange]] = {}
        for place, (change, key, reading) in enumerate(zip(told.changes, told.keys, ahead, strict=True)):
            came, merged = last.get(key, _NEVER)
            if merged is None or came is not change or not apply_change.says_nothing_new(change, merged):
                merged = self.findings.merge(facts[key], change, self.rules, reading, self.now)
            last[key] = change, merged
            facts[key] = merged.facts
            self._note(change, key, merged)
            self.problems += merged_users.unnamed(before[key], change, merged.facts, self.rules)
            if self.observe is not None:
                self.merges.append((key, change, merged))
            self.told += [(place, replace(each, trace=change.trace)) for each in merged.objects]
        if self.rules.objects:
            visitors.join(self.connection, self.rules.name, told, met, facts)
        if self.rules.addressing.knows_leads:
            self.survivors = _join(before, facts, told.leads, self.rules)
        fresh = events.add(self.connection, self.rules.name, self.events, self.now, self.findings.texts)
        self.tally["events accepted"] += len(fresh)
        self.tally["events repeated"] += len(self.events) - len(fresh)
        with_events = {key for key, event in self.events if event.id in fresh}
        self._tell(before, fresh)
        written = [w for key, entity in before.items() if (w := self._written(entity, facts[key], key in with_events))]
        saved = self._save(written, before, fresh)
        messages = Counter(told.keys)
        self.steps.take(messages, saved, self.steps.unchanged)
        message_history.keep(self.connection, self.rules, messages, self.events, fresh, saved, self.now)
        problems.add(self.connection, self.rules.name, list(map(self.mask, self.problems)), self.now)
        return any(each.due and each.lease is None for each in saved)

    def keep_traces(self, traced: TracedBatch) -> None:
        """Keeps, for delivery, the traces of the messages by which something is due."""
        people = [(key, each.trace) for each, key in zip(*self.about[:2], strict=True) if key in self.due]
        traced.keep(self.connection, self.rules.name, PERSON, people, self.now)
        traced.keep(self.connection, self.rules.name, OBJECT, self.told_objects, self.now)

    def leased(self) -> Leased | None:
        """Returns the people leased. It is the last step of the transaction, since all wait for one row."""
        return self.lease.close(self.connection, self.rules.name, self.now) if self.lease else None

    def _tell(self, before: Mapping[str, Entity], fresh: Collection[str]) -> None:
        """Tells the observer what each change did."""
        for key, change, merged in self.merges:
            repeated = tuple(event.name for event in merged.events if event.id not in fresh)
            if self.observe is not None:
                self.observe(Observed(self.rules.name, before[key], change, merged, repeated))

    def _judged(self, change: Change, found: Iterable[Problem]) -> Change:
        self.problems += found
        return change

    def _note_actions(self, taken: TakenCalls) -> None:
        self.problems += taken.problems
        if taken.ignored:
            self.tally["skipped: no action takes the call"] += taken.ignored
            self.steps.add(funnel_steps.NO_ACTION, taken.ignored)

    def _about(self, changes: Sequence[Change]) -> leads.AboutWhom:
        """Returns the users of the changes, by their keys; leads who are known as another user have that key."""
        if not self.rules.addressing.knows_leads:
            return leads.AboutWhom(changes, [change.key for change in changes])
        if not self.one_writer:
            store_leads.one_at_a_time(self.connection, self.rules.name)
        spoken_of = leads.spoken_of(changes)
        holders = identifier_holders.holders(self.connection, self.rules.name, spoken_of) if spoken_of else {}
        return leads.told(changes, holders, self.rules)

    def _readable(
        self, told: leads.AboutWhom, ahead: Sequence[MappedFields | None], before: dict[str, Entity]
    ) -> tuple[leads.AboutWhom, Sequence[MappedFields | None]]:
        """Returns the changes to users whose rows can be read. Each other one is a problem; its row is left alone."""
        corrupt = {key: entity.unreadable for key, entity in before.items() if entity.unreadable}
        if not corrupt:
            return told, ahead
        for key in corrupt:
            del before[key]
        all_told = list(zip(told.changes, told.keys, ahead, strict=True))
        kept_apart = [set_aside.problem(change, corrupt[key]) for change, key, _ in all_told if key in corrupt]
        self.problems += kept_apart
        self.set_aside += len(kept_apart)
        self.steps.add(funnel_steps.UNREADABLE_ROW, len(kept_apart))
        sound = [each for each in all_told if each[1] not in corrupt]
        kept = leads.AboutWhom(
            [each for each, _, _ in sound], [key for _, key, _ in sound], told.leads - corrupt.keys()
        )
        return kept, [reading for _, _, reading in sound]

    def _load(self, keys: Sequence[str], others: Collection[str]) -> dict[str, Entity]:
        """Returns the users' entities in the order of `keys`: of two who want one identifier, the first gets it.

        Then those of `others` who are there.
        """
        texts = self.findings.texts
        if not self.one_writer:
            entities.reserve(self.connection, self.rules.name, keys)
        if self.lease:
            found, self.busy = entities.load_people(self.connection, self.rules.name, keys, self.now, texts)
        else:
            wanted = {*keys, *others} if others else keys
            found = entities.load(self.connection, self.rules.name, wanted, texts=texts)
        return {key: found.get(key) or Entity(key, _NOTHING_SAID) for key in keys} | found

    def _note(self, change: Change, key: str, merged: apply_change.AppliedChange) -> None:
        self.problems += merged.problems
        for event in merged.events:
            judged, found = future_times.judged_event(event, change.key, self.now, self.rules.max_future_seconds)
            self.events.append((key, judged))
            self.problems += found
        if merged.standing is not AudienceStatus.IN:
            self.tally[f"skipped: {merged.standing}"] += 1
            log.debug("skipped", sync=self.rules.name, user=change.key, reason=merged.standing.value)
        else:
            self.acted.add(change.key)
            self.tally["stale"] += merged.stale
        for skipped in merged.skipped:
            self.tally[f"events skipped: {skipped.reason}"] += 1
            reason = skipped.reason.value
            log.debug("event skipped", sync=self.rules.name, user=change.key, name=skipped.name, reason=reason)

    def _written(self, entity: Entity, facts: Facts, has_events: bool) -> entities.Written | None:
        if facts == entity.facts and not has_events:
            standing = self.steps.unchanged[entity.key] = standing_of(facts, self.rules)
            self._count_unchanged(entity, standing)
            return None
        self.steps.moved(entity.facts, facts)
        moved = entity.moved(facts, _tried(entity, self.rules))
        desired = self.desired[entity.key] = self.findings.desired(facts, self.rules)
        self.problems += wanted_identifiers.id_that_stays(moved, desired, self.rules)
        due = has_events or is_owed(moved, desired, self.rules)
        if due:
            self.acted.add(entity.key)
            self.due.add(entity.key)
        else:
            self._count_unchanged(moved, desired.standing)
            self.problems += removals.unnamed(moved, desired, self.rules)
        lane = EXIT if due and desired.standing.deletes else self.lane
        return entities.Written(moved, desired.standing, due, lane=lane)

    def _count_unchanged(self, entity: Entity, stands: AudienceStatus) -> None:
        if stands is AudienceStatus.IN:
            self.tally["unchanged"] += 1
            log.debug("skipped", sync=self.rules.name, user=entity.key, reason="unchanged")

    def _save(
        self, written: Sequence[entities.Written], before: Mapping[str, Entity], fresh: Collection[str]
    ) -> Sequence[entities.Written]:
        """Lets each identifier be held by one user; the others wait, and are a problem that names both."""
        wanted: dict[str, list[str]] = {}
        names: dict[str, list[str]] = {}
        for each in written:
            key = each.entity.key
            names[key] = _texts(wanted_identifiers.wanted(each.entity, self.desired[key], self.rules))
            for identifier in names[key]:
                wanted.setdefault(identifier, []).append(key)
        if self.rules.addressing.knows_leads:
            lead_emails.want(wanted, written)
            store_leads.pass_on(self.connection, self.rules.name, self.survivors)
        held = workspace_holders.hold(self.connection, self.rules, wanted)
        saved = [self._held(each, names[each.entity.key], held) for each in written]
        if self.lease:
            saved = self._claimed(self.lease, saved, before, fresh)
        entities.save(self.connection, self.rules.name, saved, self.now, PERSON, self.findings.texts)
        if self.survivors:
            # The survivor may be unchanged: they may know all of the lead already.
            left = _left_to(self.survivors, {**before, **{each.entity.key: each.entity for each in written}})
            store_leads.may_be_there(self.connection, self.rules.name, left, self.now)
        # This comes last: an identifier that is let go passes to the user who waits, who is known once all is saved.
        released = self._let_go(written, before, names)
        identifier_holders.release(self.connection, self.rules.name, released, self.now, self.rules)
        self.lets_go = bool(released)
        return saved

    def _claimed(
        self,
        lease: BatchLease,
        saved: Sequence[entities.Written],
        before: Mapping[str, Entity],
        fresh: Collection[str],
    ) -> list[entities.Written]:
        """Leases those who are free, with the events that this batch brought: nothing else is owed to them."""
        owed: dict[str, list[PendingEvent]] = {}
        by_id = {event.id: (key, event) for key, event in reversed(self.events) if event.id in fresh}
        for key, event in sorted(by_id.values(), key=_happened):
            owed.setdefault(key, []).append(event)
        return [
            each
            if each.entity.key in self.busy
            else lease.take(
                each,
                self.desired[each.entity.key],
                before[each.entity.key],
                owed.get(each.entity.key, ()),
                self.rules,
            )
            for each in saved
        ]

    def _let_go(
        self, written: Sequence[entities.Written], before: Mapping[str, Entity], names: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]]:
        """Returns the identifiers that were wanted, never sent, and are wanted no more."""
        released = []
        for each in written:
            key = each.entity.key
            kept = [*names[key], leads.lead_of(each.entity.facts) if self.rules.addressing.knows_leads else None]
            released += [(old, key) for old in self._wanted_before(before[key], each.entity) if old not in kept]
        if self.rules.addressing.knows_leads:
            released += lead_emails.let_go(written, before)
        return released

    def _wanted_before(self, before: Entity, now: Entity) -> list[str]:
        """Returns what the user was to be sent under, and was not; in doubt not the main one, which may exist."""
        if wanted_identifiers.same_as_before(before, self.desired[before.key], self.rules):
            return []
        old = wanted_identifiers.wanted(before, audience.desired(before.facts, self.rules), self.rules)
        main = self.rules.addressing.identifier(before.facts.identity.values)
        return _texts(each for each in old if not now.doubt or each != main)

    def _held(
        self, written: entities.Written, names: Sequence[str], held: workspace_holders.IdentifierHolders
    ) -> entities.Written:
        key = written.entity.key
        taken = next((each for each in names if held.keys[each] != key), None)
        if taken is None:
            return written
        self.problems.append(workspace_holders.conflict(key, taken, held))
        return written._replace(due=False, standing=identifier_holders.WAITS, waits_for=taken)


def _texts(identifiers: Iterable[Identifier]) -> list[str]:
    return [encoding.identifier_text(each) for each in identifiers]


def _join(
    before: dict[str, Entity], facts: dict[str, Facts], others: Collection[str], rules: Rules
) -> Mapping[str, str]:
    """Joins the leads who are one of the users. Returns the user's key by the lead's. Drops others from `before`."""
    survivors: dict[str, str] = {}
    for key in [key for key in before if not leads.is_lead(key)]:
        lead = leads.lead_of(facts[key])
        if lead in before and lead not in survivors and leads.joins(facts[lead], rules):
            facts[key], facts[lead] = leads.joined(facts[key], facts[lead], key)
            survivors[lead] = key
    for key in others:
        if key not in survivors:
            before.pop(key, None)
    return survivors


def _left_to(survivors: Mapping[str, str], people: Mapping[str, Entity]) -> list[tuple[str, Unconfirmed]]:
    """Returns what may be in Customer.io of leads, with the keys of the users whom they turned out to be."""
    left = []
    for lead, key in survivors.items():
        if possible_identifiers(people[lead]):
            received = merged_users.handed_over(people[lead], people[key])[1]
            left.append((key, received.tried))
    return left


def _tried(entity: Entity, rules: Rules) -> Unconfirmed:
    """Returns what may be in Customer.io: while an answer is out, that must not be forgotten as facts move on."""
    if not entity.doubt:
        return entity.tried
    desired = audience.desired(entity.facts, rules)
    if desired.standing is AudienceStatus.SUPPRESSED:
        return entity.tried | attempt.tried(next_step(entity, desired._replace(person=None), (), rules).operations)
    return tried_besides(entity, desired.person)


def _happened(owed: tuple[str, PendingEvent]) -> tuple[bool, int, str]:
    """Returns the order in which events are sent: those without a time last."""
    event = owed[1]
    return event.occurred_at is None, event.occurred_at or 0, event.id
