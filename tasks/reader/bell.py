"""Rings for what was taken in, in a thread and over a connection of its own, for which nobody waits.

While RabbitMQ takes nothing (an alarm, an outage) this thread delivers by itself: a backlog must drain while it lasts.
"""

import json
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any
from uuid import uuid4

import structlog
from amqp import Connection, Message
from amqp.exceptions import AMQPError, MessageNacked

from connector.broker import connecting, queues
from connector.broker.connecting import BrokerAddress
from connector.delivery.sweep import overdue
from connector.errors import ConnectorError
from connector.runtime import Runtime

log = structlog.get_logger(__name__)
TASK = "tasks.delivery.deliver"
_CONFIRM_SECONDS = 5.0
_BY_ITSELF_SECONDS = 5.0
_SAY_SECONDS = 60.0
_CANNOT_RING = (*connecting.UNREACHABLE, MessageNacked)


class _BlockedError(AMQPError):
    """RabbitMQ takes no messages for now."""


class Bell:
    """Remembers for which syncs to ring."""

    def __init__(self, runtime: Runtime) -> None:
        """Starts nothing yet; `run` does."""
        self._runtime = runtime
        self._wanted: set[str] = set()
        self._changed = threading.Condition()
        self._ringer = Ringer(runtime.settings.broker)
        self._by_itself_until = 0.0
        self._said_at = 0.0
        self._said = ("", 0.0)

    def ring(self, syncs: Iterable[str]) -> None:
        """Notes that something may be due for these syncs."""
        with self._changed:
            self._wanted.update(syncs)
            self._changed.notify()

    def run(self, stop: threading.Event) -> None:
        """Rings until `stop` is set."""
        while not stop.is_set():
            syncs = self._next()
            if monotonic() < self._by_itself_until:
                self._deliver(syncs, stop)
            elif syncs:
                self._ring(syncs, stop)
        self._ringer.close()

    def _next(self) -> set[str]:
        with self._changed:
            if not self._wanted:
                self._changed.wait(min(self._runtime.settings.delivery.sweep_seconds, 1.0))
            wanted, self._wanted = self._wanted, set()
            return wanted

    def _ring(self, syncs: set[str], stop: threading.Event) -> None:
        try:
            self._ringer.ring(syncs)
        except _CANNOT_RING as error:
            self._by_itself_until = monotonic() + _BY_ITSELF_SECONDS
            if monotonic() - self._said_at > _SAY_SECONDS:
                self._said_at = monotonic()
                reason = str(error) or "no answer in time"
                log.warning("RabbitMQ takes no doorbells: the reader delivers by itself meanwhile", reason=reason)
            self._deliver(syncs, stop)

    def _deliver(self, syncs: set[str], stop: threading.Event) -> None:
        """Delivers what is due, and also what the sweep finds, since nobody can ring for that either."""
        runtime = self._runtime

        def until() -> bool:
            return stop.is_set() or monotonic() > self._by_itself_until

        try:
            for sync in sorted(syncs | set(overdue(runtime.store, runtime.syncs))):
                if not runtime.courier(sync).deliver(until=until):
                    self.ring([sync])
        except ConnectorError as error:
            if self._is_to_be_said(str(error)):
                log.warning("delivering failed: this is begun again by itself", reason=str(error))
        except Exception as error:
            if self._is_to_be_said(repr(error)):
                log.exception("delivering failed: this is begun again by itself")

    def _is_to_be_said(self, reason: str) -> bool:
        """Says whether a reason is another one than the last, or a minute has passed: a failure is met each second."""
        before, said_at = self._said
        if before == reason and monotonic() - said_at < _SAY_SECONDS:
            return False
        self._said = (reason, monotonic())
        return True


class Ringer:
    """A connection that publishes doorbells, each confirmed in a few seconds or not at all."""

    def __init__(self, broker: BrokerAddress) -> None:
        """Opens nothing yet; the first ring connects."""
        self._broker = broker
        self._connection: Any = None
        self._channel: Any = None

    def ring(self, syncs: Iterable[str]) -> None:
        """Publishes one task for each sync. A connection that was idle for too long is opened again.

        Raises OSError, AMQPError or MessageNacked if RabbitMQ does not confirm it.
        """
        again = self._connection is not None
        for sync in sorted(syncs):
            self._try(lambda sync=sync: self._publish(sync), again=again)  # type: ignore[misc]  # a default

    def _try(self, publish: Callable[[], None], *, again: bool) -> None:
        try:
            publish()
        except _CANNOT_RING as error:
            self.close()
            if not again or isinstance(error, (_BlockedError, TimeoutError)):
                raise
            self._try(publish, again=False)

    def _publish(self, sync: str) -> None:
        if self._connection is None:
            self._connect()
        id = str(uuid4())
        body = json.dumps([[sync], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}])
        message = Message(
            body,
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=2,
            correlation_id=id,
            application_headers={"lang": "py", "task": TASK, "id": id, "root_id": id},
        )
        self._channel.basic_publish_confirm(
            message,
            exchange="",
            routing_key=queues.DELIVERY,
            timeout=_CONFIRM_SECONDS,
            confirm_timeout=_CONFIRM_SECONDS,
        )

    def _connect(self) -> None:
        bounds: dict[str, Any] = {"read_timeout": _CONFIRM_SECONDS, "write_timeout": _CONFIRM_SECONDS}
        parameters = connecting.parameters(self._broker)
        connection = Connection(on_blocked=_blocked, confirm_publish=True, **bounds, **parameters)
        connection.connect()
        self._connection = connection
        self._channel = connection.channel()

    def close(self) -> None:
        """Drops the connection."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            connecting.drop(connection)


def _blocked(reason: str) -> None:
    raise _BlockedError(f"RabbitMQ takes no messages: {reason}")
