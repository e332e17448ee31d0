"""The doorbell: tells the workers that a sync may have something due.

Nobody waits for a ring. The doorbell leaves the sync's name with a thread, which publishes it within limits of time. A
ring that the broker does not take is dropped, since the sweep looks anyway. So a broker that is away or silent holds up
no door.
"""

import os
import threading
from collections.abc import Callable, Iterable
from random import sample
from time import monotonic
from typing import Any

import structlog
from celery import Celery
from celery.app.utils import find_app
from kombu import Connection

Ring = Callable[[Iterable[str]], None]
log = structlog.get_logger(__name__)
LIMIT_SECONDS = 5.0
"""How long to wait for the broker each time: to connect, to take a message, to confirm it."""
_PAUSE_SECONDS = 1.0
_SAID_SECONDS = 60.0
_END_SECONDS = 1.0
_TASK = "tasks.delivery.deliver"


def application() -> Celery:
    """Returns the Celery application, found by name as `celery -A tasks` finds it: `connector` imports no tasks."""
    found: Celery = find_app("tasks")
    return found


class Doorbell:
    """Rings through the broker of an application, in a thread of its own that the first ring starts."""

    def __init__(self, app: Celery, limit_seconds: float = LIMIT_SECONDS) -> None:
        """Opens nothing yet; `limit_seconds` bounds each wait for the broker."""
        self._app = app
        self._limit = limit_seconds
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._thread: threading.Thread | None = None

    def __call__(self, syncs: Iterable[str]) -> None:
        """Rings for these syncs, which may have something due. Returns at once, and raises nothing."""
        if self._pid != os.getpid():
            self._begin()  # a fork takes along neither the thread nor the holder of the lock
        names = set(syncs)
        if not names:
            return
        with self._changed:
            self._waiting |= names
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="doorbell", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Ends the thread. A ring that is under way has a second; the sweep makes up for a ring that is lost."""
        if self._pid != os.getpid():
            return
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join(_END_SECONDS)

    def _work(self) -> None:
        publisher = _Publisher(self._app, self._limit)
        failures = _FailureLog()
        while names := self._taken():
            try:
                publisher.publish(names)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong with a ring, the next one is tried
                failures.add(error)
                self._rest()
            else:
                failures.end()
        publisher.drop()

    def _taken(self) -> set[str]:
        """Waits for names, and returns those left since the last call; none once the doorbell is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken, self._waiting = self._waiting, set()
            return taken

    def _rest(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed, _PAUSE_SECONDS)


class _Publisher:
    """One connection to the broker, on which every wait is bounded."""

    def __init__(self, app: Celery, limit_seconds: float) -> None:
        self._app = app
        self._limit = limit_seconds
        self._connection: Connection | None = None
        self._producer: Any = None

    def publish(self, syncs: Iterable[str]) -> None:
        """Publishes a ring for each name. Raises what the broker's library raises.

        If it fails on an older connection, it tries again on a new one: RabbitMQ closes a connection that was idle for
        minutes.
        """
        names = list(syncs)
        missing = sample(names, len(names))  # no sync always comes first where a connection serves one at a time
        if self._connection is not None:
            try:
                self._publish(missing)
            except Exception as error:  # noqa: BLE001 - the second try says what is wrong
                log.debug("the doorbell's connection broke", reason=str(error))
            else:
                return
        try:
            self._connect()
            self._publish(missing)
        except BaseException:
            self.drop()
            raise

    def drop(self) -> None:
        """Closes the connection without telling the broker, which may be silent."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.collect()

    def _connect(self) -> None:
        self.drop()
        self._connection = self._app.connection_for_write(connect_timeout=self._limit)
        self._connection.connect()
        sock = getattr(self._connection.connection, "sock", None)
        if sock is not None:  # py-amqp waits without limit for all but the connection itself
            sock.settimeout(self._limit)
        self._producer = self._app.amqp.Producer(self._connection.channel(), auto_declare=False)

    def _publish(self, missing: list[str]) -> None:
        while missing:
            self._app.send_task(
                _TASK,
                args=(missing[0],),
                producer=self._producer,
                retry=False,
                timeout=self._limit,
                confirm_timeout=self._limit,
            )
            missing.pop(0)


class _FailureLog:
    """Logs that rings fail, once a minute at most, and when they work again."""

    def __init__(self) -> None:
        self._count = 0
        self._said_at = 0.0

    def add(self, error: Exception) -> None:
        self._count += 1
        if self._count == 1 or monotonic() >= self._said_at + _SAID_SECONDS:
            self._said_at = monotonic()
            reason = str(error) or "no answer in time"
            log.warning("the doorbell is out of order: the sweep will look", reason=reason, failures=self._count)

    def end(self) -> None:
        if self._count:
            log.info("the doorbell rings again", failures=self._count)
        self._count = 0
