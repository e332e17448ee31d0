"""Taking changes in."""

from time import sleep
from typing import Any

from celery import shared_task
from celery.exceptions import Reject

from connector import inbox
from connector.errors import StoreError
from tasks.base import at_hand
from tasks.delivery import ring

STORE_FAILED_SECONDS = 2.0


@shared_task(name="tasks.changes.apply")
def apply(format: str, messages: list[Any]) -> None:
    """Takes in messages of one format, each a JSON value or its text; acknowledged only once they are committed."""
    try:
        opened = at_hand()
        accepted = inbox.take(opened.store, opened.syncs, format, messages, opened.settings.intake.max_message_bytes)
    except StoreError as error:
        sleep(STORE_FAILED_SECONDS)  # so that an outage of the store does not turn into a storm of redeliveries
        raise Reject(str(error), requeue=True) from error
    ring(accepted.due)
