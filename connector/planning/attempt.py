"""Takes one claimed person through delivery: a step, what the replies said of it, the next step, the settlement.

Steps follow one another under one claim as long as each is confirmed: a new person's identify in one request, their
events in the next. Nothing here sends or stores.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from connector.audience import desired as audience
from connector.audience import manual_segments, objects
from connector.audience.audience_status import AudienceStatus
from connector.audience.feedback import UNRESTRAINED, Restraint
from connector.audience.other_syncs import WantedByOthers
from connector.audience.rules import Rules
from connector.customerio.operations.operation import Operation
from connector.customerio.responses import Accepted, ItemResult, Rejected, Retry
from connector.model.entity import (
    NOTHING_REMOVED,
    Entity,
    Identifier,
    PendingEvent,
    Profile,
    Removals,
    Unconfirmed,
)
from connector.model.problem import Problem
from connector.planning import feedback, removals
from connector.planning.feedback import Restrained
from connector.planning.other_syncs import next_step
from connector.planning.settlement import Confirmed, HeldBack, PartlyRefused, Postponed, Settlement
from connector.planning.step import Effect, Step

_StepState = Literal["confirmed", "refused", "later"]
_UNSENT = Retry("the connection is paused", doubt=False)


class Claim(NamedTuple):
    """An entity leased to be sent for, with the events owed to it. `entity.doubt` is as it was before this claim.

    admitted: the deletion guard has let this person's deletion pass. desired: what Customer.io should hold, where the
    rules it was derived by are those that are sent by. attempts: how often in a row a request failed at them alone.
    since: when the last change about them came, in unix seconds by the store's clock; None for a bulk load.
    restraint: what the settings keep from them, by what Customer.io has reported.
    """

    entity: Entity
    events: tuple[PendingEvent, ...]
    admitted: bool = False
    desired: audience.Desired | None = None
    attempts: int = 0
    since: float | None = None
    restraint: Restraint = UNRESTRAINED


@dataclass(slots=True)
class Attempt:
    """A claim on its way. Over its steps it gathers `effects`, the events by outcome, and the problems.

    elsewhere: what other syncs of the workspace want of the person, where this one would take something away.
    """

    claim: Claim
    rules: Rules
    step: Step
    desired: audience.Desired
    outcomes: list[ItemResult]
    held: Profile | None
    removals: Removals = NOTHING_REMOVED
    confirmed: bool = False
    effects: list[Effect] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    gone_out: list[Operation] = field(default_factory=list)
    held_back: bool = False
    restrained: Restrained | None = None
    elsewhere: WantedByOthers | None = None

    @classmethod
    def of(cls, claim: Claim, rules: Rules, elsewhere: WantedByOthers | None = None) -> "Attempt":
        """Returns an attempt with its first step planned."""
        entity = claim.entity
        desired = claim.desired
        if desired is None:
            of_person = entity.kind == "person"
            desired = audience.desired(entity.facts, rules) if of_person else objects.desired(entity, rules)
        left = feedback.applied(claim.restraint, desired, rules, claim.events)
        step = next_step(entity, left.desired, left.events, left.rules, elsewhere)
        nothing = _nothing_yet(step)
        begun = cls(claim, left.rules, step, left.desired, nothing, entity.delivered, entity.removals, restrained=left)
        begun.elsewhere = elsewhere
        begun.dropped += left.withheld
        return begun

    @property
    def unguarded(self) -> bool:
        """Says whether this would delete somebody whose deletion the guard has not let pass yet."""
        delivered = self.claim.entity.delivered
        gone = delivered is not None and delivered.suppressed
        removes = bool(self.step.operations) and self.step.effect != "let go"
        return self.desired.standing.deletes and not gone and removes and not self.claim.admitted

    @property
    def to_hand_over(self) -> bool:
        """Says whether this user was merged into another, who gets everything that is theirs (`merged_users`)."""
        return self.desired.standing is AudienceStatus.MERGED and not self.step.operations

    def hold(self) -> None:
        """Keeps anything from being sent: the person stays as they are until a human lets the deletion go."""
        self.held_back = True

    def note(self, index: int, outcome: ItemResult) -> None:
        """Notes what the reply said of the step's operation `index`."""
        self.outcomes[index] = outcome

    def advance(self) -> bool:
        """Takes in the replies to the step. Returns True if the next step can be sent right away."""
        self._gather_events()
        if self._state() != "confirmed":
            return False
        self.confirmed = True
        self.dropped += self.step.dropped
        self.held = self.step.after
        self.removals = removals.removed(self.removals, self.step)
        if self.step.effect is not None:
            self.effects.append(self.step.effect)
        if self._waits() or not self._goes_on():
            return False
        self.step = next_step(self._entity_now(), self.desired, self._events_left(), self.rules, self.elsewhere)
        self.outcomes = _nothing_yet(self.step)
        return bool(self.step.operations)

    @property
    def fails_alone(self) -> str:
        """Returns why requests fail for this person alone, while Customer.io answers to others; "" if they do not."""
        return next((each.reason for each in self.outcomes if isinstance(each, Retry) and each.alone), "")

    @property
    def all_problems(self) -> list[Problem]:
        """Returns what needs a human. The problem of somebody who fails alone is removed once they no longer fail."""
        failing = [(one, each) for one, each in self._pairs() if isinstance(each, Retry) and each.alone]
        return self.problems + [_failing(self.claim.entity.key, one, each) for one, each in failing[:1]]

    def settlement(self) -> Settlement:
        """Returns what became of the person, apart from their events."""
        entity, state = self.claim.entity, self._state()
        if self.held_back:
            return HeldBack(entity)
        sent = self.gone_out
        if state == "confirmed":
            released, idle, undone = self._released(), self._idle(), self._undone()
            if undone:
                released = ()
            return Confirmed(entity, self.held, self.step.more, idle, undone, released, sent, self.removals)
        if self.confirmed and state == "later" and not self._in_doubt():
            released = self._released()
            return Confirmed(entity, self.held, more=True, released=released, sent=sent, removals=self.removals)
        if state == "refused":
            self.effects.append("refused")
            return PartlyRefused(entity, self._related_so_far(), sent)
        return Postponed(entity, self.confirmed or self._in_doubt(), sent)

    def passes_over(self, mirrors: Iterable[str]) -> bool:
        """Says whether the person's membership in one of these mirrors, which are not served, has to change."""
        if self.held is None or self.held_back:
            return False
        return bool(manual_segments.changes(self.held.memberships, self.desired.memberships, mirrors))

    def _related_so_far(self) -> Profile | None:
        """Returns what is held after a step that was refused in part: what was before, with the relationships taken."""
        sent = [pair[0].related for pair in self._pairs() if pair[0].related and isinstance(pair[1], Accepted)]
        if self.held is None or not sent:
            return self.held
        related = dict(self.held.relationships)
        for key, attributes in sent:
            if attributes is None:
                related[key] = None
                continue
            before = related.get(key)
            both = {**(before if isinstance(before, dict) else {}), **attributes}
            related[key] = {name: value for name, value in both.items() if value is not None}
        return self.held._replace(relationships=related)

    def _idle(self) -> bool:
        withheld = self.restrained is not None and bool(self.restrained.withheld)
        return not (self.step.operations or self.effects or self.sent or self.refused or withheld)

    def _undone(self) -> bool:
        """Says whether the doubt stays: people may be there under another identifier, and only events could be sent."""
        entity = self.claim.entity
        if not (entity.doubt and entity.tried.identifiers and self.desired.person is None):
            return False
        return all(operation.event is not None for operation in self.gone_out)

    def _entity_now(self) -> Entity:
        return replace(self.claim.entity, delivered=self.held, doubt=0, removals=self.removals)

    def _events_left(self) -> tuple[PendingEvent, ...]:
        done = {*self.sent, *self.refused, *self.dropped}
        return tuple(event for event in self.claim.events if event.id not in done) if done else self.claim.events

    def _waits(self) -> bool:
        """Says whether an operation of the step is to be sent again later, though its others are confirmed."""
        return any(isinstance(each, Retry) for each in self.outcomes)

    def _goes_on(self) -> bool:
        # A merge must find its primary, and Customer.io may take a while to have it: it goes with a later claim.
        waits_for_merge = self.held is not None and bool(self.held.former)
        return bool(self._events_left() or self.step.more) and not waits_for_merge

    def _state(self) -> _StepState:
        outcomes = [outcome for operation, outcome in self._pairs() if operation.event is None]
        if any(isinstance(each, Retry) for each in outcomes):
            return "later"
        # A refused merge leaves one person too many, a problem for a human; the primary is as it should be.
        if self.step.effect != "merged" and any(isinstance(each, Rejected) for each in outcomes):
            return "refused"
        return "confirmed"

    def _in_doubt(self) -> bool:
        return any(isinstance(each, Retry) and each.doubt for each in self.outcomes)

    def _gather_events(self) -> None:
        for operation, outcome in self._pairs():
            if outcome is not _UNSENT:
                self.gone_out.append(operation)
            if isinstance(outcome, Rejected):
                self.problems.append(_problem(self.claim.entity.key, operation, outcome))
            if operation.event is None:
                continue
            if isinstance(outcome, Accepted):
                self.sent.append(operation.event)
            elif isinstance(outcome, Rejected):
                self.refused.append(operation.event)

    def _pairs(self) -> Iterator[tuple[Operation, ItemResult]]:
        return zip(self.step.operations, self.outcomes, strict=True)

    def _released(self) -> tuple[Identifier, ...]:
        """Returns the identifiers under which the person is not known any more."""
        entity = self.claim.entity
        delivered = (entity.delivered.identifier, *entity.delivered.former) if entity.delivered else ()
        held = (self.held.identifier, *self.held.former) if self.held else ()
        if self.held is None and self.desired.person is not None:
            held = (self.desired.person.identifier,)  # theirs again in the next step
        named = (*self.desired.gone, *self.desired.free, *self.desired.ended.of)
        before = (*entity.tried.identifiers, *delivered, *named)
        also = self.rules.addressing.also_known_by
        before = (*before, *also(entity.delivered))
        held = (*held, *also(self.held), *also(self.desired.person))
        return tuple(each for each in before if each not in held and not any(each.same_as(other) for other in held))


def _nothing_yet(step: Step) -> list[ItemResult]:
    """Returns results for operations without a reply, which were never sent: the connection paused before."""
    return [_UNSENT] * len(step.operations)


def tried(operations: Sequence[Operation]) -> Unconfirmed:
    """Returns what these operations may have left in Customer.io: identifiers, and names of attributes and devices."""
    identifiers = dict.fromkeys(each for operation in operations for each in removals.addressed(operation.item))
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
    return Unconfirmed(tuple(identifiers), frozenset(names), frozenset(tokens), frozenset(related), suppressed)


def _problem(key: str, operation: Operation, refused: Rejected) -> Problem:
    return Problem("refused", key, f"{_action(operation)} refused: {refused.reason}", operation.item)


def _failing(key: str, operation: Operation, result: Retry) -> Problem:
    others = "others go through, so this is sent by itself, with growing pauses, until it succeeds"
    return Problem("failing", key, f"{_action(operation)} fails: {result.reason}; {others}", operation.item)


def _action(operation: Operation) -> str:
    item = operation.item
    action = f"{'object ' * (item.get('type') == 'object')}{item.get('action', 'event')}"
    return action if operation.related is None else f"{action} to the object {operation.related[0]}"
