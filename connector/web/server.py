"""Serves an ASGI application: here until told to stop, or in a thread for as long as a block lasts."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from uvicorn import Config, Server

from connector.errors import ConnectorError

_START_SECONDS = 15.0
_BACKLOG = 2048


class _Server(Server):
    """A server that calls back once it listens."""

    def __init__(self, config: Config, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to listen, then calls back."""
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_BACKLOG)  # many may wait; asyncio accepts the few of `Config.backlog` at a time
        self._listening()


def serve(config: Config, host: str, port: int, on_ready: Callable[[str], None]) -> None:
    """Serves an application until the process is told to stop by a signal.

    Args:
        config: uvicorn's configuration.
        host: the address to listen at.
        port: the port, 0 for any that is free.
        on_ready: called with the URL once the server listens.

    Raises:
        ConnectorError: the address or port cannot be used.
    """
    with _listen(host, port) as listener:
        _Server(config, lambda: on_ready(_url(config, listener))).run([listener])


@contextmanager
def serving(config: Config, host: str, port: int) -> Iterator[str]:
    """Serves an application in a thread until the block ends. Yields its URL.

    Raises ConnectorError where the address or port cannot be used, or the server does not start within 15 seconds.
    """
    listening = threading.Event()
    with _listen(host, port) as listener:
        server = _Server(config, listening.set)
        thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
        thread.start()
        try:
            if not listening.wait(_START_SECONDS):
                raise ConnectorError(f"the server did not start on {host} port {port}")
            yield _url(config, listener)
        finally:
            server.should_exit = True
            thread.join(_START_SECONDS)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConnectorError(
            f"cannot listen on {host} port {port} ({error.strerror}): give another port, 0 for any"
        ) from error
    # asyncio sets this only on sockets made with an explicit protocol; without it an answer, which is two writes,
    # waits 40 ms for the client's acknowledgement. Accepted connections inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _url(config: Config, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    scheme = "https" if config.is_ssl else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
