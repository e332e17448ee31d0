"""Programs around the clients that exist: each takes notifications from the queue, sends them, and acknowledges.

`python -m benchmarks.clients NAME COUNT` sends COUNT notifications and prints what that took: seconds, and CPU seconds.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from async_customerio import AsyncCustomerIO
from customerio import CustomerIO
from kombu import Connection, Consumer, Queue
from kombu.message import Message

from benchmarks import plain

_TAKEN, _PREFETCHED = 500, 1000
_WAIT_SECONDS = 10.0
_THREADS = 16
_CONCURRENCY = 32

Messages = list[Mapping[str, Any]]
Send = Callable[[Messages], None]


class _PlainAsync(AsyncCustomerIO):  # type: ignore[misc]
    """Without TLS, as the simulator and the other programs are."""

    @staticmethod
    def setup_base_url(host: str, port: int, prefix: str) -> str:  # noqa: ARG004 - the signature is theirs
        """Returns where the API is."""
        return f"{host}/{prefix.strip('/')}"


class _Plain(CustomerIO):  # type: ignore[misc]
    """Without TLS, as the simulator and the other programs are."""

    def setup_base_url(self) -> None:
        """Where the API is."""
        self.base_url = f"{self.host}{self.url_prefix}"

    def send_request(self, method: str, url: str, data: Any) -> Any:
        """A batch makes its URL by itself, and always an encrypted one."""
        return super().send_request(method, url.replace("https://http://", "http://"), data)


def official() -> Any:
    """The official client."""
    return _Plain(*_keys(), host=os.environ["BENCHMARK_SIMULATOR"])


def _keys() -> tuple[str, str]:
    return os.environ["BENCHMARK_SITE_ID"], os.environ["BENCHMARK_API_KEY"]


def _send_one(client: Any, message: Mapping[str, Any]) -> None:
    first, *events = plain.operations(message)
    name = first["identifiers"]["id"]
    if first["action"] == "delete":
        client.delete(name)
        return
    client.identify(name, **first["attributes"])
    for event in events:
        client.track(name, event["name"], event["attributes"], timestamp=event["timestamp"])


@contextmanager
def official_loop() -> Iterator[Send]:
    """The official client, one notification after another."""
    with official() as client:

        def send(messages: Messages) -> None:
            for message in messages:
                _send_one(client, message)

        yield send


@contextmanager
def official_threads() -> Iterator[Send]:
    """The official client in threads, which share it."""
    with official() as client, ThreadPoolExecutor(_THREADS) as pool:
        _ = client.http  # made once, before threads could make one each

        def send(messages: Messages) -> None:
            for _ in pool.map(lambda message: _send_one(client, message), messages):
                pass

        yield send


@contextmanager
def async_requests() -> Iterator[Send]:
    """async-customerio, a request a notification, so many at once."""
    client = _PlainAsync(*_keys(), host=os.environ["BENCHMARK_SIMULATOR"])

    async def send_all(messages: Messages) -> None:
        turns = asyncio.Semaphore(_CONCURRENCY)

        async def send_one(message: Mapping[str, Any]) -> None:
            async with turns:
                await _send_one_async(client, message)

        await asyncio.gather(*map(send_one, messages))

    with asyncio.Runner() as runner:
        yield lambda messages: runner.run(send_all(messages))
        runner.run(client.close())


async def _send_one_async(client: Any, message: Mapping[str, Any]) -> None:
    first, *events = plain.operations(message)
    name = first["identifiers"]["id"]
    if first["action"] == "delete":
        await client.delete(name)
        return
    await client.identify(name, **first["attributes"])
    for event in events:
        await client.backfill(name, event["name"], event["timestamp"], **event["attributes"])


@contextmanager
def async_batches() -> Iterator[Send]:
    """async-customerio's v2 batch, as many notifications at once as were taken."""
    client = _PlainAsync(*_keys(), host=os.environ["BENCHMARK_SIMULATOR"])
    with asyncio.Runner() as runner:
        yield lambda messages: runner.run(
            client.v2.send_batch([operation for message in messages for operation in plain.operations(message)])
        )
        runner.run(client.close())


PROGRAMS = {
    "official_loop": official_loop,
    "official_threads": official_threads,
    "async_requests": async_requests,
    "async_batches": async_batches,
}


def run(send: Send, count: int) -> None:
    """Takes notifications from the queue and sends them, until so many are sent; each is acknowledged once it is."""
    gathered: list[Message] = []
    with Connection(os.environ["BENCHMARK_BROKER"]) as connection:
        queue = Queue(plain.QUEUE, durable=True, queue_arguments={"x-queue-type": "quorum"})
        with Consumer(connection, [queue], on_message=gathered.append, prefetch_count=_PREFETCHED):
            sent = 0
            while sent < count:
                while len(gathered) < min(_TAKEN, count - sent):
                    connection.drain_events(timeout=_WAIT_SECONDS)
                taken, gathered[:] = gathered[:_TAKEN], gathered[_TAKEN:]
                send([plain.message_of(json.loads(message.body or "")) for message in taken])
                taken[-1].ack(multiple=True)
                sent += len(taken)


def main(name: str, count: int) -> None:
    """Runs one of the programs; its imports and its start do not count."""
    with PROGRAMS[name]() as send:
        began, cpu = time.monotonic(), time.process_time()
        run(send, count)
        print(json.dumps({"seconds": time.monotonic() - began, "cpu": time.process_time() - cpu}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
