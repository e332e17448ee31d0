"""Servers that do their worst: one byte at a time, without end, silence."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from time import sleep

SECONDS = 0.4
"""What an exchange with them is given; their pauses are a tenth of it, and they never come to an end by themselves."""
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Answering = Callable[[socket.socket], None]


class Server:
    """A server that answers every connection as told, on a free port of the loopback."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            self._answering(connection)

    def close(self) -> None:
        self._listener.close()


def dripping(beginning: bytes, then: bytes = b"x") -> Answering:
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(beginning)
        for _ in range(1000):
            connection.sendall(then)
            sleep(SECONDS / 10)

    return answer


def without_end(beginning: bytes, chunk: bytes) -> Answering:
    def answer(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(beginning)
        for _ in range(2_000):
            connection.sendall(chunk)

    return answer


def reading_nothing(connection: socket.socket) -> None:
    sleep(20 * SECONDS)
    connection.close()


def at_once(answer: bytes) -> Answering:
    def send(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(answer)

    return send
