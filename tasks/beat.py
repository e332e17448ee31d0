"""Beat's scheduler as a fleet has it: whatever RabbitMQ does, beat says so in a line, and rings again when it can.

Celery's own ends where the password is wrong, logs a traceback for each ring that is refused, and may miss SIGTERM. It
keeps no file: what it rings for is harmless twice or late.
"""

import atexit
import signal
from time import monotonic
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from celery.beat import ScheduleEntry, Scheduler
from celery.signals import beat_init
from kombu.exceptions import KombuError

from connector.admin.heartbeat import HeartbeatThread
from connector.alerts.watch import AlertThread
from connector.broker import declaring
from connector.broker.queues import UPKEEP, durable
from connector.store.engine import Store
from tasks.base import settings
from tasks.broker_refusals import RefusedByBroker

log = structlog.get_logger(__name__)
_CANNOT_RING = (AMQPError, KombuError, OSError)
_LOOK_SECONDS = 1.0
_ENDING = (signal.SIGTERM, signal.SIGINT)
_SLOW_SECONDS = 90.0
"""A tick waits for the broker for a bounded time; beat that makes none for so long is not said to live."""


class FleetScheduler(Scheduler):
    """Rings for what is due."""

    connection: Any
    _heap: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        """Is called by Celery, also for a look at the schedule alone."""
        self._refused = RefusedByBroker()
        self._again_at = 0.0
        self.ticked_at = monotonic()
        super().__init__(*args, **options)

    def tick(self, *args: Any, **options: Any) -> float:
        """Rings for one task, if one is due. Returns the seconds until the next look."""
        self.ticked_at = monotonic()
        left = self._again_at - monotonic()
        if left > 0:
            return min(left, _LOOK_SECONDS)
        try:
            return min(float(super().tick(*args, **options)), _LOOK_SECONDS)
        except _CANNOT_RING as error:
            self.close()
            self._again_at = monotonic() + self._refused.say(_cause(error), UPKEEP)
            return 0.0

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Rings for one. Raises what the broker's library raises."""
        log.info("Sending due task", task=entry.task)
        self.app.send_task(str(entry.task), producer=producer, **(entry.options or {}))
        self._refused.end()

    def _ensure_connected(self) -> Any:
        """Tries once; `tick` comes again. Makes the queue that it rings at, unless it is there."""
        self.connection.connect()
        if durable(settings().broker.url):
            declaring.declare(self.connection.connection, UPKEEP, settings().broker.url)
        return self.connection

    def close(self) -> None:
        """Lets the connection go without another word, and plans anew: what could not be rung for is in no plan."""
        self.__dict__.pop("producer", None)
        connection = self.__dict__.pop("connection", None)
        if connection is not None:
            connection.collect()
        self._heap = None


@beat_init.connect
def _say_that_it_lives(sender: Any, **_: Any) -> None:
    """Says in the store that beat lives, as long as it looks at its schedule."""
    scheduler = sender.scheduler
    store = Store(settings().store.url, settings().store)
    heartbeat = HeartbeatThread(store, "beat", lambda: monotonic() - scheduler.ticked_at < _SLOW_SECONDS).start()
    alerts = AlertThread(settings(), store).start()
    atexit.register(heartbeat.close)
    atexit.register(alerts.close)


@beat_init.connect
def _end_for_sure(sender: Any, **_: Any) -> None:
    """On SIGTERM a wait for the broker is broken off; where Python drops what a signal raises, the next look ends it.

    Celery's own way closes the connection in the middle of whatever is under way on it, and may go on for ever then.
    """

    def end(*_: Any) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)  # Celery sets the event again: a second one must not
        sender._is_shutdown.set()  # noqa: SLF001 - its `stop` logs, which no signal may interrupt itself with
        raise SystemExit

    for number in _ENDING:
        signal.signal(number, end)


def _cause(error: BaseException) -> BaseException:
    """Returns the error that Kombu has wrapped, or the error itself."""
    return error.__cause__ if isinstance(error, KombuError) and error.__cause__ is not None else error
