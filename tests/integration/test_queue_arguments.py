"""Queues that are there with other arguments: used as they are, told in what they differ, and made anew on demand."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import pytest
from amqp import Connection, Message

from connector.broker import connecting, dead_letters, declaring, queue_renewal
from connector.broker.consumer import Consumer
from connector.broker.declaring import ArgumentDifference
from connector.broker.frames import Delivery
from connector.errors import ConnectorError
from tests.servers import RabbitMQ, eventually

QUEUE = "segment-changes"
BARE = {"x-queue-type": "quorum"}
"""What the first version declared its queues with."""
ODD: Mapping[str, Any] = {
    "x-queue-type": "classic", "x-single-active-consumer": True, "x-max-priority": 5, "x-max-length": 70_000,
    "x-message-ttl": 600_000, "x-dead-letter-exchange": "amq.direct", "x-overflow": "drop-head",
}  # fmt: skip


class BrokenOffError(Exception):
    """Somebody has broken off what was under way."""


@pytest.fixture
def connection(broker_url: str, rabbitmq: RabbitMQ) -> Iterator[Connection]:
    with Connection(**connecting.parameters(broker_url), confirm_publish=True) as connection:
        yield connection
    rabbitmq.delete_queues(QUEUE, f"{QUEUE}-moving", "dead-letters")


def declare(connection: Connection, arguments: Mapping[str, Any], **options: Any) -> None:
    connection.channel().queue_declare(QUEUE, arguments=dict(arguments), durable=True, auto_delete=False, **options)


def publish(connection: Connection, *bodies: str) -> None:
    channel = connection.channel()
    for body in bodies:
        message = Message(body, priority=None, delivery_mode=2, application_headers=headers(body))
        channel.basic_publish(message, routing_key=QUEUE, mandatory=True)


def headers(body: str) -> dict[str, Any]:
    return {"begins": body[:20], "list": [1, "a"]}


def found(connection: Connection) -> list[tuple[str, Any]]:
    """Takes all messages off the queue: their bodies, and their headers without RabbitMQ's own."""
    channel, taken = connection.channel(), []
    while (message := channel.basic_get(QUEUE, no_ack=True)) is not None:
        own = {name: value for name, value in message.headers.items() if name != "x-delivery-count"}
        taken.append((str(message.body), own))
    return taken


def bodies(count: int) -> list[str]:
    return [f"message {number}" for number in range(count)]


# --- in what they differ ---------------------------------------------------------------------------------------------


def test_a_queue_that_is_not_there_is_declared(connection: Connection, broker_url: str) -> None:
    assert declaring.declare(connection, QUEUE, broker_url) == ()
    assert declaring.declare(connection, QUEUE, broker_url) == ()


@pytest.mark.parametrize("arguments", [{}, BARE, ODD], ids=["classic", "bare", "odd"])
def test_every_argument_that_differs_is_found(
    connection: Connection, broker_url: str, arguments: Mapping[str, Any]
) -> None:
    declare(connection, arguments)
    differences = declaring.declare(connection, QUEUE, broker_url)
    has = {each.argument: each.found for each in differences}
    wanted = {each.argument: each.declared for each in differences}
    assert {name: value for name, value in has.items() if value is not None} == {
        name: value for name, value in arguments.items() if wanted.get(name) != value and name != "x-queue-type"
    } | ({"x-queue-type": "classic"} if arguments is ODD else {})
    assert {name for name, value in has.items() if value is None} == {name for name in wanted if name not in arguments}


def test_a_queue_that_is_not_durable_is_told(connection: Connection, broker_url: str) -> None:
    connection.channel().queue_declare(QUEUE, durable=False, auto_delete=False)
    differences = declaring.declare(connection, QUEUE, broker_url)
    assert ArgumentDifference("durable", True, False) in differences
    assert "RabbitMQ forgets the queue when it ends" in declaring.told(QUEUE, differences)


# --- dead letters ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, BARE], ids=["classic", "bare"])
def test_what_such_a_queue_would_drop_is_a_dead_letter_all_the_same(
    connection: Connection, broker_url: str, arguments: Mapping[str, Any]
) -> None:
    declare(connection, arguments)
    publish(connection, "whole", "other")
    consumer = Consumer(broker_url, [QUEUE, "dead-letters"])
    consumer.consume(10)
    first, second = received(consumer, 2)
    consumer.dead_letter(first)
    consumer.acknowledge(second.tag)
    consumer.close()
    (dead,) = eventually(lambda: dead_letters.look(broker_url, 10))
    assert (dead.queue, dead.reason, dead.text) == (QUEUE, "rejected", "whole")
    assert dead_letters.replay(broker_url) == 1
    assert found(connection) == [("whole", headers("whole"))]


def received(consumer: Consumer, count: int) -> list[Delivery]:
    taken: list[Delivery] = []

    def enough() -> bool:
        taken.extend(consumer.receive())
        return len(taken) >= count

    eventually(enough)
    return taken


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A move looks for others for a moment only, and moves few at a time."""
    monkeypatch.setattr(queue_renewal, "_QUIET_SECONDS", 0.01)
    monkeypatch.setattr(queue_renewal, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(queue_renewal, "_PREFETCHED", 20)


# --- made anew -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{}, BARE], ids=["classic", "bare"])
def test_messages_are_moved_whole_and_in_their_order(
    connection: Connection, broker_url: str, arguments: Mapping[str, Any]
) -> None:
    declare(connection, arguments)
    told = [*bodies(45), "x" * 300_000]
    publish(connection, *told)
    assert queue_renewal.renew(broker_url, QUEUE) == len(told)
    assert queue_renewal.look(broker_url, [QUEUE])[0].is_as_declared
    assert found(connection) == [(each, headers(each)) for each in told]
    assert queue_renewal.renew(broker_url, QUEUE) == 0


@pytest.mark.parametrize("broken_off_at", range(1, 8))
def test_a_move_that_is_broken_off_goes_on_and_loses_nothing(
    connection: Connection, broker_url: str, broken_off_at: int
) -> None:
    declare(connection, BARE)
    publish(connection, *bodies(45))
    with suppress(BrokenOffError):
        queue_renewal.renew(broker_url, QUEUE, breaking_off(broken_off_at))
    eventually(lambda: queue_renewal.look(broker_url, [QUEUE])[0].consumers == 0)
    queue_renewal.renew(broker_url, QUEUE)
    assert queue_renewal.look(broker_url, [QUEUE])[0].is_as_declared
    assert list(dict(found(connection))) == bodies(45)  # twice is allowed, once too little or out of order is not


def breaking_off(at: int) -> Callable[[], None]:
    left = [at]

    def alive() -> None:
        left[0] -= 1
        if not left[0]:
            raise BrokenOffError

    return alive


def test_a_queue_that_somebody_reads_is_left_alone(connection: Connection, broker_url: str) -> None:
    declare(connection, BARE)
    publish(connection, "one")
    connection.channel().basic_consume(QUEUE, callback=lambda _: None)
    with pytest.raises(ConnectorError, match=r"1 consumer\(s\) read the queue segment-changes: end all workers first"):
        queue_renewal.renew(broker_url, QUEUE)


def test_a_queue_that_somebody_publishes_to_is_left_alone(
    connection: Connection, broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(connection, BARE)
    monkeypatch.setattr(queue_renewal, "sleep", lambda _: publish(connection, "one"))
    with pytest.raises(ConnectorError, match="somebody publishes to the queue segment-changes"):
        queue_renewal.renew(broker_url, QUEUE)
    assert len(found(connection)) == 1
