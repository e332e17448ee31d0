"""What goes wrong in a reader: one message, or everything; and what RabbitMQ refuses. Real workers, nothing is lost."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from amqp.exceptions import MessageNacked
from kombu import Connection, Queue
from sqlalchemy import text

from connector.broker import dead_letters
from connector.store.engine import Store
from tasks.reader.held_queue import Hold
from tests import servers
from tests.fleet import children
from tests.forkserver import CELERY
from tests.integration import test_queue
from tests.integration.test_queue import APPLY, QUEUE, Fleet, Program, environment, message, problems, publish
from tests.nursery import RUN_FIRST
from tests.servers import RabbitMQ
from tests.simulated import Simulated

HARMS = """
import os, sys
if sys.argv[0].endswith("reader/__main__.py"):
    from connector.intake import bodies
    _read = bodies.read

    def read(format, body, max_bytes):
        text = "" if hasattr(body, "reason") else repr(body)
        if os.path.exists(os.environ["BROKEN"]):
            raise RuntimeError("everything is broken")
        if "guilty" in text:
            raise KeyError("one message")
        if "poison" in text:
            os.kill(os.getpid(), 9)
        return _read(format, body, max_bytes)

    bodies.read = read
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """While this file is there, no message can be taken in."""
    return tmp_path / "broken"


@pytest.fixture
def intake() -> dict[str, Any]:
    """What the settings say about taking in."""
    return {"format": "native"}


@pytest.fixture
def fleet(
    tmp_path: Path, database: str, rabbitmq: RabbitMQ, broker_url: str, simulator: Simulated, broken: Path,
    intake: dict[str, Any],
) -> Iterator[Fleet]:  # fmt: skip
    """A fleet whose readers come to harm by some messages."""
    harms = tmp_path / "harms.py"
    harms.write_text(HARMS)
    environ = environment(
        tmp_path, simulator, store=database, broker={"url": broker_url}, delivery=test_queue.QUICK, intake=intake
    ) | {RUN_FIRST: str(harms), "BROKEN": str(broken)}
    fleet = Fleet(tmp_path, environ, broker_url)
    yield fleet
    for worker in fleet.workers:
        worker.popen.kill()
        worker.popen.wait()


@pytest.fixture
def channel(broker_url: str) -> Iterator[Any]:
    """Publishes with confirmations."""
    with Connection(broker_url, transport_options={"confirm_publish": True}) as connection:
        yield connection.channel()


def send(channel: Any, *names: str, queue: str = QUEUE) -> None:
    for name in names:
        publish(channel, queue, json.dumps(message(name, 1, plan="gold")))


def everybody(*names: str) -> dict[str, dict[str, str]]:
    return {name: {"plan": "gold"} for name in names}


def eventually(true: Callable[[], Any], seconds: float = 60.0, every: float = 0.1) -> Any:
    """As elsewhere, with more patience: readers are started, and started again."""
    return servers.eventually(true, seconds, every)


# ---- One message -----------------------------------------------------------------------------------------------------


def test_a_message_that_fails_is_a_problem_and_its_neighbours_go_on(
    fleet: Fleet, channel: Any, simulator: Simulated, rabbitmq: RabbitMQ, database: str,
    open_store: Callable[[str], Store],
) -> None:  # fmt: skip
    worker = fleet.start()
    names = [f"u{number}" for number in range(20)]
    send(channel, *names[:10], "guilty", *names[10:])
    fleet.until(lambda: simulator.people() == everybody(*names))
    (found,) = problems(open_store(database))

    assert (found["kind"], found["reason"]) == (
        "unreadable", "taking it in failed, and its neighbours went on: KeyError: 'one message'",
    )  # fmt: skip
    assert json.loads(json.loads(found["payload"]))["user"]["id"] == "guilty"
    assert worker.end() == 0
    assert rabbitmq.waiting(QUEUE) == 0


def test_one_message_of_a_task_that_fails_is_a_problem_and_its_neighbours_go_on(
    fleet: Fleet, channel: Any, simulator: Simulated, database: str, open_store: Callable[[str], Store]
) -> None:
    fleet.start()
    told = [message(name, 1, plan="gold") for name in ("u1", "guilty", "u2")]
    publish(channel, "changes", json.dumps([["native", told], {}, {}]), headers={"task": APPLY, "id": "1"})
    fleet.until(lambda: simulator.people() == everybody("u1", "u2"))

    assert [found["kind"] for found in problems(open_store(database))] == ["unreadable"]


def test_a_message_that_ends_its_reader_is_a_problem_in_the_end(
    fleet: Fleet, channel: Any, simulator: Simulated, rabbitmq: RabbitMQ, database: str,
    open_store: Callable[[str], Store],
) -> None:  # fmt: skip
    worker = fleet.start()
    names = [f"u{number}" for number in range(50)]
    send(channel, *names[:30], "poison", *names[30:])
    fleet.until(lambda: simulator.people() == everybody(*names), 240)
    (found,) = eventually(lambda: problems(open_store(database)))

    assert found["kind"] == "poison"
    assert json.loads(json.loads(found["payload"]))["user"]["id"] == "poison"
    eventually(lambda: "is not taken in: it stays a problem" in worker.said)
    assert worker.end() == 0
    assert rabbitmq.waiting(QUEUE) == 0


def test_of_what_a_problem_holds_in_part_the_whole_is_a_dead_letter(
    fleet: Fleet, channel: Any, simulator: Simulated, broker_url: str
) -> None:
    fleet.start()
    long = "{" + "x" * 20_000
    publish(channel, QUEUE, long)
    send(channel, "u1")
    fleet.until(lambda: simulator.people() == everybody("u1"))
    eventually(lambda: dead_letters.count(broker_url) == 1)

    (found,) = dead_letters.look(broker_url, 10)
    assert (found.queue, found.reason) == (QUEUE, "rejected")
    assert long.startswith(found.text)
    dead_letters.discard(broker_url)


# ---- Everything ------------------------------------------------------------------------------------------------------


def test_what_fails_for_every_message_holds_the_queue_is_said_and_loses_nothing(
    fleet: Fleet, channel: Any, simulator: Simulated, broken: Path, database: str,
    open_store: Callable[[str], Store],
) -> None:  # fmt: skip
    worker = fleet.start()
    broken.touch()
    send(channel, "u1", "u2", "u3")
    worker.until_it_says("the queue is held: nothing can be taken in")
    (found,) = eventually(lambda: problems(open_store(database)))
    assert (found["kind"], found["subject"], found["reason"]) == (
        "queue", QUEUE, "RuntimeError: everything is broken",
    )  # fmt: skip
    assert simulator.people() == {}

    broken.unlink()
    fleet.until(lambda: simulator.people() == everybody("u1", "u2", "u3"))
    eventually(lambda: problems(open_store(database)) == [])
    assert worker.end() == 0


def test_a_reader_that_is_killed_while_it_holds_a_queue_loses_nothing(
    fleet: Fleet, channel: Any, simulator: Simulated, broken: Path
) -> None:
    worker = fleet.start()
    broken.touch()
    send(channel, "u1", "u2")
    worker.until_it_says("the queue is held: nothing can be taken in")
    assert worker.end() == 0
    broken.unlink()
    fleet.start()
    fleet.until(lambda: simulator.people() == everybody("u1", "u2"))


def test_what_is_said_of_a_queue_that_was_renamed_while_it_was_held_ends_with_a_reader_of_the_others(
    fleet: Fleet, database: str, open_store: Callable[[str], Store]
) -> None:
    store = open_store(database)
    Hold(store, "of-old").begin("the disk is full", 3)
    assert [each["subject"] for each in problems(store)] == ["of-old"]
    worker = fleet.start()
    eventually(lambda: problems(store) == [])
    assert worker.end() == 0


@pytest.fixture
def bounded(rabbitmq: RabbitMQ) -> Iterator[None]:
    """A policy of RabbitMQ's by which each queue has room for three messages, and refuses whoever publishes more."""
    full = json.dumps({"max-length": 3, "overflow": "reject-publish"})
    control(rabbitmq, "set_policy", "--apply-to", "queues", "full", ".*", full)
    yield
    control(rabbitmq, "clear_policy", "full")


@pytest.mark.usefixtures("bounded")
@pytest.mark.parametrize("intake", [{"format": "native", "batch_messages": 10}], ids=["a reader holds 20"])
def test_queues_that_refuse_more_bury_no_message(
    fleet: Fleet, channel: Any, simulator: Simulated, broker_url: str, database: str,
    open_store: Callable[[str], Store],
) -> None:  # fmt: skip
    """Nothing is handed on from queue to queue, so what a reader has in its hands is not refused."""
    worker = fleet.start()
    names = [f"u{number}" for number in range(100)]
    refused = 0
    # Until something is refused: a quick reader would leave room for all, and so would one that holds them all itself.
    tell(worker, signal.SIGSTOP)
    for name in names:
        while not confirmed(channel, name):
            refused += 1
            tell(worker, signal.SIGCONT)
    fleet.until(lambda: simulator.people() == everybody(*names))
    assert refused
    assert problems(open_store(database)) == []
    assert dead_letters.count(broker_url) == 0
    assert worker.end() == 0
    assert "Traceback" not in worker.said


def tell(worker: Program, number: signal.Signals) -> None:
    """Sends a signal to a program, and then to those it has started: one that stands still starts no more."""
    os.kill(worker.popen.pid, number)
    for pid in children(worker.popen.pid):
        os.kill(pid, number)


def confirmed(channel: Any, name: str) -> bool:
    try:
        send(channel, name)
    except MessageNacked:
        return False
    return True


# ---- What is no message ----------------------------------------------------------------------------------------------

NONSENSE = [
    (b'{"a": 1}', {}),
    (b"[[]]", {"task": APPLY, "id": "1"}),
    (b"[[], {}, {}]", {"task": APPLY, "id": "1", "timelimit": "x"}),
    (b"\x80\x04pickle", {"task": APPLY, "id": "1"}),
    (b"[[], {}, {}]", {"task": "tasks.other", "id": "1"}),
    (b"packed", {"compression": "application/x-nothing", "task": APPLY, "id": "1"}),
]


TO_WAIT = {"task": APPLY, "id": "1", "eta": "2099-01-01T00:00:00+00:00"}


def throw(channel: Any, queue: str, body: bytes, headers: dict[str, Any], **properties: Any) -> None:
    """Publishes what no program of sense would."""
    message_ = channel.prepare_message(body, headers=headers, **{"content_type": "application/json", **properties})
    channel.basic_publish(message_, exchange="", routing_key=queue)


def test_whatever_lies_on_the_intake_queues_is_a_problem_and_harms_nobody(
    fleet: Fleet, channel: Any, simulator: Simulated, database: str, open_store: Callable[[str], Store]
) -> None:
    worker = fleet.start()
    for number, (body, headers) in enumerate(NONSENSE):
        for queue in (QUEUE, "changes"):
            throw(channel, queue, body + b" " * number, headers)
    throw(channel, QUEUE, b"late", {}, properties={"timestamp": 1_700_000_000_000})
    throw(channel, QUEUE, b"huge", {f"header-{number}": "x" * 1000 for number in range(100)})
    throw(channel, QUEUE, b"klingon", {}, content_encoding="klingon")
    throw(channel, "changes", json.dumps([["native", [message("u3", 1)]], {}, {}]).encode(), TO_WAIT)
    send(channel, "u1")
    send(channel, "u2", queue="segment-changes-backfill")
    fleet.until(lambda: simulator.people() == everybody("u1", "u2"))

    store = open_store(database)
    # What lies on both queues is one problem that came twice, and a list of three is three messages.
    eventually(lambda: sum(each["count"] for each in problems(store)) == 2 * len(NONSENSE) + 4 + 4)
    assert worker.end() == 0
    assert "Traceback" not in worker.said


def test_whatever_lies_on_the_queues_of_doorbells_harms_nobody(
    fleet: Fleet, channel: Any, simulator: Simulated
) -> None:
    worker = fleet.start()
    for body, headers in [
        *NONSENSE,
        (b'[["main"], {}, {}]', {"task": "tasks.delivery.deliver", "id": "1", "eta": "2099-01-01T00:00:00+00:00"}),
    ]:
        for queue in ("delivery", "upkeep"):
            throw(channel, queue, body, headers)
    throw(channel, "delivery", b"late", {}, properties={"timestamp": 1_700_000_000_000})
    throw(channel, "delivery", b"klingon", {}, content_encoding="klingon")
    send(channel, "u1")
    fleet.until(lambda: simulator.people() == everybody("u1"))
    fleet.sweep()
    assert worker.end() == 0


# ---- What RabbitMQ refuses -------------------------------------------------------------------------------------------


def control(rabbitmq: RabbitMQ, *command: str) -> None:
    subprocess.run(("rabbitmqctl", "--quiet", *command), env=rabbitmq.environ(), check=True, capture_output=True)


def elsewhere(fleet: Fleet, url: str) -> Program:
    """A worker with another address of the broker, which is not ready when this comes back."""
    environ = {**fleet._environ, "CONNECTOR__BROKER__URL": url}
    command = (*CELERY, "-A", "tasks", "worker", "--pool=solo", "--loglevel=INFO", "--hostname=elsewhere@localhost")
    fleet.workers.append(Program(fleet._folder, environ, *command))
    return fleet.workers[-1]


@pytest.mark.parametrize("arguments", [{}, {"x-queue-type": "quorum"}], ids=["classic", "of the first version"])
def test_queues_with_other_arguments_are_used_as_they_are_and_said_once(
    fleet: Fleet, rabbitmq: RabbitMQ, channel: Any, simulator: Simulated, arguments: dict[str, str]
) -> None:
    rabbitmq.delete_queues(QUEUE, "delivery")
    for name in (QUEUE, "delivery"):
        Queue(name, durable=True, queue_arguments=arguments)(channel).declare()
    worker = elsewhere(fleet, fleet.broker)
    worker.until_it_says("ready.")
    send(channel, "u1")
    fleet.until(lambda: simulator.people() == everybody("u1"))
    for name in (QUEUE, "delivery"):
        words = f"the queue {name} is there with other arguments than this version declares"
        eventually(lambda words=words: worker.said.count(words) == 1)  # type: ignore[misc]  # a default
    rabbitmq.delete_queues(QUEUE, "delivery")
    assert "Traceback" not in worker.said


def test_a_stream_is_refused_in_a_line(fleet: Fleet, rabbitmq: RabbitMQ, channel: Any, simulator: Simulated) -> None:
    rabbitmq.delete_queues(QUEUE)
    Queue(QUEUE, durable=True, queue_arguments={"x-queue-type": "stream"})(channel).declare()
    worker = elsewhere(fleet, fleet.broker)
    worker.until_it_says("the queue segment-changes is there, but cannot be read as a queue")
    rabbitmq.delete_queues(QUEUE)
    worker.until_it_says("ready.")
    send(channel, "u1")
    fleet.until(lambda: simulator.people() == everybody("u1"))
    assert "Traceback" not in worker.said


@pytest.fixture
def other_user(rabbitmq: RabbitMQ) -> Iterator[str]:
    """A user of RabbitMQ's who may not do anything yet."""
    control(rabbitmq, "add_user", "other", "right")
    yield "other"
    control(rabbitmq, "delete_user", "other")


@pytest.mark.parametrize(
    ("password", "vhost", "words"),
    [
        ("wrong", "/", "refuses the user or the password"),
        ("right", "/nowhere", "has no such virtual host"),
        ("right", "/", "has no such virtual host, or this user may not use it"),
    ],
)
def test_what_is_refused_at_the_door_is_said_in_a_line_and_tried_again(
    fleet: Fleet, other_user: str, password: str, vhost: str, words: str
) -> None:
    port = urlsplit(fleet.broker).port
    worker = elsewhere(fleet, f"amqp://{other_user}:{password}@127.0.0.1:{port}/{vhost}")
    worker.until_it_says(words)
    assert "Traceback" not in worker.said
    assert worker.said.count(words) <= 2
    assert worker.end() == 0


def test_a_permission_that_is_missing_is_said_and_waited_for(fleet: Fleet, rabbitmq: RabbitMQ, other_user: str) -> None:
    control(rabbitmq, "set_permissions", other_user, "", ".*", ".*")
    port = urlsplit(fleet.broker).port
    worker = elsewhere(fleet, f"amqp://{other_user}:right@127.0.0.1:{port}//")
    worker.until_it_says("lets this user not do what it must")
    control(rabbitmq, "set_permissions", other_user, ".*", ".*", ".*")
    worker.until_it_says("ready.")
    assert "Traceback" not in worker.said


# ---- Settings --------------------------------------------------------------------------------------------------------


def test_a_worker_that_misses_a_secret_refuses_to_start(fleet: Fleet) -> None:
    secret = "CONNECTOR__CONNECTIONS__MAIN__API_KEY"
    environ = {name: value for name, value in fleet._environ.items() if name != secret}
    worker = Program(fleet._folder, environ, *CELERY, "-A", "tasks", "worker", "--hostname=poor@localhost")
    fleet.workers.append(worker)

    assert worker.popen.wait(60) == 2
    assert f"{secret} is not set" in worker.said
    assert "Traceback" not in worker.said


def test_what_was_taken_in_under_a_lease_that_is_lost_is_undone(
    fleet: Fleet, channel: Any, database: str, open_store: Callable[[str], Store], simulator: Simulated
) -> None:
    """As for a reader that stood still: another has the lease by the time it commits."""
    fleet.start()
    send(channel, "u1")
    fleet.until(lambda: simulator.people() == everybody("u1"))
    store = open_store(database)
    with store.writing() as tx:
        tx.execute(text("UPDATE lease SET holder = 'another/1', until = until + 5 WHERE name LIKE 'queue %'"))
    send(channel, "u2")
    fleet.until(lambda: simulator.people() == everybody("u1", "u2"))
