"""Operations that a human asks for about one person: they wait for their turn to send to the workspace, and are logged.

The deletion guard is not asked: it is there for deletions that no human has asked for.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from connector.customerio import batches
from connector.customerio.operations import suppress
from connector.customerio.operations.operation import Operation
from connector.customerio.operations.suppress import Suppressing
from connector.customerio.responses import Rejected, Retry
from connector.delivery.sender import Run, Sender, Sent, Until
from connector.errors import ConnectorError
from connector.runtime import Runtime
from connector.settings.connection import Connection
from connector.settings.mistakes import variable
from connector.store import connection_health, request_log
from connector.store.engine import Store

_PATIENCE_SECONDS = 150.0
"""The longest time that requests that a human asks for may wait for their turn."""
RequestState = Literal["confirmed", "refused", "not confirmed"]


@dataclass(frozen=True, slots=True)
class OperationAnswer:
    """What became of one operation.

    at: when its request was sent, in unix seconds, 0 where none was; status: the reply's HTTP status, 0 where nothing
    came back; doubt: it may have been applied without being confirmed.
    """

    operation: Operation
    state: RequestState
    at: float = 0.0
    status: int = 0
    reason: str = ""
    doubt: bool = False

    @property
    def may_be_applied(self) -> bool:
        """Says whether Customer.io may have applied the operation."""
        return self.state == "confirmed" or self.doubt


@dataclass(frozen=True, slots=True)
class ByHand:
    """What is needed to send such operations for one sync."""

    store: Store
    sync: str
    sender: Sender
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, runtime: Runtime, sync: str) -> "ByHand":
        """Returns what `sync` needs. Raises SettingsError where the settings name no such sync."""
        courier = runtime.courier(sync)
        return cls(runtime.store, sync, courier.sender, _missing(runtime.settings.connections[courier.sender.name]))

    def send(self, operations: Sequence[Operation]) -> list[OperationAnswer]:
        """Sends the operations and returns what became of each, in their order.

        Nothing is sent where credentials are missing or the connection is paused. The log of requests keeps neither
        the bodies nor Customer.io's words about the operations, which may name the person; the answers have the words.
        """
        failures, reason = self._failures()
        answers = [OperationAnswer(each, "not confirmed", reason=reason) for each in operations]
        if reason:
            return answers
        run = Run(self.sync, failures, Until(time.monotonic() + _PATIENCE_SECONDS), private=True)
        known = self.sender.send_all(batches.encode(enumerate(operations)), run)
        with self.store.writing() as tx:
            request_log.add(tx, run.calls)
        answers = [replace(each, reason=run.stopped) for each in answers]
        for each in known:
            answers[each.part.owner] = _answer(each)
        return answers

    def _failures(self) -> tuple[int, str]:
        """Returns the number of failures in a row, and the reason why nothing may be sent now, "" where it may."""
        if self.missing:
            return 0, f"{' and '.join(self.missing)} not set"
        with self.store.reading() as tx:
            now = self.store.now(tx)
            health = connection_health.health(tx, self.sender.name)
        paused = health.paused(now, self.sender.track.credentials)
        return health.failures, f"the connection {self.sender.name!r} is paused: {health.reason}" if paused else ""


def order(runtime: Runtime, sync: str, identifier: str, action: Suppressing) -> OperationAnswer:
    """Suppresses a person, or frees them, by a request of its own.

    Args:
        runtime: What this program has open.
        sync: The sync whose workspace is meant.
        identifier: How the workspace knows them, by the sync's `identify_by`.
        action: suppress or unsuppress.

    Raises:
        SettingsError: There is no such sync.
        ConnectorError: Customer.io did not confirm it.
    """
    rules = runtime.rules(sync)
    person = rules.addressing.given(identifier)
    if person is None:
        raise ConnectorError(f"{sync}: {identifier!r} is no e-mail address, and identify_by is {rules.identify_by!r}")
    [answer] = ByHand.of(runtime, sync).send([Operation(suppress.item(person, action))])
    if answer.state != "confirmed":
        raise ConnectorError(f"{sync}: {action} of {person.type} {person.value} {answer.state}: {answer.reason}")
    return answer


def _answer(sent: Sent[int]) -> OperationAnswer:
    operation, exchange = sent.part.operation, sent.exchange
    at, status = (exchange.sent_at, exchange.reply.status) if exchange else (0.0, 0)
    match sent.result:
        case Rejected(reason=reason):
            return OperationAnswer(operation, "refused", at, status, reason)
        case Retry(reason=reason, doubt=doubt):
            return OperationAnswer(operation, "not confirmed", at, status, reason, doubt)
        case _:
            return OperationAnswer(operation, "confirmed", at, status)


def _missing(connection: Connection) -> tuple[str, ...]:
    """Returns the names of the environment variables that are not set, and without which nothing can be sent."""
    keys = [key for key in ("site_id", "api_key") if getattr(connection, key) is None]
    return tuple(variable(("connections", connection.name, key)) for key in keys)
