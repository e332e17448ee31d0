"""What all tasks share: the settings they run by, and what the process has open."""

import os
from functools import cache
from pathlib import Path
from typing import Any

from kombu import Queue

from connector.at_hand import AtHand
from connector.errors import ConnectorError
from connector.settings import Settings, load

SETTINGS_VARIABLE = "CONNECTOR_SETTINGS"
_FORGET_SECONDS = 3600.0
CONFIRM_SECONDS = 30
"""How long a publisher waits for the broker to confirm: by default it would wait for ever."""


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
        "task_queues": [queue(name, url) for name in ("changes", "delivery", "upkeep")],
        "task_create_missing_queues": False,
        "task_default_queue": "delivery",
        "task_routes": {
            "tasks.changes.*": {"queue": "changes"},
            "tasks.delivery.*": {"queue": "delivery"},
            "tasks.upkeep.*": {"queue": "upkeep"},
        },
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": False,
        "worker_prefetch_multiplier": 1,
        "beat_scheduler": "celery.beat:Scheduler",  # keeps no file; what it rings for is harmless twice or late
        "beat_schedule": {
            "sweep": {"task": "tasks.upkeep.sweep", "schedule": settings().delivery.sweep_seconds},
            "forget": {"task": "tasks.upkeep.forget", "schedule": _FORGET_SECONDS},
        },
    }


def durable(broker_url: str) -> bool:
    """Whether the broker keeps what it holds: RabbitMQ does, the in-process one does not."""
    return broker_url.startswith("amqp")


def queue(name: str, broker_url: str) -> Queue:
    """A queue as this broker should keep it: on RabbitMQ replicated, and safe through a restart."""
    return Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"} if durable(broker_url) else None)
