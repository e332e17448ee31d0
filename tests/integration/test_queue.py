"""The AMQP door: real workers on a private RabbitMQ and PostgreSQL, and the in-process broker of embedded mode."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import Celery
from kombu import Connection, Queue
from sqlalchemy import text

from connector.broker.queues import queue
from connector.store.engine import Store
from tasks import base
from tests import forkserver
from tests.build_settings import TOKEN, build, values, write
from tests.forkserver import CELERY, CONNECTOR
from tests.servers import RabbitMQ, eventually
from tests.simulated import Simulated
from tests.world import event, message, problems

QUEUE = "segment-changes"
APPLY = "tasks.changes.apply"
QUICK = {"timeout_seconds": 10.0, "lease_seconds": 2.0, "people": 100}
"""What a killed worker had in its hands is free soon. No request is cut short because the machine is busy."""
SOON = {"backoff_seconds": 0.2, "backoff_max_seconds": 0.5}
Publish = Callable[..., None]


def environment(folder: Path, simulator: Simulated, **settings: Any) -> dict[str, str]:
    """The environment of a program that runs by these settings."""
    ours = write(folder, values(track_url=simulator.url, **settings))
    return {name: text_ for name, text_ in os.environ.items() if not name.startswith("CONNECTOR")} | ours


_END_SECONDS = 60.0
"""A program that is told to end finishes what it has begun; on a busy machine that takes a while."""


class Program:
    """A process of ours, and what it says."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *command: str) -> None:
        self._output = folder / f"{command[-1].strip('-')}.log"
        with self._output.open("ab") as output:
            self.popen = forkserver.start(command, env=environ, cwd=folder, stdout=output, stderr=output)

    @property
    def said(self) -> str:
        """Everything it said."""
        return self._output.read_text(errors="replace")

    def until_it_says(self, words: str) -> None:
        """Comes back when it has said that, or fails when it ends before."""

        def found() -> bool:
            assert self.popen.poll() is None, self.said
            return words in self.said

        eventually(found)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Sends it a signal; its exit code."""
        self.popen.send_signal(how)
        try:
            return self.popen.wait(_END_SECONDS)
        finally:
            self.popen.kill()
            self.popen.wait()


class Fleet:
    """Workers on a private RabbitMQ and PostgreSQL."""

    def __init__(self, folder: Path, environ: Mapping[str, str], broker: str) -> None:
        self._folder = folder
        self._environ = environ
        self.broker = broker
        self.workers: list[Program] = []

    def start(self) -> Program:
        """Starts a worker, which is ready when this comes back."""
        name = f"--hostname=worker{len(self.workers)}@localhost"
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")
        command = (*CELERY, "-A", "tasks", "worker", "--pool=solo", *quiet, name)
        self.workers.append(Program(self._folder, self._environ, *command))
        self.workers[-1].until_it_says("ready.")
        return self.workers[-1]

    def until(self, true: Callable[[], Any], seconds: float = 60.0) -> None:
        """Comes back when that is true, or fails. Sweeps meanwhile, since these fleets have no beat: whoever is tried
        again after a pause waits for the sweep."""

        def went_on() -> Any:
            self.sweep()
            return true()

        eventually(went_on, seconds, every=0.3)

    def sweep(self) -> None:
        """What beat does every second."""
        with Connection(self.broker) as connection, connection.channel() as channel:
            task = {"id": "sweep", "task": "tasks.upkeep.sweep"}
            publish(channel, "upkeep", json.dumps([[], {}, {}]), headers=task)


def publish(channel: Any, queue: str, body: str | bytes, headers: Mapping[str, Any] | None = None) -> None:
    """Publishes one persistent message of JSON to a queue, as any program in any language may."""
    message_ = channel.prepare_message(
        body,
        content_type="application/json",
        content_encoding="utf-8",
        headers=headers,
        properties={"delivery_mode": 2, "correlation_id": "1"},
    )
    channel.basic_publish(message_, exchange="", routing_key=queue)


@pytest.fixture
def fleet(tmp_path: Path, database: str, broker_url: str, simulator: Simulated) -> Iterator[Fleet]:
    """A fleet without workers yet. Its stores and queues are empty."""
    environ = environment(tmp_path, simulator, store=database, broker={"url": broker_url}, delivery=QUICK)
    fleet = Fleet(tmp_path, environ, broker_url)
    yield fleet
    for worker in fleet.workers:
        worker.popen.kill()
        worker.popen.wait()


@pytest.fixture
def send(fleet: Fleet) -> Iterator[Publish]:
    """Publishes bodies to the intake queue, with confirmations."""
    connection = Connection(fleet.broker, transport_options={"confirm_publish": True})
    channel = connection.channel()

    def send_(*bodies: Any) -> None:
        for body in bodies:
            publish(channel, QUEUE, body if isinstance(body, str | bytes) else json.dumps(body))

    yield send_
    connection.release()


def check_all_done(rabbitmq: RabbitMQ) -> None:
    """Nothing is left in the queues once the workers are gone: everything was acknowledged."""
    assert {name: rabbitmq.waiting(name) for name in (QUEUE, "changes")} == {QUEUE: 0, "changes": 0}


# ---- The queue of plain JSON -----------------------------------------------------------------------------------------


def test_plain_json_becomes_people(
    fleet: Fleet, send: Publish, simulator: Simulated, rabbitmq: RabbitMQ, database: str, open_store: Any
) -> None:
    worker = fleet.start()
    good = [message(name, 1, event("Signed up", f"e {name}"), plan="gold") for name in ("u1", "u2", "u3")]
    send(good[0], b"\xff\xfe no text", good[1], "{", {"user": {}}, [good[2], 7])
    wanted = {name: {"plan": "gold"} for name in ("u1", "u2", "u3")}
    fleet.until(lambda: simulator.people() == wanted and simulator.summary()["events"] == 3)
    send(message("u1", 2, segments=[]), message("u2", 2, plan="free"))
    fleet.until(lambda: simulator.people() == {"u2": {"plan": "free"}, "u3": {"plan": "gold"}})

    found = problems(open_store(database))
    assert len(found) == 4
    assert {problem["kind"] for problem in found} == {"unreadable"}
    assert worker.end() == 0
    assert "Traceback" not in worker.said
    check_all_done(rabbitmq)


def test_workers_killed_in_the_middle_lose_nothing(
    fleet: Fleet, send: Publish, simulator: Simulated, rabbitmq: RabbitMQ
) -> None:
    people, versions = 400, 4
    worker = fleet.start()
    for version in range(1, versions + 1):
        before = simulator.summary()["items"]
        send(*(
            message(f"u{person}", version, event("Signed up", f"e{version}"), plan=f"v{version}")
            for person in range(people)
        ))  # fmt: skip
        fleet.until(lambda before=before: simulator.summary()["items"] > before)
        worker.end(signal.SIGKILL)
        simulator.go_wrong({"path": "/api/v2/batch", "drop": ("before", "after")[version % 2], "times": 1})
        worker = fleet.start()

    fleet.until(lambda: simulator.summary()["events"] == people * versions)
    fleet.until(lambda: simulator.people() == {f"u{person}": {"plan": f"v{versions}"} for person in range(people)})
    assert all(len(simulator.events(f"u{person}")) == versions for person in (0, people // 2, people - 1))
    assert worker.end() == 0
    check_all_done(rabbitmq)


def test_a_store_that_fails_costs_nothing_but_time(
    fleet: Fleet, send: Publish, simulator: Simulated, database: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(database)
    with store.writing() as tx:
        tx.execute(text("ALTER TABLE entity RENAME TO away"))
    try:
        worker = fleet.start()
        send(message("u1", 1, plan="gold"), message("u2", 1, plan="free"))
        worker.until_it_says("does not exist")
    finally:
        with store.writing() as tx:
            tx.execute(text("ALTER TABLE away RENAME TO entity"))
    fleet.until(lambda: simulator.people() == {"u1": {"plan": "gold"}, "u2": {"plan": "free"}})


# ---- The Celery task -------------------------------------------------------------------------------------------------


def foreign(fleet: Fleet) -> Celery:
    """An application that knows nothing of ours but the broker's address."""
    return Celery("upstream", broker=fleet.broker, set_as_current=False)


def test_an_application_may_send_the_task_to_its_queue(fleet: Fleet, simulator: Simulated) -> None:
    fleet.start()
    messages = [message("u1", 1, plan="gold"), json.dumps(message("u2", 1, plan="free"))]
    with foreign(fleet) as app:
        app.send_task(APPLY, args=["native", messages], queue=Queue("changes", no_declare=True))
        fleet.until(lambda: simulator.people() == {"u1": {"plan": "gold"}, "u2": {"plan": "free"}})


def test_an_application_may_send_the_task_as_documented(fleet: Fleet, simulator: Simulated) -> None:
    fleet.start()
    with foreign(fleet) as app:
        app.send_task(APPLY, args=["native", [message("u1", 1, plan="gold")]], queue="changes", declare=[])
        fleet.until(lambda: simulator.people() == {"u1": {"plan": "gold"}})


def test_a_publisher_whose_idle_connection_was_closed_publishes_all_the_same(
    rabbitmq: RabbitMQ, broker_url: str
) -> None:
    with Celery("worker", broker=broker_url, set_as_current=False) as app:
        app.conf.broker_transport_options = {"confirm_publish": True}
        rings = Queue("delivery", durable=True, queue_arguments=queue("delivery", broker_url).queue_arguments)
        for _ in range(2):
            app.send_task("ring", queue=rings, **base.PUBLISH)
            command = ["rabbitmqctl", "--quiet", "close_all_connections", "idle for a while"]
            subprocess.run(command, env=rabbitmq.environ(), check=True, timeout=60)

    assert rabbitmq.waiting("delivery") == 2


def test_a_fleet_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "settings", build)
    scheduled = {entry["task"] for entry in base.options()["beat_schedule"].values()}

    assert "tasks.upkeep.sweep" in scheduled


def test_a_fleet_forgets_outsiders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "settings", build)
    scheduled = {entry["task"] for entry in base.options()["beat_schedule"].values()}

    assert "tasks.upkeep.forget" in scheduled


# ---- Embedded mode ---------------------------------------------------------------------------------------------------


@pytest.fixture
def embedded(tmp_path: Path, simulator: Simulated) -> Iterator[Program]:
    """`connector run` on a store and a port of its own."""
    store = f"sqlite:///{tmp_path / 'connector.db'}"
    environ = environment(tmp_path, simulator, store=store, web={"port": 0}, delivery=SOON)
    program = Program(tmp_path, environ, CONNECTOR, "run")
    yield program
    program.popen.kill()
    program.popen.wait()


def url(program: Program) -> str:
    program.until_it_says("Ready: ")
    return program.said.partition("Ready: ")[2].split()[0]


def test_one_program_is_enough(embedded: Program, simulator: Simulated) -> None:
    door = url(embedded)
    with httpx.Client(base_url=door, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        taken = client.post("/v1/changes", json=[message("u1", 1, event("Signed up", "e1"), plan="gold"), 7])
        answer = taken.json()
        assert (answer["changes"], answer["unreadable"], answer["skipped"]) == (1, 1, 0)
        assert [(each["index"], each["reason"]) for each in answer["problems"]] == [(1, "the message is not an object")]
        eventually(lambda: simulator.people() == {"u1": {"plan": "gold"}} and simulator.events("u1"))
        client.post("/v1/changes", json=message("u1", 2, segments=[]))
        eventually(lambda: simulator.people() == {})

    assert embedded.end() == 0
    assert "Traceback" not in embedded.said


def test_what_was_due_when_it_ended_is_sent_when_it_starts(
    embedded: Program, simulator: Simulated, tmp_path: Path
) -> None:
    simulator.go_wrong({"path": "/api/v2/batch", "status": 503})
    httpx.post(
        f"{url(embedded)}/v1/changes", json=message("u1", 1, plan="gold"), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    eventually(simulator.statuses)
    assert embedded.end() == 0
    simulator.go_wrong()
    store = f"sqlite:///{tmp_path / 'connector.db'}"
    environ = environment(tmp_path, simulator, store=store, web={"port": 0}, delivery=SOON)
    again = Program(tmp_path, environ, CONNECTOR, "run")
    try:
        eventually(lambda: simulator.people() == {"u1": {"plan": "gold"}})
    finally:
        again.end(signal.SIGKILL)


_MEMORY = """
import sys
from connector.cli import embedded
from connector.store.migrate import migrate
from tasks.base import runtime
migrate(runtime().store)
with embedded._worker() as (app, _):
    with app.connection_for_write() as connection:
        queue = connection.SimpleQueue("segment-changes")
        for line in sys.argv[1:]:
            queue.put(line, content_type="application/json", content_encoding="utf-8", serializer="raw")
        queue.close()
    sys.stdin.read()
"""


def test_the_in_process_broker_takes_plain_json(tmp_path: Path, simulator: Simulated) -> None:
    environ = environment(tmp_path, simulator, store=f"sqlite:///{tmp_path / 'connector.db'}")
    lines = [json.dumps(message("u1", 1, plan="gold")), "{", json.dumps(message("u2", 1, plan="free"))]
    command = [sys.executable, "-c", _MEMORY, *lines]
    process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        eventually(lambda: simulator.people() == {"u1": {"plan": "gold"}, "u2": {"plan": "free"}}, 60)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, errors
