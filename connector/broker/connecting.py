"""Opens connections to RabbitMQ by the settings, with every wait bounded."""

import ssl
from collections.abc import Callable
from typing import Any

from amqp import Connection as AmqpConnection
from amqp.exceptions import AMQPError
from amqp.transport import TCPTransport
from kombu import Connection

from connector import resolver
from connector.settings.sections import BrokerSettings

CONNECT_SECONDS = 5.0
"""How many seconds to wait for the connection, and for each step of its greeting."""
UNREACHABLE = (AMQPError, OSError)
"""The exceptions of a connection that cannot be opened, breaks, or is closed by the broker."""


Connect = Callable[[Any, str, Any, float | None], None]
"""py-amqp's way to connect a transport: to a host, at a port, within seconds."""


def _looking_up(connect: Connect) -> Connect:
    """Bounds the look-up of the host, which py-amqp leaves to the system, for Celery's connections as for our own."""

    def connect_in_time(transport: Any, host: str, port: Any, timeout: float | None) -> None:
        found = resolver.addresses(host, port, timeout or CONNECT_SECONDS)
        for number, address in enumerate(found, 1):
            try:
                connect(transport, address, port, timeout)
            except OSError:
                if number == len(found):
                    raise
            else:
                return

    return connect_in_time


# A TCP connection's base is the one that has it; there is no other place for it.
_Transport: Any = TCPTransport.__mro__[1]
_Transport._connect = _looking_up(_Transport._connect)  # noqa: SLF001
BrokerAddress = BrokerSettings | str
"""The settings of the broker, or its URL alone."""


def url(broker: BrokerAddress) -> str:
    """Returns the broker's URL."""
    return broker.url if isinstance(broker, BrokerSettings) else broker


def tls(broker: BrokerAddress) -> dict[str, Any] | bool:
    """Returns the TLS options of kombu and Celery, False if the connection is not encrypted.

    The certificate must be valid, and valid for the host of the URL.
    """
    if not url(broker).startswith("amqps:"):
        return False
    given = broker if isinstance(broker, BrokerSettings) else BrokerSettings(url=broker)
    files = {"ca_certs": given.ca_file, "certfile": given.certificate_file, "keyfile": given.key_file}
    named = {name: file for name, file in files.items() if file}
    # None lets kombu take the host of whichever of several addresses it connects to.
    host = None if ";" in url(broker) else Connection(url(broker)).hostname
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host, **named}


def parameters(broker: BrokerAddress, attempt: int = 0) -> dict[str, Any]:
    """Returns what py-amqp needs to connect. Of several addresses in the URL (`a;b`), each attempt takes the next."""
    urls = url(broker).split(";")
    found = Connection(urls[attempt % len(urls)])
    host, secured = found.hostname or "localhost", tls(broker)
    port = found.port or (5671 if secured else 5672)
    return {
        "host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "userid": found.userid or "guest",
        "password": found.password or "guest",
        "virtual_host": found.virtual_host or "/",
        "ssl": {**secured, "server_hostname": host} if isinstance(secured, dict) else False,
        "connect_timeout": CONNECT_SECONDS,
    }


def place(broker: BrokerAddress) -> str:
    """Returns the broker's address without its password."""
    return str(Connection(url(broker)).as_uri())


def drop(connection: AmqpConnection) -> None:
    """Closes the socket of a connection that is broken or silent, without telling the broker."""
    connection.collect()
