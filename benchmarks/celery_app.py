"""What is written first: a Celery task for each notification, and in it one request to Customer.io."""

import os
from functools import cache
from typing import Any

import httpx
from celery import Celery
from kombu import Queue

from benchmarks import plain

QUEUE = "one-by-one"
TASK = "send"

app = Celery(broker=os.environ.get("BENCHMARK_BROKER", "memory://"))
app.conf.update(
    task_queues=[Queue(QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"})],
    task_default_queue=QUEUE,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=64,  # the fastest of those tried
    worker_enable_remote_control=False,
    broker_connection_retry_on_startup=True,
)


@cache
def client() -> httpx.Client:
    """Returns the client of this process, which keeps its connection."""
    keys = (os.environ["BENCHMARK_SITE_ID"], os.environ["BENCHMARK_API_KEY"])
    return httpx.Client(base_url=os.environ["BENCHMARK_SIMULATOR"], auth=keys, timeout=30)


@app.task(name=TASK)
def send(notification: dict[str, Any]) -> None:
    """Sends one notification; with events it is a batch, so that it stays one request."""
    operations = plain.operations(plain.message_of(notification))
    if len(operations) == 1:
        client().post("/api/v2/entity", json=operations[0]).raise_for_status()
    else:
        client().post("/api/v2/batch", json={"batch": operations}).raise_for_status()
