"""Delivers what is due: claim, plan, send, settle. One cycle is a claim of up to some hundred people.

No transaction is open while a request is on its way. Whatever happens to this process between two steps, the lease
runs out, and somebody plans the same people again from what the store holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import inf
from random import random
from uuid import uuid4

import structlog

from connector import audience, batch, outcome, plan
from connector.batch import Part, Request
from connector.customerio.track import Track
from connector.entity import Entity, Identifier
from connector.outcome import SENT, Later, Outcome, Pause, Refused, Sent, Settled, Split
from connector.plan import Step
from connector.problem import Problem
from connector.rules import Rules
from connector.settings import Delivery
from connector.store import claims, connections, counts, events
from connector.store.claims import Claim, Settlement
from connector.store.connections import Health
from connector.store.opening import Store

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Planned:
    """A claim with its step, and the outcome of each operation as the replies come in."""

    claim: Claim
    step: Step
    outcomes: dict[int, Outcome] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a cycle did: how many people it claimed, and whether it ended early because the connection is paused."""

    people: int
    paused: bool


@dataclass(frozen=True, slots=True)
class Courier:
    """What is needed to deliver one sync: the store, its rules, its workspace."""

    store: Store
    rules: Rules
    track: Track
    limits: Delivery
    requests_per_second: float
    sleep: Callable[[float], None] = time.sleep

    def deliver(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Delivers until nothing is due or the connection is paused (True), or until `until` says so (False)."""
        while not until():
            done = self.cycle()
            if done.paused or not done.people:
                return True
        return False

    def cycle(self) -> Delivered:
        """One claim, and everything it takes to settle it."""
        if not self.rules.deliver:
            return Delivered(0, paused=True)
        lease = uuid4().hex
        claimed = self._claim(lease)
        if not claimed:
            return Delivered(0, paused=False)
        planned = [_planned(claim, self.rules) for claim in claimed]
        paused = self._send_all(planned)
        self._settle(lease, planned)
        return Delivered(len(planned), paused)

    def _claim(self, lease: str) -> Sequence[Claim]:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            if connections.health(connection, self.rules.connection).paused(now, self.track.credentials):
                return ()
            limits = self.limits
            return claims.claim(connection, self.rules.name, lease, limits.people, now, limits.lease_seconds)

    def _send_all(self, planned: Sequence[_Planned]) -> bool:
        """Sends everything planned; True where the connection was paused on the way and the rest must wait."""
        give_up_at = time.monotonic() + self.limits.lease_seconds / 2
        parts, oversize = batch.fitting([part for each in planned for part in _parts(each)])
        for part in oversize:
            _note(part, Refused(f"the operation has {len(part.encoded)} bytes, more than Customer.io takes"))
        waiting = list(reversed(list(batch.pack(parts))))
        while waiting:
            if time.monotonic() > give_up_at:
                return True
            verdict = self._send(waiting[-1])
            request = waiting.pop()
            match verdict:
                case Settled(outcomes):
                    for part, each in zip(request.parts, outcomes, strict=True):
                        _note(part, each)
                case Split():
                    waiting += reversed(request.halves())
                case Pause():
                    for part in request.parts:
                        _note(part, Later(verdict.reason, verdict.doubt))
                    return True
        return False

    def _send(self, request: Request[tuple[_Planned, int]]) -> outcome.Verdict:
        with self.store.writing() as connection:
            now = self.store.now(connection)
            wait = connections.take_turn(connection, self.rules.connection, 1 / self.requests_per_second, now)
        if wait > 0:
            self.sleep(wait)
        body = request.body
        started = time.monotonic()
        reply = self.track.send(request.endpoint, body)
        verdict = outcome.read(reply, len(request.parts))
        log.info(
            "batch sent",
            sync=self.rules.name,
            endpoint=request.endpoint,
            items=len(request.parts),
            bytes=len(body),
            status=reply.status,
            milliseconds=round((time.monotonic() - started) * 1000),
            verdict=type(verdict).__name__.lower(),
        )
        self._note_health(verdict)
        return verdict

    def _note_health(self, verdict: outcome.Verdict) -> None:
        with self.store.reading() as connection:
            health = connections.health(connection, self.rules.connection)
        if not isinstance(verdict, Pause):
            if health.failures or health.paused_until is not None:
                with self.store.writing() as connection:
                    connections.resume(connection, self.rules.connection)
                log.info("connection recovered", connection=self.rules.connection)
            return
        with self.store.writing() as connection:
            paused = self._paused(verdict, health, self.store.now(connection))
            connections.pause(connection, self.rules.connection, paused)
        log.warning("connection paused", connection=self.rules.connection, reason=verdict.reason, until=verdict.until)

    def _paused(self, verdict: Pause, health: Health, now: float) -> Health:
        failures = health.failures + 1
        if verdict.until == "human":
            return Health(inf, verdict.reason, failures, self.track.credentials)
        seconds = verdict.seconds
        if seconds is None:
            seconds = outcome.delay(failures, self.limits.backoff_seconds, self.limits.backoff_max_seconds, random())
        return Health(now + seconds, verdict.reason, failures)

    def _settle(self, lease: str, planned: Sequence[_Planned]) -> None:
        tally: Counter[str] = Counter()
        sent, refused, dropped = _event_outcomes(planned)
        settlements = [_settlement(each, tally) for each in planned]
        tally.update({"events sent": len(sent), "events refused": len(refused), "events dropped": len(dropped)})
        name = self.rules.name
        with self.store.writing() as connection:
            now = self.store.now(connection)
            events.settle(connection, name, sent, events.SENT)
            events.settle(connection, name, refused, events.REFUSED)
            events.settle(connection, name, dropped, events.DROPPED)
            claims.settle(connection, name, lease, settlements, now)
            counts.add_problems(connection, name, _refusals(planned), now)
            counts.tally(connection, name, tally)


def _planned(claim: Claim, rules: Rules) -> _Planned:
    return _Planned(
        claim, plan.next_step(claim.entity, audience.desired(claim.entity.facts, rules), claim.events, rules)
    )


def _parts(planned: _Planned) -> list[Part[tuple[_Planned, int]]]:
    encoded = batch.encode(planned, planned.step.operations)
    return [Part((planned, index), part.operation, part.encoded) for index, part in enumerate(encoded)]


def _note(part: Part[tuple[_Planned, int]], each: Outcome) -> None:
    planned, index = part.owner
    planned.outcomes[index] = each


def _unsent(planned: _Planned, index: int) -> Outcome:
    """An operation that no reply speaks of was never sent: the connection paused before its turn."""
    return planned.outcomes.get(index, Later("the connection is paused", doubt=False))


def _event_outcomes(planned: Sequence[_Planned]) -> tuple[list[str], list[str], list[str]]:
    sent: list[str] = []
    refused: list[str] = []
    for each in planned:
        for index, operation in enumerate(each.step.operations):
            if operation.event is not None:
                found = _unsent(each, index)
                if isinstance(found, Sent):
                    sent.append(operation.event)
                elif isinstance(found, Refused):
                    refused.append(operation.event)
    return sent, refused, [id for each in planned for id in each.step.dropped]


def _settlement(planned: _Planned, tally: Counter[str]) -> Settlement:
    """What became of the person, apart from their events."""
    entity, step = planned.claim.entity, planned.step
    operations = enumerate(step.operations)
    found = [_unsent(planned, index) for index, operation in operations if operation.event is None]
    if any(isinstance(each, Refused) for each in found) and step.effect != "merged":
        tally["refused"] += 1
        return Settlement(entity, "refused")
    every = found + [_unsent(planned, i) for i, operation in enumerate(step.operations) if operation.event is not None]
    later = [each for each in every if isinstance(each, Later)]
    if any(isinstance(each, Later) for each in found):
        return Settlement(entity, "later", doubt=any(each.doubt for each in later))
    if step.effect is not None:
        tally[step.effect] += 1
    return Settlement(entity, "confirmed", step.after, more=step.more, released=_released(entity, step))


def _released(entity: Entity, step: Step) -> tuple[Identifier, ...]:
    """The identifiers under which the person is not known any more once the step is confirmed."""
    before = (
        *entity.tried.identifiers,
        *((entity.delivered.identifier, *entity.delivered.former) if entity.delivered else ()),
    )
    held = (step.after.identifier, *step.after.former) if step.after else ()
    return tuple(each for each in before if not any(each.same_as(other) for other in held))


def _refusals(planned: Sequence[_Planned]) -> Iterator[Problem]:
    for each in planned:
        for index, found in each.outcomes.items():
            if isinstance(found, Refused):
                operation = each.step.operations[index]
                reason = f"{operation.item.get('action', 'event')} refused: {found.reason}"
                yield Problem("refused", each.claim.entity.key, reason, operation.item)
