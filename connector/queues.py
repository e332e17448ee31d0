"""The queues, as everybody who declares one must declare it: RabbitMQ refuses a second declaration that differs."""

from typing import Any

from kombu import Queue

CHANGES, BACKFILL, DELIVERY, UPKEEP = "changes", "changes-backfill", "delivery", "upkeep"
"""The tasks' queues: batches of messages, batches of bulk loads, doorbells of delivery, and of what comes from beat."""

DEAD_LETTERS = "dead-letters"
"""Where a message ends that a hundred workers could not finish. `connector dead-letters` looks at it."""

DELIVERY_LIMIT = 100
"""Each crash of a worker counts for everything it had prefetched, healthy or not: hence so high, and a queue behind it
(reference: celery-lab, g).
"""
_FOR_EVER = 1_000_000  # looking at the dead letters counts too
_DOORBELLS = 10_000
_QUORUM = {"x-queue-type": "quorum"}


def durable(broker_url: str) -> bool:
    """Whether the broker keeps what it holds: RabbitMQ does, the in-process one does not."""
    return broker_url.startswith("amqp")


def queue(name: str, broker_url: str) -> Queue:
    """A queue as this broker should keep it: on RabbitMQ replicated, and safe through a restart.

    What carries messages never drops one: a publisher is refused before that, and what cannot be finished goes to the
    dead letters, surely (at-least-once). Doorbells say nothing new when there are many: then the oldest is dropped.
    """
    return Queue(name, durable=True, queue_arguments=_arguments(name) if durable(broker_url) else None)


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
