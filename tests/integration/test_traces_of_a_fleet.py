"""Traces of a fleet: a message of RabbitMQ brings one, its reader and the processes of the pool tell of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.collector import Collector, collecting, traceparent
from tests.forkserver import CELERY
from tests.integration.test_queue import APPLY, QUEUE, QUICK, Fleet, Program, environment, publish
from tests.integration.test_reader import channel
from tests.simulated import Simulated
from tests.world import message

__all__ = ["channel"]
MANY = 150
"""A batch of so many is left to the pool; a small one the reader sends itself."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def environ(
    tmp_path: Path, database: str, broker_url: str, simulator: Simulated, collector: Collector
) -> dict[str, str]:
    told = {"enabled": True, "endpoint": collector.url}
    ours = environment(tmp_path, simulator, store=database, broker={"url": broker_url}, delivery=QUICK, telemetry=told)
    return ours | {"OTEL_BSP_SCHEDULE_DELAY": "100"}


@pytest.fixture
def worker(tmp_path: Path, environ: dict[str, str]) -> Iterator[Program]:
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")
    pool = ("--pool=prefork", "--concurrency=1")
    program = Program(tmp_path, environ, *CELERY, "-A", "tasks", "worker", *pool, *quiet, "--hostname=worker@localhost")
    yield program
    program.popen.kill()
    program.popen.wait()


def send(channel: Any, number: int) -> None:
    """One message, with a trace of its own."""
    headers = {"traceparent": traceparent(number)}
    publish(channel, QUEUE, json.dumps(message(f"u{number}", 1)), headers=headers)


def test_each_message_of_a_fleet_is_followed_to_the_request_that_confirmed_it(
    tmp_path: Path,
    environ: dict[str, str],
    broker_url: str,
    channel: Any,
    worker: Program,
    simulator: Simulated,
    collector: Collector,
) -> None:
    worker.until_it_says("ready.")
    send(channel, 1)
    task = [["native", [message("u2", 1)]], {}, {}]
    publish(channel, "changes", json.dumps(task), headers={"task": APPLY, "id": "1", "traceparent": traceparent(2)})
    fleet = Fleet(tmp_path, environ, broker_url)
    fleet.until(lambda: len(simulator.people()) == 2)
    for number in range(3, 3 + MANY):
        send(channel, number)
    fleet.until(lambda: len(simulator.people()) == 2 + MANY)
    assert worker.end() == 0
    for number in range(1, 3 + MANY):
        spans = collector.of_trace(f"{number:032x}")
        assert spans.keys() >= {"take in", "deliver"}, (number, spans)
        [taken], [delivered] = spans["take in"], spans["deliver"]
        assert (taken.parent, delivered.parent) == (f"{number:016x}", taken.id)
        assert delivered.events["settled"]["connector.confirmed"] >= 1
    carried = {trace for span in collector.spans if span.name == "request" for trace in span.links}
    assert carried == {f"{number:032x}" for number in range(1, 3 + MANY)}
    assert {collector.of_trace(f"{number:032x}")["take in"][0].attributes["connector.door"] for number in (1, 2)} == {
        QUEUE,
        "changes",
    }
