"""Customer.io's reporting webhooks at the door, by themselves and beside a bulk load that the fleet delivers.

One web process takes them over a few connections that stay open. What counts is the time from when a webhook was to be
sent until its answer, so that one that had to wait for the answer before it is counted with that wait.
"""

import asyncio
import hashlib
import hmac
import json
import re
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import psycopg

from benchmarks import usage
from benchmarks.fleet import Figures, Fleet, working
from benchmarks.latency import percentile
from benchmarks.notifications import Notifications
from benchmarks.progress import watched
from benchmarks.publisher import Publisher
from benchmarks.stage import BACKFILL_QUEUE, Process, Size, Stage, staged
from connector.errors import ConnectorError

PER_SECOND = 1500
BESIDE_PER_SECOND = (500, 1500)
"""Beside a bulk load that takes all that the machine has: what a workspace may well send, and the same as alone."""
SECONDS = 20
CONNECTIONS = 200
"""Senders that wait for their answers: each commit takes what they have sent meanwhile."""
KEY = "key-of-benchmark"
_ANSWER_SECONDS = 30.0
_FOLDED_SECONDS = 300.0
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_WARM_UP = 500
_SHARES = {"median": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
Answers = list[tuple[int, float]]
"""The status of each answer, and the milliseconds until it came."""


def run(backfill: int, seconds: float, size: Size) -> Figures:
    """Measures so many a second for some seconds, alone and beside a backfill, and as many as are taken."""
    with staged() as stage:
        database = stage.database("webhooks")
        with working(stage, database, size) as fleet, _web(stage, fleet.store) as (process, host):
            asyncio.run(_send(host, _requests("warm", _WARM_UP), 0.0))
            count = round(PER_SECOND * seconds)
            alone = _measured(process, host, _requests("alone", count), PER_SECOND)
            _until_folded(fleet.store)
            most = _measured(process, host, _requests("most", count), 0.0)
            _until_folded(fleet.store)
            beside = {rate: _beside(fleet, process, host, backfill, rate, seconds) for rate in BESIDE_PER_SECOND}
    return {
        "per_second": PER_SECOND, "alone": alone, "as_fast_as_taken": most,
        **{f"{rate} beside a backfill": found for rate, found in beside.items()},
    }  # fmt: skip


@contextmanager
def _web(stage: Stage, store: str) -> Iterator[tuple[Process, str]]:
    """Yields a web process that knows the key, and where it listens."""
    environ = {
        "CONNECTOR__STORE__URL": store,
        "CONNECTOR__WEB__PORT": "0",
        "CONNECTOR__WEB__TOKEN": "token-of-benchmark",
        "CONNECTOR__CONNECTIONS__MAIN__WEBHOOK_KEYS": json.dumps([KEY]),
    }
    with stage.running("web", sys.executable, "-m", "connector", "web", environ=environ) as process:
        url = process.until_it_says("Ready: ")
        yield process, url.strip().removeprefix("http://").rstrip("/")


def _beside(
    fleet: Fleet, process: Process, host: str, backfill: int, rate: int, seconds: float
) -> Mapping[str, object]:  # fmt: skip
    given = Notifications(backfill, seed=f"backfill beside {rate}")
    publisher = Publisher(fleet.stage.rabbitmq.url, BACKFILL_QUEUE)
    requests = _requests(f"beside {rate}", round(rate * seconds))
    with watched(fleet.store) as progress:
        publisher.publish(list(given.bodies()))
        found = _measured(process, host, requests, rate)
        waiting = backfill - progress.samples[-1].confirmed
        progress.until_confirmed(given.changes)
    publisher.close()
    _until_folded(fleet.store)
    return {**found, "waiting_at_the_end": waiting}


def _until_folded(url: str) -> None:
    """Waits until the fleet has done with the webhooks, so that what is measured next has the machine for itself."""
    give_up_at = time.monotonic() + _FOLDED_SECONDS
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        while connection.execute("SELECT count(*) FROM webhook WHERE state = 0").fetchone() != (0,):
            if time.monotonic() > give_up_at:
                raise ConnectorError(f"the fleet has not folded the webhooks after {_FOLDED_SECONDS:g} s")
            time.sleep(0.5)


def _measured(process: Process, host: str, requests: Sequence[bytes], per_second: float) -> dict[str, object]:
    """Sends them at this pace, or as fast as they are answered (0). Returns what it took."""
    before, began = _cpu(process), time.monotonic()
    answers = asyncio.run(_send(host, requests, per_second))
    seconds, cpu = time.monotonic() - began, _cpu(process) - before
    waits = sorted(each for _, each in answers)
    statuses = sorted({status for status, _ in answers})
    return {
        "webhooks": len(answers),
        "statuses": {status: sum(each == status for each, _ in answers) for status in statuses},
        "answered_a_second": round(len(answers) / seconds),
        "web_microseconds": round(1e6 * cpu / len(answers)),
        "a_second_a_core": round(len(answers) / cpu),
        "milliseconds": {name: round(percentile(waits, share), 1) for name, share in _SHARES.items()},
    }


def _cpu(process: Process) -> float:
    pid = process.popen.pid
    return usage.cpu(usage.trees([pid])[pid])


async def _send(host: str, requests: Sequence[bytes], per_second: float) -> Answers:
    """Sends each when it is its turn, or with 0 as soon as may be, over the next connection that is free."""
    name, _, port = host.partition(":")
    senders = _Senders(len(requests))
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: _Sender(senders), name, int(port))
    begin = time.monotonic()
    for number, request in enumerate(requests):
        due = begin + number / per_second if per_second else 0.0
        if (pause := due - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        senders.send(due, request)
    async with asyncio.timeout(_ANSWER_SECONDS):
        await senders.done.wait()
    for each in senders.free:
        each.close()
    return senders.answers


class _Senders:
    """The connections: those that are free, what waits for one, and what was answered."""

    def __init__(self, expected: int) -> None:
        self.free: list[_Sender] = []
        self.answers: Answers = []
        self.done = asyncio.Event()
        self._expected = expected
        self._waiting: deque[tuple[float, bytes]] = deque()

    def send(self, due: float, request: bytes) -> None:
        """Sends it now, or as soon as a connection is free."""
        if self.free:
            self.free.pop().send(due, request)
        else:
            self._waiting.append((due, request))

    def answered(self, sender: "_Sender", status: int, seconds: float) -> None:
        """Keeps an answer; its connection is free again."""
        self.answers.append((status, 1000 * seconds))
        if self._waiting:
            sender.send(*self._waiting.popleft())
        else:
            self.free.append(sender)
        if len(self.answers) == self._expected:
            self.done.set()


class _Sender(asyncio.Protocol):
    """One connection. It costs little, so that what is measured has the machine for itself."""

    def __init__(self, senders: _Senders) -> None:
        self._senders = senders
        self._due = 0.0
        self._came = b""
        self._transport = asyncio.WriteTransport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Is called when the door has opened."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self._senders.free.append(self)

    def send(self, due: float, request: bytes) -> None:
        """Sends a request that was to be sent at `due`, 0 for now."""
        self._due = due or time.monotonic()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Is called with an answer, or a part of it."""
        self._came += data
        head, _, body = self._came.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length and len(body) >= int(length[1]):
            status, self._came = int(head[9:12]), b""
            self._senders.answered(self, status, time.monotonic() - self._due)

    def connection_lost(self, _error: Exception | None) -> None:
        """Is called when the door has closed: it waits only so long for a first request."""
        if self in self._senders.free:
            self._senders.free.remove(self)

    def close(self) -> None:
        """Ends the connection."""
        self._transport.close()


def _requests(name: str, count: int) -> list[bytes]:
    """Returns as many signed requests: an opened e-mail each, of some thousand people."""
    return [_request(name, number) for number in range(count)]


def _request(name: str, number: int) -> bytes:
    at = int(time.time())
    person = f"u{number % 5000}"
    told = {
        "event_id": f"{name}-{number}",
        "object_type": "email",
        "metric": "opened",
        "timestamp": at,
        "data": {
            "customer_id": person,
            "identifiers": {"id": person, "email": f"{person}@example.com"},
            "recipient": f"{person}@example.com",
            "delivery_id": f"delivery-{number}",
            "campaign_id": number % 20,
            "subject": "An offer for you",
        },
    }
    body = json.dumps(told).encode()
    signature = hmac.new(KEY.encode(), b"v0:" + str(at).encode() + b":" + body, hashlib.sha256).hexdigest()
    head = (
        f"POST /webhooks/customerio/main HTTP/1.1\r\nHost: benchmark\r\nContent-Type: application/json\r\n"
        f"X-CIO-Timestamp: {at}\r\nX-CIO-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
