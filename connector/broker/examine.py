"""Looks at what RabbitMQ would let a fleet do, and makes, takes or changes nothing that stays."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from uuid import uuid4

from amqp import Connection, Message
from amqp.exceptions import NotFound

from connector.broker import connecting, declaring, queues, refusals
from connector.broker.connecting import UNREACHABLE
from connector.settings.sections import BrokerSettings, IntakeSettings


class Examined(NamedTuple):
    """What was tried, what is wrong with it, and what is only otherwise than it should be; "" if nothing is."""

    what: str
    wrong: str = ""
    otherwise: str = ""


def examine(broker: BrokerSettings, intake: IntakeSettings) -> Iterator[Examined]:
    """Connects, looks at the queues that exist, and passes a message through a queue that is removed afterwards."""
    try:
        with _connected(broker) as connection:
            yield from _looked_at(connection, broker, queues.names(intake))
            yield _tried(connection, broker, f"{intake.queue}-check-{uuid4().hex[:8]}")
    except UNREACHABLE as error:
        yield Examined(connecting.place(broker), refusals.advice(error, broker, "").removesuffix(_AGAIN))


_AGAIN = ". It is tried again by itself"


@contextmanager
def _connected(broker: BrokerSettings) -> Iterator[Connection]:
    given = connecting.parameters(broker)
    connection = Connection(**given, read_timeout=connecting.CONNECT_SECONDS, write_timeout=connecting.CONNECT_SECONDS)
    try:
        connection.connect()
        yield connection
    finally:
        connecting.drop(connection)


def _looked_at(connection: Connection, broker: BrokerSettings, names: Collection[str]) -> Iterator[Examined]:
    """Looks whether each queue that exists is as it is declared; the workers make those that do not exist."""
    there, missing = 0, 0
    for name in names:
        if not _is_there(connection, name):
            missing += 1
            continue
        there += 1
        yield from _as_declared(connection, broker, name)
    yield Examined(f"{there} queue(s) are there, {missing} will be made by the first worker")


def _is_there(connection: Connection, name: str) -> bool:
    try:
        connection.channel().queue_declare(name, passive=True)
    except NotFound:
        return False
    return True


def _as_declared(connection: Connection, broker: BrokerSettings, name: str) -> Iterator[Examined]:
    try:
        found = declaring.declare(connection, name, broker.url)
    except UNREACHABLE as error:
        if not refusals.is_refusal(error):
            raise
        yield Examined(f"queue {name}", refusals.advice(error, broker, name))
    else:
        if found:
            yield Examined(f"queue {name}", otherwise=declaring.told(name, found))


def _tried(connection: Connection, broker: BrokerSettings, name: str) -> Examined:
    """Tries whether this user may make a queue, publish to it and read from it."""

    def through(channel: Any) -> None:
        channel.queue_declare(name, exclusive=True, auto_delete=True)
        channel.basic_publish(Message("{}"), routing_key=name)
        channel.basic_get(name, no_ack=True)
        channel.queue_delete(name)

    return Examined("a queue can be made, written and read", _refused(connection, broker, through))


def _refused(connection: Connection, broker: BrokerSettings, do: Callable[[Any], None]) -> str:
    """Returns what RabbitMQ says against an action. A refusal closes the channel, so the action has its own."""
    try:
        do(connection.channel())
    except UNREACHABLE as error:
        if not refusals.is_refusal(error):
            raise
        return refusals.advice(error, broker, "")
    return ""
