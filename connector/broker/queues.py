"""Declares the queues. Everybody must declare a queue alike: RabbitMQ refuses a second declaration that differs."""

from typing import Any

from kombu import Queue

from connector.settings.sections import IntakeSettings

CHANGES, BACKFILL, DELIVERY, UPKEEP = "changes", "changes-backfill", "delivery", "upkeep"
"""The queues of tasks: batches of messages, batches of bulk loads, doorbells of delivery, and periodic duties."""

DEAD_LETTERS = "dead-letters"
"""The queue of messages that a hundred workers could not finish. `connector dead-letters` looks at it."""

DELIVERY_LIMIT = 100
"""How often a message may be delivered before it becomes a dead letter.

A crash of a worker counts for everything that it had prefetched, so the limit is high (docs/architecture.md#rabbitmq).
"""
_OURS = (CHANGES, BACKFILL, DELIVERY, UPKEEP, DEAD_LETTERS)
_FOR_EVER = 1_000_000  # looking at the dead letters counts too
_DOORBELLS = 10_000
_QUORUM = {"x-queue-type": "quorum"}


def durable(broker_url: str) -> bool:
    """Says whether the broker keeps its messages through a restart: RabbitMQ does, the in-process broker does not."""
    return broker_url.startswith("amqp")


def live(intake: IntakeSettings) -> list[str]:
    """Returns the queues that upstream publishes live changes to, one for each shard."""
    return _shards(intake.queue, intake.shards)


def loads(intake: IntakeSettings) -> list[str]:
    """Returns the queues of bulk loads, one for each shard."""
    return _shards(intake.backfill_queue, intake.shards)


def former(intake: IntakeSettings, *, backfill: bool) -> list[str]:
    """Returns the queues that upstream published bulk loads, or live changes, to before, and does no more."""
    given = intake.former_backfill_queues if backfill else intake.former_queues
    today = {*live(intake), *loads(intake), *_OURS}
    return [name for name in dict.fromkeys(given) if name not in today]


def of_upstream(intake: IntakeSettings) -> list[str]:
    """Returns all queues of upstream's messages, those of today and former ones."""
    return [*live(intake), *loads(intake), *former(intake, backfill=False), *former(intake, backfill=True)]


def names(intake: IntakeSettings) -> list[str]:
    """Returns the names of all queues that must exist."""
    return [*of_upstream(intake), *_OURS]


def _shards(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(1, count))]


def queue(name: str, broker_url: str, *, no_declare: bool = False) -> Queue:
    """Returns a queue as this broker should keep it: on RabbitMQ replicated, and safe through a restart.

    no_declare: kombu and Celery never declare it, since it may be there with other arguments (`declaring`).

    A queue of messages never drops one: a publisher is refused before that, and a message that cannot be finished goes
    to the dead letters at least once. Doorbells say nothing new when there are many, so the oldest is dropped.
    """
    arguments = _arguments(name) if durable(broker_url) else None
    return Queue(name, durable=True, queue_arguments=arguments, no_declare=no_declare)


def _arguments(name: str) -> dict[str, Any]:
    match name:
        case "delivery" | "upkeep":
            return {**_QUORUM, "x-max-length": _DOORBELLS, "x-overflow": "drop-head"}
        case "dead-letters":
            return {**_QUORUM, "x-delivery-limit": _FOR_EVER}
    return {
        **_QUORUM,
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-overflow": "reject-publish",
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD_LETTERS,
        "x-dead-letter-strategy": "at-least-once",
    }
