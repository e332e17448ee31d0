"""Taking changes in."""

from time import sleep
from typing import Any

from celery import shared_task
from celery.exceptions import Reject

from connector import inbox
from connector.errors import StoreError
from tasks.base import ConnectorTask
from tasks.delivery import ring

STORE_FAILED_SECONDS = 2.0


@shared_task(bind=True, name="tasks.changes.apply")
def apply(self: ConnectorTask, format: str, messages: list[Any]) -> None:
    """Takes in messages of one format, each a JSON value or its text; acknowledged only once they are committed."""
    at_hand = self.at_hand
    try:
        accepted = inbox.take(at_hand.store, at_hand.syncs, format, messages, at_hand.settings.intake.max_message_bytes)
    except StoreError as error:
        sleep(STORE_FAILED_SECONDS)  # so that an outage of the store does not turn into a storm of redeliveries
        raise Reject(str(error), requeue=True) from error
    ring(accepted.due)
