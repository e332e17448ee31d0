"""What all tasks share: the settings they run by, and what the process has open."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from amqp.exceptions import AMQPError
from kombu.exceptions import KombuError

from connector.runtime import AtHand
from connector.errors import ConnectorError, StoreError
from connector.queues import BACKFILL, CHANGES, DELIVERY, UPKEEP, durable, queue
from connector.settings.schema import Settings, load

log = structlog.get_logger(__name__)
SETTINGS_VARIABLE = "CONNECTOR_SETTINGS"
_FORGET_SECONDS = 3600.0
_RETAIN_SECONDS = 3600.0
_ADVANCE_SECONDS = 1.0
_LOOK_SECONDS = 5.0
PUBLISH: dict[str, Any] = {
    "confirm_timeout": 10,
    "retry": True,
    "retry_policy": {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
}
"""How a worker publishes.

Seconds to wait for the broker to confirm: by default it would wait for ever, and with it the worker. Tried twice, for
RabbitMQ closes a connection that was idle for a few minutes: a process of the pool sends no heartbeats.
"""
CANNOT_PUBLISH = (KombuError, AMQPError, OSError)
"""What publishing raises when the broker does not take it."""


@cache
def settings() -> Settings:
    """The settings of this process, from the file that CONNECTOR_SETTINGS names, else ./settings.toml."""
    return load(Path(os.environ.get(SETTINGS_VARIABLE, "settings.toml")))


@cache
def at_hand() -> AtHand:
    """What this process has open. A prefork child opens its own, since it first asks for it inside a task."""
    opened = AtHand.open(settings())
    opened.require_credentials()
    return opened


@contextmanager
def interruptible(task: str) -> Iterator[None]:
    """For what the sweep or beat begins again: while the store fails, a line in the log is all that there is to do."""
    try:
        yield
    except StoreError as error:
        log.warning("the store failed: this is begun again by itself", task=task, reason=str(error))


def options() -> dict[str, Any]:
    """Celery's configuration, said once (reference: celery-lab, Facts and traps)."""
    try:
        url = settings().broker.url
    except ConnectorError as error:
        raise SystemExit(str(error)) from error
    return {
        "broker_url": url,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {"confirm_publish": True} if durable(url) else {},
        "accept_content": ["json"],
        "task_serializer": "json",
        "task_ignore_result": True,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_queues": [queue(name, url) for name in (CHANGES, BACKFILL, DELIVERY, UPKEEP)],
        "task_create_missing_queues": False,
        "task_default_queue": DELIVERY,
        "task_routes": {
            "tasks.changes.*": {"queue": CHANGES},
            "tasks.delivery.*": {"queue": DELIVERY},
            "tasks.upkeep.*": {"queue": UPKEEP},
            "tasks.jobs.*": {"queue": UPKEEP},
            "tasks.sources.*": {"queue": UPKEEP},
        },
        "worker_redirect_stdouts": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_enable_remote_control": False,
        "worker_prefetch_multiplier": 1,
        "beat_scheduler": "celery.beat:Scheduler",  # keeps no file; what it rings for is harmless twice or late
        "beat_schedule": {
            "sweep": {"task": "tasks.upkeep.sweep", "schedule": settings().delivery.sweep_seconds},
            "forget": {"task": "tasks.upkeep.forget", "schedule": _FORGET_SECONDS},
            "retain": {"task": "tasks.upkeep.retain", "schedule": _RETAIN_SECONDS},
            "advance jobs": {"task": "tasks.jobs.advance", "schedule": _ADVANCE_SECONDS},
            "look at sources": {"task": "tasks.sources.look", "schedule": _LOOK_SECONDS},
        },
    }
