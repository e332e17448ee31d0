"""The proxy of the tests that falls silent does so, or those tests would prove nothing."""

import socket
import threading
from collections.abc import Iterator

import pytest

from tests.silent_proxy import SilentProxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says back what it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer(heard: socket.socket) -> None:
        with heard:
            while said := heard.recv(100):
                heard.sendall(said)

    def serve() -> None:
        while True:
            try:
                heard, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(heard,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def says_back(connection: socket.socket, word: bytes) -> bool:
    connection.sendall(word)
    try:
        return connection.recv(100) == word
    except TimeoutError:
        return False


def test_it_passes_what_is_said_until_it_is_silent_and_then_nothing(echo: int) -> None:
    with SilentProxy(echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 0.3) as before:
        before.settimeout(0.3)
        assert says_back(before, b"one")
        proxy.silence()
        assert not says_back(before, b"two")
        with socket.create_connection(("127.0.0.1", proxy.port), 0.3) as during:
            during.settimeout(0.3)
            assert not says_back(during, b"three")


def test_healed_it_serves_new_connections_and_the_old_ones_stay_silent(echo: int) -> None:
    with SilentProxy(echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 0.3) as before:
        assert says_back(before, b"one")
        proxy.silence()
        proxy.heal()
        assert not says_back(before, b"two")
        with socket.create_connection(("127.0.0.1", proxy.port), 5) as after:
            assert says_back(after, b"three")


def test_resumed_what_was_kept_back_arrives(echo: int) -> None:
    with SilentProxy(echo) as proxy, socket.create_connection(("127.0.0.1", proxy.port), 5) as connection:
        proxy.silence()
        connection.sendall(b"late")
        proxy.resume()
        assert connection.recv(100) == b"late"
