"""Holds what all tasks share: the settings, Celery's configuration, and what the process has open."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError

from connector.broker import beat_schedule, connecting
from connector.broker.queues import BACKFILL, CHANGES, DELIVERY, UPKEEP, durable, queue
from connector.errors import ConnectorError, StoreError
from connector.runtime import Runtime
from connector.settings.schema import Settings, load

log = structlog.get_logger(__name__)
SETTINGS_VARIABLE = "CONNECTOR_SETTINGS"
PUBLISH: dict[str, Any] = {
    "confirm_timeout": 10,
    "retry": True,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
}
"""How a worker publishes.

Seconds to wait for the broker to confirm: by default it would wait for ever, and with it the worker. Tried twice, for
RabbitMQ closes a connection that was idle for a few minutes: a process of the pool sends no heartbeats.
"""
_HEARTBEAT_SECONDS = 10
"""A connection whose other side was silent for two of these is given up."""
_BOUNDED = {"confirm_publish": True, "read_timeout": 15, "write_timeout": 15}
"""Of seconds: how long an answer of the broker is waited for, and a frame of ours for its way."""
_SAY_SECONDS = 60.0
_said: dict[str, tuple[str, float]] = {}
CANNOT_PUBLISH = (KombuError, AMQPError, OSError)
"""What publishing raises when the broker does not take it."""


@cache
def settings() -> Settings:
    """Returns the settings of this process, from the file that CONNECTOR_SETTINGS names, else ./settings.toml."""
    return load(Path(os.environ.get(SETTINGS_VARIABLE, "settings.toml")))


@cache
def runtime() -> Runtime:
    """Returns what this process has open. A prefork child opens its own, since it first asks inside a task."""
    opened = Runtime.open(settings())
    opened.require_credentials()
    return opened


def give_back_the_store() -> None:
    """Closes a SQLite store that this process has opened: its file is whole then. A server is left alone."""
    if runtime.cache_info().currsize and runtime().store.on_sqlite:
        runtime().store.close()


@contextmanager
def interruptible(task: str) -> Iterator[None]:
    """Wraps work that the sweep or beat begins again. While the store fails, it logs a line a minute, no traceback."""
    try:
        yield
    except StoreError as error:
        _say(task, str(error))


def _say(task: str, reason: str) -> None:
    before, said_at = _said.get(task, ("", 0.0))
    if before != reason or monotonic() - said_at >= _SAY_SECONDS:
        _said[task] = (reason, monotonic())
        log.warning("the store failed: this is begun again by itself", task=task, reason=reason)


def _scheduled() -> dict[str, dict[str, object]]:
    return beat_schedule.beat_schedule(settings().delivery.sweep_seconds)


def options() -> dict[str, Any]:
    """Returns Celery's configuration, for all applications alike (docs/architecture.md#rabbitmq)."""
    try:
        url = settings().broker.url
    except ConnectorError as error:
        raise SystemExit(str(error)) from error
    return {
        "broker_url": url,
        "broker_use_ssl": connecting.tls(settings().broker),
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": _HEARTBEAT_SECONDS,
        "broker_transport_options": _BOUNDED if durable(url) else {},
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_queues": [queue(name, url, no_declare=durable(url)) for name in (CHANGES, BACKFILL, DELIVERY, UPKEEP)],
        "task_create_missing_queues": False,
        "task_default_queue": DELIVERY,
        "task_routes": {
            "tasks.changes.*": {"queue": CHANGES},
            "tasks.delivery.*": {"queue": DELIVERY},
            "tasks.upkeep.*": {"queue": UPKEEP},
            "tasks.jobs.*": {"queue": UPKEEP},
            "tasks.exports.*": {"queue": UPKEEP},
            "tasks.sources.*": {"queue": UPKEEP},
            "tasks.activity.*": {"queue": UPKEEP},
        },
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_remote_control": False,
        "worker_prefetch_multiplier": 1,
        "beat_scheduler": "tasks.beat:FleetScheduler",
        "beat_schedule": {name: {**each, "options": PUBLISH} for name, each in _scheduled().items()},
    }
