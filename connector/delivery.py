"""Delivers what is due: claim, plan, send, settle. One cycle is a claim of up to some hundred people.

No transaction is open while a request is on its way. Whatever happens to this process between two steps, the lease
runs out, and somebody plans the same people again from what the store holds.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from connector import batch, call, guard, outcome, pace, reach
from connector.customerio.batches import Part, Request
from connector.customerio.request_log import Bodies, Call
from connector.model.entity import Kind
from connector.planning.attempt import Claim, Errand
from connector.line import Line
from connector.mirrors import Mirrors, Served
from connector.outcome import Later, Outcome, Pause, Refused, Settled, Split, Verdict
from connector.audience.rules import Rules
from connector.store import (
    calls,
    claims,
    connections,
    counts,
    events,
    handovers,
    manual_segments,
    problems,
    relations,
    settling,
)
from connector.store import guard as admissions
from connector.store.entities import OBJECT, PERSON
from connector.store.opening import Store

log = structlog.get_logger(__name__)

_FEW = 0.25
_LOST = Later("the manual segment refuses everybody", doubt=False)
_DONE = {events.SENT: "sent", events.REFUSED: "refused", events.DROPPED: "dropped"}

Owner = tuple[Errand, int]
"""Whose an operation is: an errand, and the operation's place in its step."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a cycle did: how many people it claimed; whether the connection is paused; whether more is owed to them."""

    people: int
    paused: bool
    more: bool = False


@dataclass(slots=True)
class _Round:
    """What the requests of one cycle share: how the connection fared before, when the leases come to be old.

    first_turn: when the first request may go, until it has gone. sound, lost: manual segments found to take people, or
    to refuse everybody.
    """

    failures: int
    backlog: bool
    give_up_at: float
    first_turn: float | None = None
    calls: list[Call] = field(default_factory=list)
    sound: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Courier:
    """What is needed to deliver one sync: the store, its rules, the line to its workspace."""

    store: Store
    rules: Rules
    line: Line
    call_bodies: Bodies = "failed"
    mirrors: Mirrors | None = None

    def deliver(self, until: Callable[[], bool] = lambda: False) -> bool:
        """Delivers until nothing is due or the connection is paused (True), or until `until` says so (False)."""
        while not until():
            done = self.cycle()
            if done.paused or not done.people:
                return True
            if done.people < self.line.limits.people * _FEW and not done.more:
                return True  # whoever has come to be due meanwhile rings again: going on here would keep others out
        return False

    def cycle(self) -> Delivered:
        """One claim, and everything it takes to settle it. Of objects one goes before: people are related to them."""
        if not self.rules.deliver:
            return Delivered(0, paused=True)
        if not self.rules.objects:
            return self._cycle(PERSON)
        objects = self._cycle(OBJECT)
        if objects.paused:
            return objects
        people = self._cycle(PERSON)
        return Delivered(objects.people + people.people, people.paused, objects.more or people.more)

    def _cycle(self, kind: Kind) -> Delivered:
        lease = uuid4().hex
        served = self.mirrors.served(self.rules) if self.mirrors and kind == PERSON else Served(self.rules)
        claimed, round_ = self._claim(lease, kind)
        if not claimed:
            return Delivered(0, paused=False)
        if self.rules.objects and kind == PERSON:
            claimed = reach.reachable(self.store, self.rules, claimed)
        errands = self._handed_over(lease, [Errand.of(claim, served.rules) for claim in claimed])
        self._guard([errand for errand in errands if errand.unguarded])
        paused = self._send_all([errand for errand in errands if not errand.held_back], round_)
        more = bool(errands) and self._settle(lease, errands, round_.calls, served)
        return Delivered(len(claimed), paused, more or len(errands) < len(claimed))

    def _claim(self, lease: str, kind: Kind) -> tuple[Sequence[Claim], _Round]:
        """Claims who is due, none while the connection is paused, with the first turn on the line."""
        line, limits = self.line, self.line.limits
        give_up_at = time.monotonic() + limits.lease_seconds / 2
        with self.store.writing() as connection:
            now = self.store.now(connection)
            health = connections.usable(connection, line.name, line.track.credentials, now)
            if health is None:
                return (), _Round(0, False, give_up_at)
            people = pace.people(limits.people, health.failures)
            claimed = claims.claim(connection, self.rules.name, lease, people, now, limits.lease_seconds, kind)
            if not claimed:
                return (), _Round(health.failures, False, give_up_at)
            wait = connections.take_turn(connection, line.name, line.seconds_apart(health.failures), now)
        return claimed, _Round(health.failures, len(claimed) == people, give_up_at, time.monotonic() + wait)

    def _handed_over(self, lease: str, errands: list[Errand]) -> list[Errand]:
        """Hands over the users who were merged into others; the errands that are left."""
        keys = [errand.claim.entity.key for errand in errands if errand.to_hand_over]
        if not keys:
            return errands
        with self.store.writing() as connection:
            handovers.hand_over(connection, self.rules, lease, keys, self.store.now(connection))
        log.info("handed over to the users whom they turned out to be", sync=self.rules.name, people=len(keys))
        return [errand for errand in errands if not errand.to_hand_over]

    def _guard(self, exits: Sequence[Errand]) -> None:
        """Asks the deletion guard; where it holds, these people are not sent for."""
        limits = self.rules.deletion_guard
        if not exits or guard.off(limits):
            return
        keys, kind = [errand.claim.entity.key for errand in exits], exits[0].claim.entity.kind
        with self.store.writing() as connection:
            may = admissions.admit(connection, self.rules.name, limits, keys, self.store.now(connection), kind)
        if not may:
            log.warning("deletions held", sync=self.rules.name, kind=kind, count=len(keys))
            for errand in exits:
                errand.hold()

    def _send_all(self, errands: Sequence[Errand], round_: _Round) -> bool:
        """Sends step after step of all errands; True where the connection was paused and the rest must wait."""
        under_way = errands
        while under_way:
            paused = self._send_steps(under_way, round_)
            under_way = [errand for errand in under_way if errand.advance() and not paused]
            if paused:
                return True
        return False

    def _send_steps(self, errands: Sequence[Errand], round_: _Round) -> bool:
        parts, oversize = batch.fitting([part for errand in errands for part in _parts(errand)])
        for part in oversize:
            _note(part, Refused(f"the operation has {len(part.encoded)} bytes, more than Customer.io takes"))
        waiting = list(reversed(list(batch.pack(parts))))
        while waiting:
            request = waiting.pop()
            match self._sent(request, round_):
                case None:
                    return True
                case Settled(outcomes):
                    for part, outcome in zip(request.parts, outcomes, strict=True):
                        _note(part, outcome)
                case Split():
                    waiting += reversed(request.halves())
                case Pause(reason=reason, doubt=doubt):
                    for part in request.parts:
                        _note(part, Later(reason, doubt))
                    return True
        return False

    def _sent(self, request: Request[Owner], round_: _Round) -> Verdict | None:
        """Sends a request. Where a manual segment refuses somebody, it is asked first whether it refuses everybody."""
        if not request.segment:
            return self._send(request, round_)
        if request.segment in round_.lost:
            return Settled((_LOST,) * len(request.parts))
        verdict = self._send(request, round_)
        if verdict is None or not outcome.refuses(verdict) or request.segment in round_.sound:
            return verdict
        probe = self._send(batch.probe(request), round_)
        if probe is None or isinstance(probe, Pause):
            return probe
        if not outcome.refuses(probe):
            round_.sound.add(request.segment)
            return verdict
        round_.lost.add(request.segment)
        if self.mirrors:
            self.mirrors.lose(request.parts[0].owner[0].rules, request.segment)
        return Settled((_LOST,) * len(request.parts))

    def _send(self, request: Request[Owner], round_: _Round) -> Verdict | None:
        """Sends a request and logs it; None where the leases are too old to send anything."""
        turn, round_.first_turn = round_.first_turn, None
        sent = self.line.send(request, round_.failures, backlog=round_.backlog, until=round_.give_up_at, turn=turn)
        if sent is None:
            return None
        name, at = self.rules.name, time.time() - sent.milliseconds / 1000
        logged = call.of(
            at, self.line.name, name, sent.endpoint, sent.items, sent.body, sent.reply, sent.verdict,
            sent.milliseconds, self.call_bodies,
        )  # fmt: skip
        round_.calls.append(logged)
        log.info(
            "batch sent",
            sync=name,
            endpoint=sent.endpoint,
            items=sent.items,
            bytes=len(sent.body),
            status=sent.reply.status,
            milliseconds=sent.milliseconds,
            verdict=logged.verdict,
        )
        return sent.verdict

    def _settle(self, lease: str, errands: Sequence[Errand], sent_calls: Sequence[Call], served: Served) -> bool:
        """Writes what became of the errands; whether some of them have another step to take."""
        settlements = [errand.settlement() for errand in errands]
        done = {
            events.SENT: [id for errand in errands for id in errand.sent],
            events.REFUSED: [id for errand in errands for id in errand.refused],
            events.DROPPED: [id for errand in errands for id in errand.dropped],
        }
        kind = errands[0].claim.entity.kind
        of_kind = "" if kind == PERSON else "objects "
        tally = Counter[str](f"{of_kind}{effect}" for errand in errands for effect in errand.effects)
        tally.update({f"events {_DONE[state]}": len(ids) for state, ids in done.items()})
        late = [each.claim.entity.key for each in errands if served.waiting and each.passes_over(served.waiting)]
        name = self.rules.name
        # A settlement that a crash takes back is an answer that was lost: the doubt of the claim is still there.
        with self.store.writing(may_be_lost=True) as connection:
            now = self.store.now(connection)
            settled = settling.settle(connection, name, lease, settlements, now, done)
            if late:
                manual_segments.wait(connection, name, late, now + max(served.waiting.values()))
            if kind == OBJECT:
                relations.told(connection, name, settled, now)
            problems.add(connection, name, [problem for each in errands for problem in each.problems], now)
            counts.tally(connection, {name: tally})
            calls.add(connection, sent_calls)
        return any(each.more for each in settlements)


def _parts(errand: Errand) -> list[Part[Owner]]:
    return batch.encode(((errand, index), operation) for index, operation in enumerate(errand.step.operations))


def _note(part: Part[Owner], each: Outcome) -> None:
    errand, index = part.owner
    errand.note(index, each)
