"""Operations that a human asks for about one person: in their turn on the line to the workspace, and logged.

They pass by the deletion guard: it is there for deletions that nobody asked for.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import structlog

from connector import address, batch, call
from connector.runtime import AtHand
from connector.customerio.batches import Part, Request
from connector.errors import ConnectorError
from connector.line import Line, Sent
from connector.customerio.operations import suppress
from connector.customerio.operations.suppress import Action
from connector.outcome import Later, Outcome, Pause, Refused, Settled, Split
from connector.settings.schema import Connection
from connector.settings.mistakes import variable
from connector.planning.step import Operation
from connector.store import calls, connections
from connector.store.opening import Store

log = structlog.get_logger(__name__)
State = Literal["confirmed", "refused", "not confirmed"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one operation.

    at: when its request was sent, unix seconds, 0 where none was; status: 0 where nothing came back; doubt: it may
    have been applied without being confirmed.
    """

    operation: Operation
    state: State
    at: float = 0.0
    status: int = 0
    reason: str = ""
    doubt: bool = False

    @property
    def may_be_applied(self) -> bool:
        """Whether Customer.io may have done it."""
        return self.state == "confirmed" or self.doubt


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is needed to send such operations for one sync."""

    store: Store
    sync: str
    line: Line
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, at_hand: AtHand, sync: str) -> "ByHand":
        """For `sync`. Raises SettingsError where the settings name no such sync."""
        courier = at_hand.courier(sync)
        return cls(at_hand.store, sync, courier.line, _missing(at_hand.settings.connections[courier.line.name]))

    def send(self, operations: Sequence[Operation]) -> list[Answer]:
        """Sends the operations; what became of each, in their order.

        Customer.io's words are handed on and not logged, as no body is: they may name the person.
        """
        answers = [Answer(each, "not confirmed") for each in operations]
        parts = batch.encode(enumerate(operations))
        waiting = list(reversed(list(batch.pack(parts))))
        failures, reason = self._failures()
        while waiting and not reason:
            request = waiting.pop()
            sent = self._send(request, failures)
            if sent is None:
                reason = "its turn on the line did not come in time"
            elif isinstance(sent.verdict, Split):
                waiting += reversed(request.halves())
            else:
                reason = _note(answers, request, sent)
        return [each if each.reason or each.state == "confirmed" else _unsent(each, reason) for each in answers]

    def _failures(self) -> tuple[int, str]:
        """How many failures in a row there were; and why nothing may be sent now, where that is so."""
        if self.missing:
            return 0, f"{' and '.join(self.missing)} not set"
        with self.store.reading() as connection:
            now = self.store.now(connection)
            health = connections.health(connection, self.line.name)
        paused = health.paused(now, self.line.track.credentials)
        return health.failures, f"the connection {self.line.name!r} is paused: {health.reason}" if paused else ""

    def _send(self, request: Request[int], failures: int) -> Sent | None:
        until = time.monotonic() + self.line.limits.lease_seconds / 2
        sent = self.line.send(request, failures, backlog=True, until=until)
        if sent is not None:
            self._log(sent)
        return sent

    def _log(self, sent: Sent) -> None:
        at = time.time() - sent.milliseconds / 1000
        logged = call.of(
            at, self.line.name, self.sync, sent.endpoint, sent.items, sent.body, sent.reply, sent.verdict,
            sent.milliseconds, "none",
        )  # fmt: skip
        if logged.verdict != "paused":
            logged = replace(logged, reason="")
        with self.store.writing() as connection:
            calls.add(connection, [logged])
        log.info("sent by hand", sync=self.sync, items=sent.items, status=sent.reply.status, verdict=logged.verdict)


def order(at_hand: AtHand, sync: str, identifier: str, action: Action) -> Answer:
    """Suppresses or frees whom the sync's workspace knows by `identifier`, by the sync's `identify_by`.

    Raises SettingsError for a sync that is not there, ConnectorError where Customer.io did not confirm it.
    """
    rules = at_hand.rules(sync)
    person = address.given(identifier, rules)
    if person is None:
        raise ConnectorError(f"{sync}: {identifier!r} is no e-mail address, and identify_by is {rules.identify_by!r}")
    [answer] = ByHand.of(at_hand, sync).send([Operation(suppress.item(person, action))])
    if answer.state != "confirmed":
        raise ConnectorError(f"{sync}: {action} of {person.type} {person.value} {answer.state}: {answer.reason}")
    return answer


def _note(answers: list[Answer], request: Request[int], sent: Sent) -> str:
    """Takes in what a reply says of each operation; why no other request should follow, where that is so."""
    match sent.verdict:
        case Settled(outcomes):
            for part, outcome in zip(request.parts, outcomes, strict=True):
                answers[part.owner] = _answer(part, outcome, sent)
            return ""
        case Pause(reason=reason, doubt=doubt):
            for part in request.parts:
                answers[part.owner] = _answer(part, Later(reason, doubt), sent)
            return reason
        case Split(reason=reason):
            return reason


def _answer(part: Part[int], outcome: Outcome, sent: Sent) -> Answer:
    at, status = time.time() - sent.milliseconds / 1000, sent.reply.status
    match outcome:
        case Refused(reason=reason):
            return Answer(part.operation, "refused", at, status, reason)
        case Later(reason=reason, doubt=doubt):
            return Answer(part.operation, "not confirmed", at, status, reason, doubt)
        case _:
            return Answer(part.operation, "confirmed", at, status)


def _unsent(answer: Answer, reason: str) -> Answer:
    return Answer(answer.operation, answer.state, reason=reason)


def _missing(connection: Connection) -> tuple[str, ...]:
    """The environment variables without which Customer.io would refuse everything."""
    keys = [key for key in ("site_id", "api_key") if getattr(connection, key) is None]
    return tuple(variable(("connections", connection.name, key)) for key in keys)
