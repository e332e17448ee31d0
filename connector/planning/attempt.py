"""One claimed person's way through delivery: a step, what the replies said of it, the next step, the settlement.

Steps follow one another under one claim as long as each is confirmed: a new person's identify in one request, their
events in the next. Nothing here sends or stores.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from connector import address, audience, membership, objects, plan
from connector.audience import Standing
from connector.model.entity import OBJECT_ID, Entity, Identifier, OwedEvent, Person, Tried
from connector.customerio.operations import Item
from connector.customerio.operations.objects import key_of
from connector.outcome import Later, Outcome, Refused, Sent
from connector.model.problem import Problem
from connector.audience.rules import Rules
from connector.planning.step import Effect, Operation, Step

State = Literal["confirmed", "refused", "later", "held"]
_UNSENT = Later("the connection is paused", doubt=False)


class Claim(NamedTuple):
    """An entity leased to be sent for, with the events owed to it. `entity.doubt` is as it was before this claim.

    admitted: the deletion guard has let this person's deletion pass.
    """

    entity: Entity
    events: tuple[OwedEvent, ...]
    admitted: bool = False


class Settlement(NamedTuple):
    """What became of a claim.

    confirmed: Customer.io holds `after` now; refused: it holds `after` and will not take the rest, so nothing is owed
    until something changes; later: nothing is known, or known only to be in doubt; held: nothing was sent, a human
    must let the deletion go. more: another step is owed.
    idle: nothing could be sent, so events that wait go on waiting until something changes. released: identifiers that
    the user is no longer known by. sent: what went out, whatever came of it, should the lease have run out meanwhile.
    undone: nothing was sent that could settle the doubt there was about who is in Customer.io: it stays.
    """

    entity: Entity
    state: State
    after: Person | None = None
    doubt: bool = False
    more: bool = False
    idle: bool = False
    released: tuple[Identifier, ...] = ()
    sent: Sequence[Operation] = ()
    undone: bool = False


@dataclass(slots=True)
class Errand:
    """A claim on its way. `effects`, the events by outcome and the problems gather over the steps."""

    claim: Claim
    rules: Rules
    step: Step
    desired: audience.Desired
    outcomes: list[Outcome]
    held: Person | None
    confirmed: bool = False
    effects: list[Effect] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone_out: list[Operation] = field(default_factory=list)
    held_back: bool = False

    @classmethod
    def of(cls, claim: Claim, rules: Rules) -> "Errand":
        """The errand with its first step planned."""
        entity = claim.entity
        of_person = entity.kind == "person"
        desired = audience.desired(entity.facts, rules) if of_person else objects.desired(entity, rules)
        step = plan.next_step(claim.entity, desired, claim.events, rules)
        return cls(claim, rules, step, desired, _nothing_yet(step), claim.entity.delivered)

    @property
    def unguarded(self) -> bool:
        """Whether this would delete somebody, and the deletion guard has not let it pass yet."""
        delivered = self.claim.entity.delivered
        gone = delivered is not None and delivered.suppressed
        return self.desired.standing.deletes and not gone and bool(self.step.operations) and not self.claim.admitted

    @property
    def to_hand_over(self) -> bool:
        """Whether this user was merged into another, who gets all that is theirs (`handover`)."""
        return self.desired.standing is Standing.MERGED and not self.step.operations

    def hold(self) -> None:
        """Sends nothing: the person stays as they are until a human lets the deletion go."""
        self.held_back = True

    def note(self, index: int, outcome: Outcome) -> None:
        """What the reply said of the step's operation `index`."""
        self.outcomes[index] = outcome

    def advance(self) -> bool:
        """Takes in the replies to the step; True where the next step can be sent right away."""
        self._gather_events()
        if self._state() != "confirmed":
            return False
        self.confirmed = True
        self.dropped += self.step.dropped
        self.held = self.step.after
        if self.step.effect is not None:
            self.effects.append(self.step.effect)
        if not self._goes_on():
            return False
        self.step = plan.next_step(self._entity_now(), self.desired, self._events_left(), self.rules)
        self.outcomes = _nothing_yet(self.step)
        return bool(self.step.operations)

    def settlement(self) -> Settlement:
        """What became of the person, apart from their events."""
        entity, state = self.claim.entity, self._state()
        if self.held_back:
            return Settlement(entity, "held")
        sent = self.gone_out
        if state == "confirmed":
            released, idle, undone = self._released(), self._idle(), self._undone()
            if undone:
                released = ()
            return Settlement(entity, state, self.held, False, self.step.more, idle, released, sent, undone)
        if self.confirmed and state == "later" and not self._in_doubt():
            return Settlement(entity, "confirmed", self.held, more=True, released=self._released(), sent=sent)
        if state == "refused":
            self.effects.append("refused")
            return Settlement(entity, state, self._related_so_far(), sent=sent)
        return Settlement(entity, state, doubt=self.confirmed or self._in_doubt(), sent=sent)

    def passes_over(self, mirrors: Iterable[str]) -> bool:
        """Whether one of these mirrors, which are not served, has to hear of the person."""
        if self.held is None or self.held_back:
            return False
        return bool(membership.changes(self.held.memberships, self.desired.memberships, mirrors))

    def _related_so_far(self) -> Person | None:
        """Of a step of which something was refused: what was held before, with the relationships that were not."""
        sent = [pair[0].related for pair in self._pairs() if pair[0].related and isinstance(pair[1], Sent)]
        if self.held is None or not sent:
            return self.held
        related = dict(self.held.relationships)
        for key, attributes in sent:
            if attributes is None:
                related.pop(key, None)
                continue
            before = related.get(key)
            both = {**(before if isinstance(before, dict) else {}), **attributes}
            related[key] = {name: value for name, value in both.items() if value is not None}
        return self.held._replace(relationships=related)

    def _idle(self) -> bool:
        return not (self.step.operations or self.effects or self.sent or self.refused)

    def _undone(self) -> bool:
        """Who may be there under another identifier stays so while the user can be told nothing."""
        entity = self.claim.entity
        if not (entity.doubt and entity.tried.identifiers and self.desired.person is None):
            return False
        return all(operation.event is not None for operation in self.gone_out)

    def _entity_now(self) -> Entity:
        return replace(self.claim.entity, delivered=self.held, doubt=0)

    def _events_left(self) -> tuple[OwedEvent, ...]:
        done = {*self.sent, *self.refused, *self.dropped}
        return tuple(event for event in self.claim.events if event.id not in done) if done else self.claim.events

    def _goes_on(self) -> bool:
        # A merge must find its primary, and Customer.io may take a while to have it: it goes with a later claim.
        waits_for_merge = self.held is not None and bool(self.held.former)
        return bool(self._events_left() or self.step.more) and not waits_for_merge

    def _state(self) -> State:
        outcomes = [outcome for operation, outcome in self._pairs() if operation.event is None]
        if any(isinstance(each, Later) for each in outcomes):
            return "later"
        # A refused merge leaves one person too many, a problem for a human; the primary is as it should be.
        if self.step.effect != "merged" and any(isinstance(each, Refused) for each in outcomes):
            return "refused"
        return "confirmed"

    def _in_doubt(self) -> bool:
        return any(isinstance(each, Later) and each.doubt for each in self.outcomes)

    def _gather_events(self) -> None:
        for operation, outcome in self._pairs():
            if outcome is not _UNSENT:
                self.gone_out.append(operation)
            if isinstance(outcome, Refused):
                self.problems.append(_problem(self.claim.entity.key, operation, outcome))
            if operation.event is None:
                continue
            if isinstance(outcome, Sent):
                self.sent.append(operation.event)
            elif isinstance(outcome, Refused):
                self.refused.append(operation.event)

    def _pairs(self) -> Iterator[tuple[Operation, Outcome]]:
        return zip(self.step.operations, self.outcomes, strict=True)

    def _released(self) -> tuple[Identifier, ...]:
        """The identifiers under which the person is not known any more."""
        entity = self.claim.entity
        delivered = (entity.delivered.identifier, *entity.delivered.former) if entity.delivered else ()
        held = (self.held.identifier, *self.held.former) if self.held else ()
        if self.held is None and self.desired.person is not None:
            held = (self.desired.person.identifier,)  # theirs again in the next step
        before = (*entity.tried.identifiers, *delivered)
        if self.rules.by_either:  # an e-mail is theirs beside their id
            before = (*before, *_emails(entity.delivered))
            held = (*held, *_emails(self.held), *_emails(self.desired.person))
        return tuple(each for each in before if not any(each.same_as(other) for other in held))


def _emails(person: Person | None) -> tuple[Identifier, ...]:
    email = address.email(person) if person else None
    return (email,) if email else ()


def _nothing_yet(step: Step) -> list[Outcome]:
    """An operation that no reply speaks of was never sent: the connection paused before its turn."""
    return [_UNSENT] * len(step.operations)


def tried(operations: Sequence[Operation]) -> Tried:
    """What these operations may have left in Customer.io: whom they address, attributes and devices that they set."""
    identifiers = dict.fromkeys(each for operation in operations for each in _addressed(operation.item))
    names = {
        name
        for operation in operations
        if operation.event is None
        for name in operation.item.get("attributes", ())
        if name != "_update"
    }
    tokens = {operation.item["device"]["token"] for operation in operations if "device" in operation.item}
    related = {operation.related[0] for operation in operations if operation.related}
    suppressed = any(operation.item.get("action") == "suppress" for operation in operations)
    return Tried(tuple(identifiers), frozenset(names), frozenset(tokens), frozenset(related), suppressed)


def _addressed(item: Item) -> Iterator[Identifier]:
    if item.get("type") == "object":
        yield Identifier(OBJECT_ID, key_of(item["identifiers"]))
        return
    for type, value in item.get("identifiers", {}).items():
        if type != "anonymous_id":
            yield Identifier(type, str(value))


def _problem(key: str, operation: Operation, refused: Refused) -> Problem:
    item = operation.item
    action = f"{'object ' * (item.get('type') == 'object')}{item.get('action', 'event')}"
    if operation.related is not None:
        action = f"{action} to the object {operation.related[0]}"
    return Problem("refused", key, f"{action} refused: {refused.reason}", item)
