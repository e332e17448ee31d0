"""Workers and beat that are started before `connector migrate`: they say so, wait, lose nothing, and go on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kombu import Connection

from connector.store import heartbeats
from connector.store.engine import Store
from connector.store.migrate import migrate
from tests.forkserver import CELERY
from tests.integration.test_queue import QUEUE, QUICK, Fleet, Program, environment, publish
from tests.servers import RabbitMQ, eventually
from tests.simulated import Simulated
from tests.world import message, problems

MOST_LINES = 6
"""The leases, and each kind of task that beat rings for, once a minute; a busy machine may take more than one."""


@pytest.fixture
def fleet(tmp_path: Path, empty_database: str, broker_url: str, simulator: Simulated) -> Iterator[Fleet]:
    """A fleet over a store that has no tables yet."""
    environ = environment(tmp_path, simulator, store=empty_database, broker={"url": broker_url}, delivery=QUICK)
    fleet = Fleet(tmp_path, environ, broker_url)
    yield fleet
    for worker in fleet.workers:
        worker.popen.kill()
        worker.popen.wait()


def living(store: Store) -> set[str]:
    with store.reading() as tx:
        return {each.role for each in heartbeats.known(tx)}


def test_they_wait_for_the_tables_and_lose_nothing(
    fleet: Fleet, tmp_path: Path, empty_database: str, open_store: Callable[[str], Store], simulator: Simulated,
    rabbitmq: RabbitMQ,
) -> None:  # fmt: skip
    worker = fleet.start()
    beat = Program(tmp_path, fleet._environ, *CELERY, "-A", "tasks", "beat", "--loglevel=INFO")
    fleet.workers.append(beat)
    with Connection(fleet.broker, transport_options={"confirm_publish": True}) as connection:
        publish(connection.channel(), QUEUE, json.dumps(message("u1", 1, plan="gold")))
    for told in ("leases cannot be renewed", "begun again by itself"):
        worker.until_it_says(told)
    eventually(lambda: beat.said.count("Sending due task") > 20, 60)
    assert worker.said.count("run `connector migrate`") <= MOST_LINES
    assert rabbitmq.waiting(QUEUE) == 1

    store = open_store(empty_database)
    assert migrate(store)
    eventually(lambda: simulator.people() == {"u1": {"plan": "gold"}}, 60, every=0.1)
    assert problems(store) == []
    eventually(lambda: living(store) == {"worker", "beat", "sweep"}, 60, every=0.1)
    for each in (worker, beat):
        assert each.end() == 0
        assert "Traceback" not in each.said
    assert living(store) <= {"sweep"}, "whoever ends in order takes along what they said of themselves"
