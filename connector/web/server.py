"""Serving an ASGI application from a thread, for as long as a block lasts."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from uvicorn import Config, Server

from connector.errors import ConnectorError

_START_SECONDS = 15.0


class _Server(Server):
    """A server that says when it listens."""

    def __init__(self, config: Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts, then says so."""
        await super().startup(sockets)
        self._listening.set()


@contextmanager
def serving(app: Any, host: str, port: int) -> Iterator[str]:
    """The URL under which `app` is served until the block ends; port 0 takes a free one. Raises ConnectorError."""
    listening = threading.Event()
    with _listen(host, port) as listener:
        server = _Server(Config(app, log_config=None, access_log=False, lifespan="off"), listening)
        thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
        thread.start()
        if not listening.wait(_START_SECONDS):
            raise ConnectorError(f"the web server did not start on {host}:{port}")
        try:
            yield f"http://{host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(_START_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio turns off Nagle's algorithm: otherwise each answer waits 40 ms for an ACK.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"cannot listen on {host}:{port} ({error.strerror}): set another with CONNECTOR__WEB__PORT, 0 for any"
        raise ConnectorError(reason) from error
    listener.set_inheritable(True)
    return listener
