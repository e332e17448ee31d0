"""Begins and ends a worker of a fleet, in the places where Celery's own way does not fit."""

import os
import signal
import sys
from collections.abc import Callable
from mmap import mmap
from threading import Timer
from time import monotonic, sleep
from typing import Any

import billiard
import billiard.pool
import structlog
from celery.signals import (
    celeryd_after_setup,
    celeryd_init,
    setup_logging,
    worker_process_shutdown,
    worker_shutdown,
    worker_shutting_down,
)

from connector import log
from connector.broker.queues import BACKFILL, CHANGES, durable
from connector.errors import SettingsError
from connector.settings.schema import missing_credentials
from connector.tracing import tracer
from tasks import pool_places
from tasks.base import give_back_the_store, settings

_log = structlog.get_logger(__name__)
_LAST_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_flag = mmap(-1, 1)  # shared with the pool's processes, which are forked from this one
# How often, ten times a second, a process of the pool looks whether its last result was read before it ends. While the
# broker is away nobody reads it, and each would wait for 30 s. What is not read is not acknowledged: it comes again.
billiard.pool.GUARANTEE_MESSAGE_CONSUMPTION_RETRY_LIMIT = 10


def stopping() -> bool:
    """Says whether the worker has been told to end, so that long work must end or be given back."""
    return _flag[0] != 0


def rest(seconds: float, alive: Callable[[], object] = lambda: None) -> None:
    """Sleeps, but not once the worker is told to end. Calls `alive` meanwhile."""
    end = monotonic() + seconds
    while monotonic() < end and not stopping():
        alive()
        sleep(_LOOK_SECONDS)


@celeryd_init.connect
def _refuse_to_start(**_: Any) -> None:
    """Ends a worker that cannot serve every connection, since it would take work only to fail at it."""
    missing = missing_credentials(settings())
    if missing:
        names = "\n".join(f"{name} is not set: Customer.io asks for it" for name in missing)
        print(names, file=sys.stderr)
        raise SystemExit(SettingsError.exit_code)
    _refuse_without_the_extra()


def _refuse_without_the_extra() -> None:
    try:
        tracer.require(settings().telemetry)
    except SettingsError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from error


@setup_logging.connect
def _set_up_logging(**_: Any) -> None:
    """Makes Celery log as `connector` does."""
    log.configure(settings().log)


@celeryd_after_setup.connect
def _leave_to_the_reader(instance: Any, **_: Any) -> None:
    """Leaves the queues of upstream's messages to the reader, which keeps their order, even if `-Q` names them."""
    if durable(settings().broker.url):
        instance.app.amqp.queues.deselect([CHANGES, BACKFILL])


@celeryd_after_setup.connect
def _open_places(instance: Any, **_: Any) -> None:
    """Bounds how much of the pool one workspace may take, before the pool's processes are forked."""
    connections = {name: sync.connection for name, sync in settings().syncs.items()}
    pool_places.open_places(connections, int(instance.concurrency))


@worker_shutting_down.connect
def _stop(how: str, **_: Any) -> None:
    """On SIGTERM, finishes what was begun. What takes longer than stop_seconds goes back to the queue."""
    _flag[0] = 1
    if how == "Warm":
        seconds = settings().worker.stop_seconds
        _in(seconds, _give_back)
        _in(seconds + _LAST_SECONDS, _end)


@worker_process_shutdown.connect
@worker_shutdown.connect
def _close_down(**_: Any) -> None:
    """Tells the last traces and gives back the store, in each process of the pool and in the worker itself."""
    tracer.flush()
    give_back_the_store()


def _in(seconds: float, act: Callable[[], None]) -> None:
    timer = Timer(seconds, act)
    timer.daemon = True
    timer.start()


def _give_back() -> None:
    _log.warning("ending now: what is not finished goes back to the queue")
    os.kill(os.getpid(), signal.SIGQUIT)


def _end() -> None:
    """Ends the process without Celery, which may wait for an absent broker for ever. Unfinished messages come again."""
    for pid in [child.pid for child in billiard.active_children() if child.pid]:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)
