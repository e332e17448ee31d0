"""Takes changes in: one transaction for a batch of them, all of it or nothing.

Once `accept` returns, the effect of the changes is in the store and upstream's messages may be acknowledged. Taking
the same batch in again changes nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter

import structlog
from sqlalchemy import Connection

from connector import address, audience, errand, handover, leads, merge, plan
from connector.actions import action
from connector.actions.action import Taken
from connector.audience import Desired
from connector.model.change import Change, Message, ObjectChange, Unreadable
from connector.model.entity import Entity, Facts, OwedEvent, Tried, tried_besides
from connector.mapping import Reading
from connector.intake.objects import ObjectBatch
from connector.model.problem import Problem
from connector.audience.rules import Rules
from connector.store import counts, encoding, entities, events, identities, problems
from connector.store import leads as store_leads
from connector.store.opening import Store
from connector.store.tables import BACKFILL, EXIT, LIVE

log = structlog.get_logger(__name__)
EVERY_SYNC = ""
"""The name under which what concerns no single sync is counted."""


_Told = tuple[int, ObjectChange]
"""What was said of an object, and how many messages about users came before it."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What came of a batch: how many messages were read, how many not, and which syncs have something to deliver."""

    changes: int
    unreadable: int
    due: frozenset[str]


def accept(store: Store, syncs: Sequence[Rules], messages: Iterable[Message], *, backfill: bool = False) -> Accepted:
    """Takes in a batch; one of a backfill is delivered behind what is live.

    Raises StoreError where it cannot be kept; then nothing of it is.
    """
    changes, told, unreadable = _sorted_out(messages)
    taken = {rules.name: action.taken(changes, rules.actions) for rules in syncs}
    ahead = {rules.name: [merge.read_ahead(each, rules) for each in taken[rules.name].changes] for rules in syncs}
    with store.writing() as connection:
        now = store.now(connection)
        lane = BACKFILL if backfill else LIVE
        batches = [_Batch(connection, store.on_sqlite, rules, now, lane) for rules in syncs]
        due = frozenset(
            each.rules.name for each in batches if each.take(taken[each.rules.name], ahead[each.rules.name], told)
        )
        problems.add(connection, EVERY_SYNC, map(_problem, unreadable), now)
        counted = {batch.rules.name: batch.tally for batch in batches}
        read = len(changes) + len(told)
        counted[EVERY_SYNC] = Counter(messages=read + len(unreadable), unreadable=len(unreadable))
        counts.tally(connection, counted)
    log.info("batch taken in", messages=read, unreadable=len(unreadable), due=sorted(due))
    return Accepted(read, len(unreadable), due)


def _sorted_out(messages: Iterable[Message]) -> tuple[list[Change], list[_Told], list[Unreadable]]:
    changes: list[Change] = []
    told: list[_Told] = []
    unreadable: list[Unreadable] = []
    for message in messages:
        if isinstance(message, Change):
            changes.append(message)
        elif isinstance(message, Unreadable):
            unreadable.append(message)
        else:
            told.append((len(changes), message))
    return changes, told, unreadable


def _problem(unreadable: Unreadable) -> Problem:
    return Problem("unreadable", "", unreadable.reason, unreadable.message)


class _Batch:
    """One sync's part of a batch, inside the transaction."""

    def __init__(self, connection: Connection, one_writer: bool, rules: Rules, now: float, lane: int) -> None:
        self.connection = connection
        self.one_writer = one_writer
        self.rules = rules
        self.now = now
        self.lane = lane
        self.tally: Counter[str] = Counter()
        self.problems: list[Problem] = []
        self.events: list[tuple[str, OwedEvent]] = []
        self.told: list[_Told] = []
        self.survivors: Mapping[str, str] = {}

    def take(self, taken: Taken, ahead: Sequence[Reading | None], told: Sequence[_Told]) -> bool:
        """Takes in what the batch says of users, and of objects; whether anything is due then."""
        if not self.rules.objects:
            return self._take(taken, ahead)
        mentioned = [each for _, each in told]
        objects = ObjectBatch.begin(self.connection, self.rules, mentioned, taken.changes, self.lane)
        due = self._take(taken, ahead)
        in_order = sorted((*told, *self.told), key=itemgetter(0))
        due |= objects.take(self.connection, [each for _, each in in_order], self.now)
        self.tally.update(objects.tally)
        problems.add(self.connection, self.rules.name, objects.problems, self.now)
        return due

    def _take(self, taken: Taken, ahead: Sequence[Reading | None]) -> bool:
        """Merges the changes into the entities and writes what moved; whether anything is due then."""
        told = self._about(taken.changes)
        self._note_actions(taken)
        before = self._load(list(dict.fromkeys(told.keys)), told.leads)
        facts = {key: entity.facts for key, entity in before.items()}
        for place, (change, key, reading) in enumerate(zip(told.changes, told.keys, ahead, strict=True)):
            merged = merge.merge(facts[key], change, self.rules, reading)
            facts[key] = merged.facts
            self._note(change, key, merged)
            self.told += [(place, each) for each in merged.objects]
        if self.rules.by_either:
            self.survivors = _join(before, facts, told.leads, self.rules)
        fresh = events.add(self.connection, self.rules.name, self.events, self.now)
        self.tally["events accepted"] += len(fresh)
        self.tally["events repeated"] += len(self.events) - len(fresh)
        with_events = {key for key, event in self.events if event.id in fresh}
        written = [w for key, entity in before.items() if (w := self._written(entity, facts[key], key in with_events))]
        self._save(written, before)
        problems.add(self.connection, self.rules.name, self.problems, self.now)
        return any(each.due for each in written)

    def _note_actions(self, taken: Taken) -> None:
        self.problems += taken.problems
        if taken.ignored:
            self.tally["skipped: no action takes the call"] += taken.ignored

    def _about(self, changes: Sequence[Change]) -> leads.Told:
        """Whom the changes are about: by their keys, but for leads who are known as another user."""
        if not self.rules.by_either:
            return leads.Told(changes, [change.key for change in changes])
        if not self.one_writer:
            store_leads.one_at_a_time(self.connection, self.rules.name)
        spoken_of = leads.spoken_of(changes)
        holders = identities.holders(self.connection, self.rules.name, spoken_of) if spoken_of else {}
        return leads.told(changes, holders, self.rules)

    def _load(self, keys: Sequence[str], others: Collection[str]) -> dict[str, Entity]:
        """The users' entities in the order of `keys`: of two who want one identifier, the first gets it.

        Then those of `others` who are there.
        """
        if not self.one_writer:
            entities.reserve(self.connection, self.rules.name, keys)
        found = entities.load(self.connection, self.rules.name, {*keys, *others} if others else keys)
        return {key: found.get(key) or Entity(key) for key in keys} | found

    def _note(self, change: Change, key: str, merged: merge.Merged) -> None:
        self.problems += merged.problems
        self.events += [(key, event) for event in merged.events]
        if merged.standing is not audience.Standing.IN:
            self.tally[f"skipped: {merged.standing}"] += 1
            log.debug("skipped", sync=self.rules.name, user=change.key, reason=merged.standing.value)
        elif merged.stale:
            self.tally["stale"] += 1
        for skipped in merged.skipped:
            self.tally[f"events skipped: {skipped.reason}"] += 1
            reason = skipped.reason.value
            log.debug("event skipped", sync=self.rules.name, user=change.key, name=skipped.name, reason=reason)

    def _written(self, entity: Entity, facts: Facts, has_events: bool) -> entities.Written | None:
        if facts == entity.facts and not has_events:
            self._count_unchanged(entity)
            return None
        moved = replace(entity, facts=facts, revision=entity.revision + 1, tried=_tried(entity, self.rules))
        desired = audience.desired(facts, self.rules)
        due = has_events or plan.owes(moved, desired, self.rules)
        if not due:
            self._count_unchanged(moved)
        lane = EXIT if due and desired.standing.deletes else self.lane
        return entities.Written(moved, desired.standing, due, lane=lane)

    def _count_unchanged(self, entity: Entity) -> None:
        if audience.standing(entity.facts, self.rules) is audience.Standing.IN:
            self.tally["unchanged"] += 1
            log.debug("skipped", sync=self.rules.name, user=entity.key, reason="unchanged")

    def _save(self, written: Sequence[entities.Written], before: Mapping[str, Entity]) -> None:
        """Lets each identifier be held by one user; the others wait, and are a problem that names both."""
        wanted: dict[str, list[str]] = {}
        names: dict[str, str] = {}
        for each in written:
            identifier = _new_identifier(each.entity, self.rules)
            if identifier is not None:
                wanted.setdefault(identifier, []).append(each.entity.key)
                names[each.entity.key] = identifier
        if self.rules.by_either:
            _want_emails(wanted, written)
            store_leads.pass_on(self.connection, self.rules.name, self.survivors)
        holders = identities.hold(self.connection, self.rules.name, wanted)
        saved = [self._held(each, names.get(each.entity.key), holders) for each in written]
        entities.save(self.connection, self.rules.name, saved, self.now)
        if self.survivors:
            left = _left_to(self.survivors, {each.entity.key: each.entity for each in written})
            store_leads.may_be_there(self.connection, self.rules.name, left, self.now)
        # Only now: whoever waits gets what is let go, and who waits is known once all is saved.
        identities.release(self.connection, self.rules.name, self._let_go(written, before, names), self.now)

    def _let_go(
        self, written: Sequence[entities.Written], before: Mapping[str, Entity], names: Mapping[str, str]
    ) -> list[tuple[str, str]]:
        """Identifiers that were wanted, never sent, and are wanted no more."""
        released = []
        for each in written:
            old = _new_identifier(before[each.entity.key], self.rules)
            kept = (names.get(each.entity.key), leads.lead_of(each.entity.facts) if self.rules.by_either else None)
            if old is not None and not each.entity.doubt and old not in kept:
                released.append((old, each.entity.key))
        if self.rules.by_either:
            released += _emails_let_go(written, before)
        return released

    def _held(self, written: entities.Written, identifier: str | None, holders: Mapping[str, str]) -> entities.Written:
        if identifier is None or holders[identifier] == written.entity.key:
            return written
        reason = f"{identifier} is the identifier of the user {holders[identifier]!r} too: this one is not sent"
        self.problems.append(Problem("conflict", written.entity.key, reason))
        return written._replace(due=False, standing="identifier held by another user", waits_for=identifier)


def _join(
    before: dict[str, Entity], facts: dict[str, Facts], others: Collection[str], rules: Rules
) -> Mapping[str, str]:
    """Joins the leads who turn out to be one of the users; by their keys, who goes on. Other `others` are let go."""
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


def _left_to(survivors: Mapping[str, str], written: Mapping[str, Entity]) -> list[tuple[str, Tried]]:
    """What may be in Customer.io of leads, as the users whom they turned out to be have to reckon with it."""
    left = []
    for lead, key in survivors.items():
        if plan.possible_identifiers(written[lead]):
            received = handover.handed_over(written[lead], written[key])[1]
            left.append((key, received.tried))
    return left


def _want_emails(wanted: dict[str, list[str]], written: Sequence[entities.Written]) -> None:
    """Who has an e-mail holds it beside their id: a lead with it is them. Who does not get it does not wait for it."""
    for each in written:
        email = leads.lead_of(each.entity.facts)
        if email is not None and each.standing != audience.Standing.MERGED:
            wanted.setdefault(email, []).append(each.entity.key)


def _emails_let_go(written: Sequence[entities.Written], before: Mapping[str, Entity]) -> list[tuple[str, str]]:
    """E-mails that are the users' no more, and that Customer.io does not know them by: else settlement lets go."""
    released = []
    for each in written:
        old = before[each.entity.key]
        email, there = leads.lead_of(old.facts), old.delivered
        known = (there.identifier, address.email(there)) if there else ()
        delivered = [encoding.identifier_text(one) for one in known if one is not None]
        if email is not None and email != leads.lead_of(each.entity.facts) and email not in delivered:
            released.append((email, each.entity.key))
    return released


def _tried(entity: Entity, rules: Rules) -> Tried:
    """While a request's answer is out, what it may have put into Customer.io must not be forgotten as facts move on."""
    if not entity.doubt:
        return entity.tried
    stands, person, _ = audience.desired(entity.facts, rules)
    if stands is audience.Standing.SUPPRESSED:
        return entity.tried | errand.tried(plan.next_step(entity, Desired(stands, None), (), rules).operations)
    return tried_besides(entity, person)


def _new_identifier(entity: Entity, rules: Rules) -> str | None:
    """The identifier under which the person is to be sent, where they were not delivered under it already."""
    identifier = audience.identifier(entity.facts, rules)
    delivered = entity.delivered
    if identifier is None or (delivered and delivered.identifier.same_as(identifier)):
        return None
    if delivered and audience.standing(entity.facts, rules) is audience.Standing.SUPPRESSED:
        return None  # whoever is there is suppressed under the identifier that they are known by
    return encoding.identifier_text(identifier)
