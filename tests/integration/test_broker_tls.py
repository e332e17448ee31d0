"""RabbitMQ over TLS: its certificate must be signed by who is trusted, and be for the host of the URL."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kombu import Connection

from connector.broker import connecting, dead_letters
from connector.broker.consumer import Consumer
from connector.broker.publisher import Publisher
from connector.broker.refusals import advice
from connector.errors import ConnectorError
from connector.settings.sections import BrokerSettings
from tests import certificates
from tests.servers import RabbitMQ

NAME = "test-broker-tls"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and what it has signed: a server's certificate for localhost, and a client's."""
    return certificates.make(tmp_path_factory.mktemp("tls"))


@contextmanager
def secured(rabbitmq: RabbitMQ, files: Path, *, asks: bool = False) -> Iterator[int]:
    """The port of a way to RabbitMQ over TLS; `asks`: for a certificate of the client's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files / "server.pem", files / "server.key")
    if asks:
        context.load_verify_locations(files / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    to = urlsplit(rabbitmq.url).port or 5672
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context, to), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _serve(listening: socket.socket, context: ssl.SSLContext, to: int) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_carry, args=(plain, context, to), daemon=True).start()


def _carry(plain: socket.socket, context: ssl.SSLContext, to: int) -> None:
    with (
        suppress(OSError),
        plain,
        context.wrap_socket(plain, server_side=True) as inside,
        socket.create_connection(("127.0.0.1", to)) as outside,
    ):
        back = threading.Thread(target=_copy, args=(outside, inside), daemon=True)
        back.start()
        _copy(inside, outside)
        outside.shutdown(socket.SHUT_RDWR)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)


def broker(port: int, files: Path | None, host: str = "localhost", **named: str) -> BrokerSettings:
    given = {name: str(files / file) for name, file in named.items()} if files else {}
    return BrokerSettings(url=f"amqps://guest:guest@{host}:{port}//", **given)


def test_everybody_who_connects_does_so_over_tls(rabbitmq: RabbitMQ, files: Path) -> None:
    rabbitmq.delete_queues(NAME)
    with secured(rabbitmq, files) as port:
        given = broker(port, files, ca_file="ca.pem")
        publisher = Publisher(given, NAME)
        assert publisher.publish([b"1", b"2"]).confirmed == 2
        publisher.close()
        consumer = Consumer(given, [NAME])
        consumer.consume(10)
        never, other = socket.socketpair()
        found = []
        with never, other:
            while len(found) < 2 and consumer.wait(never, 5.0, reading=True):
                found += consumer.receive()
        consumer.close()
        assert [each.body for each in found] == [b"1", b"2"]
        assert dead_letters.count(given) == 0
        with Connection(given.url, ssl=connecting.tls(given)) as connection:  # as Celery does
            connection.ensure_connection(max_retries=1)


def test_a_certificate_for_another_host_is_refused(rabbitmq: RabbitMQ, files: Path) -> None:
    with secured(rabbitmq, files) as port:
        given = broker(port, files, host="127.0.0.1", ca_file="ca.pem")
        with pytest.raises(ssl.SSLCertVerificationError) as raised:
            Consumer(given, [])
        assert "in [broker] url the host that it is for" in advice(raised.value, given, "")
        with pytest.raises(ConnectorError, match="certificate verify failed"):
            dead_letters.count(given)
        with pytest.raises(ConnectorError, match="certificate verify failed"):
            Publisher(given, NAME).publish([b"1"])


def test_a_certificate_that_nobody_trusts_is_refused(rabbitmq: RabbitMQ, files: Path) -> None:
    with secured(rabbitmq, files) as port, pytest.raises(ssl.SSLCertVerificationError):
        Consumer(broker(port, None), [])


def test_a_certificate_of_our_own_is_shown_where_it_is_asked_for(rabbitmq: RabbitMQ, files: Path) -> None:
    with secured(rabbitmq, files, asks=True) as port:
        with pytest.raises(ConnectorError):
            dead_letters.count(broker(port, files, ca_file="ca.pem"))
        shown = broker(port, files, ca_file="ca.pem", certificate_file="client.pem", key_file="client.key")
        assert dead_letters.count(shown) == 0
