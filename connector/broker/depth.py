"""Asks RabbitMQ how many messages wait in its queues."""

from collections.abc import Iterable
from typing import Any

from amqp import Connection as AmqpConnection
from amqp.exceptions import NotFound

from connector.broker import connecting, queues
from connector.broker.connecting import UNREACHABLE, BrokerAddress
from connector.errors import ConnectorError
from connector.settings.sections import BrokerSettings, IntakeSettings


def of_messages(broker: BrokerSettings, intake: IntakeSettings) -> dict[str, int]:
    """Returns how many messages wait in each queue of upstream's messages, and among the dead letters.

    Raises ConnectorError if the broker does not answer within a few seconds.
    """
    return depths(broker, (*queues.of_upstream(intake), queues.CHANGES, queues.BACKFILL, queues.DEAD_LETTERS))


def depths(broker: BrokerAddress, names: Iterable[str]) -> dict[str, int]:
    """Returns how many messages are ready in each queue, of those that exist.

    Raises ConnectorError if the broker does not answer within a few seconds.
    """
    connection = AmqpConnection(
        **connecting.parameters(broker),
        read_timeout=connecting.CONNECT_SECONDS,
        write_timeout=connecting.CONNECT_SECONDS,
    )
    try:
        connection.connect()
        found = {name: counts(connection, name) for name in names}
    except UNREACHABLE as error:
        reason = str(error).splitlines()[0] if str(error) else "no answer"
        raise ConnectorError(f"RabbitMQ ({connecting.place(broker)}) cannot be asked: {reason}") from error
    finally:
        connecting.drop(connection)
    return {name: counted[0] for name, counted in found.items() if counted is not None}


def counts(connection: AmqpConnection, name: str) -> tuple[int, int] | None:
    """Returns how many messages wait in a queue and how many consumers it has; None if it does not exist.

    The latter closes the channel, so each question has its own.
    """
    channel: Any = connection.channel()
    try:
        found: Any = channel.queue_declare(name, passive=True)
    except NotFound:
        return None
    channel.close()
    return int(found.message_count), int(found.consumer_count)
